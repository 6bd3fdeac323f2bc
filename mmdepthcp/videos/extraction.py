"""From video files to folders of frames to learn from."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmdepthcp.geometry.cameras import crop_normalised_intrinsics
from mmdepthcp.utils.errors import InputError, notice
from mmdepthcp.utils.fileio import atomic_path, read_json, write_json
from mmdepthcp.utils.images import read_image
from mmdepthcp.utils.processes import claim
from mmdepthcp.utils.trees import progress_bar
from mmdepthcp.videos.bonnet import BonnetSearch
from mmdepthcp.videos.camera import CALIBRATION, find_intrinsics, write_calibration
from mmdepthcp.videos.pictures import ACROSS, MOST_SHOTS, Thinned, draw_shot, stack, to_thumb
from mmdepthcp.videos.reading import FrameReader, Source, find_sources
from mmdepthcp.videos.shots import Fate, ShotSplitter, to_small_grey

FRAMES, RECORD, PICTURE, PICTURES, PARTS = 'frames', 'frames.json', 'frames.jpg', 'pictures', '.parts'
LEAST_FRAMES = 3
"""Of a shot: a frame and its two neighbours."""
LOOK = 600
"""Frames that move in which the bonnet is looked for, a minute of driving."""
QUALITY, PICTURE_QUALITY = 95, 85
SLOW = 4.
"""Frames a second below which neighbours may see too little of the same."""
VERSION = 1
"""Of what decides about the frames beside the settings."""


@dataclass(frozen=True)
class Settings:
    """What decides about the frames.

    Attributes:
        fps: about how many a second.
        fov: horizontal field of view of all cameras in degrees; None: what files tell.
        max_side: longest side in pixels.
        folder_fps: rate of folders of frames; None: ``fps``.
        version: see :data:`VERSION`.
    """

    fps: float = 10.
    fov: float | None = None
    max_side: int = 1280
    folder_fps: float | None = None
    version: int = VERSION

    def __post_init__(self) -> None:
        for key in ('fps', 'folder_fps'):
            value = getattr(self, key)
            if value is not None and not 0 < value <= 1000:
                raise InputError(f'{key} {value}: must be a number of frames a second, above 0')
        if self.max_side < 32:
            raise InputError(f'max_side {self.max_side}: must be 32 pixels or more')
        if self.fov is not None and not 0 < self.fov < 180:
            raise InputError(f'fov {self.fov:g}: must be an angle between 0 and 180 degrees')


def extract_frames(
        sources: Sequence[str | os.PathLike], out: str | os.PathLike, *, fps: float = 10., fov: float | None = None,
        max_side: int = 1280, folder_fps: float | None = None, quiet: bool = False) -> dict[str, Any]:
    """Write the frames of videos that are worth learning from: ``out/frames/<source>_<shot>/<frame>.jpg``.

    The frames of a folder are successive ones of one shot, about ``1 / fps`` seconds apart, upright, with square
    pixels, without the own bonnet. Left out are frames that stand still or are black. Where the focal length is known,
    ``intrinsics.json`` lies beside them, for ``VideoClipDataset`` with ``layout='folder'``. ``out/frames.json`` says
    what was done, ``out/frames.jpg`` shows it.

    Sources that are done are left alone when the function is called again, unless they were changed; what other
    sources or settings have left in ``out`` is removed. A source of which nothing can be used has a ``problem`` in the
    record, and the others are done.

    Args:
        sources: video files, folders of frames, folders that hold such; see :func:`find_sources`.
        out: folder to write to.
        fps: frames a second; a video with fewer is taken as it is.
        fov: horizontal field of view in degrees, of all cameras; by default what EXIF, notes in the files or
            ``intrinsics.json`` tell.
        max_side: longest side of the frames in pixels; smaller ones are left as they are.
        folder_fps: frames a second of folders of frames; by default ``fps``.
        quiet: show no progress.

    Returns:
        What stands in ``frames.json``: ``settings``, ``sources`` (one entry each) and ``totals``.

    Raises:
        InputError: a source does not exist, an argument makes no sense, another process writes to ``out``, or frames
            that are not of this function lie there.
    """
    settings, out = Settings(fps, fov, max_side, folder_fps), Path(out)
    found = find_sources(sources, [out])
    with claim(out):
        done = _begin(out, settings, found)
        for number, source in enumerate(found, 1):
            if source.name not in done:
                if not quiet:
                    print(f'video {number} of {len(found)}: {source.path}')
                done[source.name] = _Extraction(source, out, settings, quiet).run()
                _write_record(out, settings, found, done)
        record = _write_record(out, settings, found, done)
        _write_picture(out, found)
        shutil.rmtree(out / PARTS, ignore_errors=True)
    return record


def _identity(source: Source) -> dict[str, Any]:
    return dict(path=str(source.path), digest=source.state())


def _begin(out: Path, settings: Settings, sources: Sequence[Source]) -> dict[str, dict]:
    """What is done already, by name; everything else that this package wrote into ``out`` is removed."""
    file = out / RECORD
    if not file.exists():
        if (out / FRAMES).is_dir() and any((out / FRAMES).iterdir()):
            raise InputError(f'{out / FRAMES}: holds files, but there is no {file} that says where they are from; name '
                             'another folder')
        known: dict[str, dict] = {}
    else:
        record = read_json(file)
        known = {entry['name']: entry for entry in record['sources']}
        if record['settings'] != asdict(settings):
            other = [f'{key} was {record["settings"].get(key)}, is {value}' for key, value in asdict(settings).items()
                     if record['settings'].get(key) != value]
            notice(f'{out}: all frames are made anew, with other settings ({"; ".join(other)})')
            _remove_shots(out, list(known))
            known = {}
    same = {source.name for source in sources
            if source.name in known and _identity(source).items() <= known[source.name].items()}
    if changed := sorted({source.name for source in sources} & set(known) - same):
        notice(f'{out}: made anew, for the videos have changed: {", ".join(changed)}')
    if gone := sorted(set(known) - {source.name for source in sources}):
        notice(f'{out}: frames of videos that are not named any more are removed: {", ".join(gone)}')
    done = {name: known[name] for name in known if name in same}
    _remove_shots(out, [*(set(known) - same), *(source.name for source in sources if source.name not in same)])
    _write_record(out, settings, sources, done)
    return done


def _remove_shots(out: Path, names: Sequence[str]) -> None:
    shutil.rmtree(out / PARTS, ignore_errors=True)
    unwanted = set(names)
    for folder in (out / FRAMES).iterdir() if (out / FRAMES).is_dir() else ():
        if re.sub(r'_\d{3,}$', '', folder.name) in unwanted:
            shutil.rmtree(folder)
    for name in names:
        (out / PICTURES / f'{name}.jpg').unlink(missing_ok=True)


TOTALS = ('read', 'kept', 'still', 'black', 'short', 'lost')


def _write_record(out: Path, settings: Settings, sources: Sequence[Source], done: dict[str, dict]) -> dict[str, Any]:
    entries = [done[source.name] for source in sources if source.name in done]
    totals = {key: sum(entry['frames'][key] for entry in entries) for key in TOTALS}
    record = dict(
        settings=asdict(settings), sources=entries,
        totals=dict(
            sources=len(sources), done=len(entries), problems=sum(entry['problem'] is not None for entry in entries),
            shots=sum(len(entry['shots']) for entry in entries), frames=totals,
            intrinsics=sum(entry['intrinsics'] is not None for entry in entries if entry['shots'])))
    write_json(out / RECORD, record)
    return record


def _write_picture(out: Path, sources: Sequence[Source]) -> None:
    files = [out / PICTURES / f'{source.name}.jpg' for source in sources]
    rows = [read_image(file) for file in files if file.is_file()]
    if rows:
        write_jpeg(out / PICTURE, stack(rows), PICTURE_QUALITY)
    else:
        (out / PICTURE).unlink(missing_ok=True)


def write_jpeg(path: Path, image: np.ndarray, quality: int) -> None:
    """Write an (H, W, 3) uint8 BGR image aside and rename it; ``quality`` is 0..100."""
    encoded, content = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not encoded:
        raise OSError(f'{path}: could not be written')
    with atomic_path(path) as aside:
        aside.write_bytes(content.tobytes())


class _Progress:
    """A bar over looking and writing, whose numbers of frames are estimates."""

    def __init__(self, look: int, write: int, quiet: bool) -> None:
        self._bar = None if quiet else progress_bar(look + write)
        self._left, self._later = look, write

    def update(self) -> None:
        if self._bar and self._left > 0:
            self._bar.update()
        self._left -= 1

    def next_part(self) -> None:
        """Whatever was left of this part will not come."""
        if self._bar and self._left > 0:
            self._bar.update(self._left)
        self._left, self._later = self._later, 0


class _Extraction:
    """Of one source: its shots are written below ``.parts`` and moved when all is done."""

    def __init__(self, source: Source, out: Path, settings: Settings, quiet: bool) -> None:
        self.source, self.out, self.settings, self.quiet = source, out, settings, quiet
        self.shots: list[dict] = []
        self.rows = Thinned(MOST_SHOTS)
        self.counts = dict.fromkeys(TOTALS, 0)
        self.bonnet = 0.
        self.intrinsics: tuple[np.ndarray, str] | None = None
        self._thumbs = Thinned(ACROSS)
        self._times: list[float] = []

    def run(self) -> dict[str, Any]:
        """Do it: the entry of the record."""
        identity, problem, reader = _identity(self.source), None, None
        try:
            self._look()
            reader = self._reader()
            self._write(reader)
            problem = self._why_nothing(reader)
        except InputError as error:
            problem = str(error)
        for shot in self.shots:
            os.makedirs(self.out / FRAMES, exist_ok=True)
            os.replace(self._parts / shot['name'], self.out / FRAMES / shot['name'])
        if rows := self.rows.some():
            write_jpeg(self.out / PICTURES / f'{self.source.name}.jpg', stack(rows), PICTURE_QUALITY)
        if problem:
            notice(f'{self.source.path}: gives no frames: {problem}' if str(self.source.path) not in problem else
                   problem)
        return dict(
            name=self.source.name, **identity, problem=problem,
            remark=self._remark(reader) if reader else None,
            duration=round(reader.end, 3) if reader else None,
            fps=round(reader.rate, 3) if reader else None,
            rotation=reader.rotation if reader else None,
            frames=self.counts, shots=self.shots, bonnet=round(self.bonnet, 4),
            intrinsics=self.intrinsics and dict(
                source=self.intrinsics[1], fx=float(self.intrinsics[0][0, 0]), fy=float(self.intrinsics[0][1, 1])))

    @property
    def _parts(self) -> Path:
        return self.out / PARTS

    def _reader(self) -> FrameReader:
        return FrameReader(self.source, self.settings.fps, self.settings.max_side, self.settings.folder_fps)

    def _look(self) -> None:
        """Look for the bonnet in the first frames that move."""
        reader, search = self._reader(), BonnetSearch()
        splitter = ShotSplitter(reader.interval)
        self._progress = _Progress(min(reader.picks, LOOK), reader.picks, self.quiet)
        for time, image in reader:
            self._progress.update()
            grey = to_small_grey(image)
            if splitter(time, grey) in (Fate.KEPT, Fate.NEW_SHOT):
                search.add(grey)
            if search.frames == LOOK:
                break
        self.bonnet = search.fraction()

    def _write(self, reader: FrameReader) -> None:
        splitter = ShotSplitter(reader.interval)
        self._progress.next_part()
        for time, image in reader:
            self._progress.update()
            fate = splitter(time, to_small_grey(image))
            if fate is Fate.NEW_SHOT:
                self._end_shot()
            if fate in (Fate.NEW_SHOT, Fate.KEPT):
                self._write_frame(time, image)
            else:
                self.counts['still' if fate is Fate.STILL else 'black'] += 1
        self._end_shot()
        self._progress.next_part()
        self.counts['read'], self.counts['lost'] = reader.read, reader.lost

    @property
    def _shot(self) -> str:
        return f'{self.source.name}_{len(self.shots):03d}'

    def _write_frame(self, time: float, image: np.ndarray) -> None:
        height, width = image.shape[:2]
        above = max(1, round(height * (1 - self.bonnet)))
        folder = self._parts / self._shot
        if not self._times:
            self.intrinsics = self.intrinsics or find_intrinsics(self.source, (width, height), self.settings.fov)
            if self.intrinsics:
                cropped = crop_normalised_intrinsics(self.intrinsics[0], (width, height), 0, 0, (width, above))
                write_calibration(folder / CALIBRATION, cropped, (width, above))
        write_jpeg(folder / f'{len(self._times):06d}.jpg', image[:above], QUALITY)
        self._times.append(time)
        self._thumbs.add(lambda: to_thumb(time, image))

    def _end_shot(self) -> None:
        """Put the frames since the last shot down as one, if they are enough."""
        times, thumbs = self._times, self._thumbs.some()
        self._times, self._thumbs = [], Thinned(ACROSS)
        if not times:
            return
        if len(times) < LEAST_FRAMES:
            self.counts['short'] += len(times)
            shutil.rmtree(self._parts / self._shot)
            return
        self.counts['kept'] += len(times)
        title = f'{self._shot}: {len(times)} frames' + (f', bonnet {100 * self.bonnet:.0f} %' if self.bonnet else '')
        self.rows.add(lambda: draw_shot(title, thumbs, self.bonnet))
        self.shots.append(dict(name=self._shot, frames=len(times), begins=round(times[0], 3), ends=round(times[-1], 3)))

    def _why_nothing(self, reader: FrameReader) -> str | None:
        counts = self.counts
        if self.shots:
            return None
        if reader.read == 0:
            return 'no frame of it can be decoded; copy or convert it again, or leave it out'
        if reader.read < LEAST_FRAMES:
            return f'it has {reader.read} frames, a shot takes {LEAST_FRAMES}'
        if counts['black'] > max(counts['still'], counts['short']):
            return 'its frames are black or of one colour'
        if counts['still'] > counts['short']:
            return 'nothing moves in it; depth is learnt from a camera that drives'
        return f'no {LEAST_FRAMES} successive frames of it show one scene; is it cut, or too slow (fps)?'

    def _remark(self, reader: FrameReader) -> str | None:
        remarks = []
        if 0 < reader.rate < min(SLOW, self.settings.fps):
            remarks.append(f'{reader.rate:.3g} frames a second are few: motion between them may be too large to learn '
                           'depth from, and cuts are not looked for')
        if reader.lost:
            remarks.append(f'about {reader.lost} frames are missing or could not be decoded, most often since the file '
                           'was cut off')
        return '; '.join(remarks) or None
