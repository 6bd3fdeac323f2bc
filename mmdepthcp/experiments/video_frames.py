"""The frames of an experiment: what there is, and lists of which are learnt from."""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mmdepthcp.datasets.clips import Clip, index_folder
from mmdepthcp.experiments.video_tasks import Footage
from mmdepthcp.geometry.cameras import read_intrinsics
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import atomic_path
from mmdepthcp.utils.images import image_size

CHECKED = 0.1
"""Share of every shot, its end, that depth is checked on."""
MOST_CHECKED = 50
LOOKED_AT = 8
"""Frames that a dry run takes."""
LEAST_LENGTH = 15
"""Frames of a shot below which none of it is held back."""

SHOWN = 3
"""Problems that a message tells."""
LEFT_OUT = dict(still='that stand still', black='that are black', short='in shots too short', lost='that are damaged')

Intrinsics = tuple[float, float, float, float]


@dataclass(frozen=True)
class Shots:
    """Frames in a folder.

    Attributes:
        root: the folder.
        clips: name → frames in order.
        footage: what they are, in numbers.
        intrinsics: normalised (fx/W, fy/H, cx/W, cy/H) of the first shot whose camera is known, if there is any.
        sample: successive frames to measure with.
    """

    root: Path
    clips: Mapping[str, Sequence[Path]]
    footage: Footage
    intrinsics: Intrinsics | None
    sample: Sequence[Path]

    def check_disparity(self, folder: Path) -> None:
        """Make sure that every frame has its PNG in a folder.

        Raises:
            InputError: one has none.
        """
        names = [frame.relative_to(self.root).with_suffix('.png') for frames in self.clips.values() for frame in frames]
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            raise InputError(f'{folder}: {len(missing)} of {len(names)} frames have no disparity there, such as '
                             f'{missing[0]}; it needs SHOT/FRAME.png for every frame in {self.root}')


def read_shots(root: Path) -> Shots:
    """The frames below a folder.

    Raises:
        InputError: there are none.
    """
    found = index_folder(root)
    clips = {clip.name: [clip.frames[number] for number in sorted(clip.frames)] for clip in found}
    sizes = Counter({image_size(frames[0]): 0 for frames in clips.values()})
    for frames in clips.values():
        sizes[image_size(frames[0])] += len(frames)
    longest = max(clips.values(), key=len)
    known = [intrinsics for clip in found if (intrinsics := _intrinsics(clip)) is not None]
    footage = Footage(sum(map(len, clips.values())), sizes.most_common(1)[0][0], len(clips), len(known) == len(found))
    return Shots(root, clips, footage, known[0] if known else None, longest)


def _intrinsics(clip: Clip) -> Intrinsics | None:
    if len(clip.calibration) < len(clip.frames):
        return None
    number = min(clip.frames)
    return as_four(read_intrinsics(clip.calibration[number], image_size(clip.frames[number])))


def as_four(matrix: np.ndarray) -> Intrinsics:
    """(fx, fy, cx, cy) of a matrix (3, 3)."""
    return float(matrix[0, 0]), float(matrix[1, 1]), float(matrix[0, 2]), float(matrix[1, 2])


def held_back(length: int) -> int:
    """How many frames at the end of a shot of some length depth is checked on.

    Example:
        >>> held_back(88), held_back(10), held_back(10000)
        (8, 0, 50)
    """
    return min(int(CHECKED * length), MOST_CHECKED) if length >= LEAST_LENGTH else 0


def depth_lists(clips: Mapping[str, Sequence[Path]], step: int) -> tuple[list[Path], list[Path]]:
    """Frames to learn depth from and frames to check it on; none of the latter is a neighbour of the former.

    Args:
        clips: frames of every shot in order.
        step: every how many-th frame is learnt from.

    Returns:
        Both without the first and the last frame of a shot, which have one neighbour only. Where no shot is long enough
        to hold frames back, depth is checked on those that it learns from.
    """
    train: list[Path] = []
    check: list[Path] = []
    for frames in clips.values():
        count = held_back(len(frames))
        inner = list(frames[1:-1])
        check += inner[len(inner) - count:] if count else []
        train += inner[:len(inner) - count - 2 if count else None:step]
    return train, check or list(train)


def write_lists(shots: Shots, out: Path, depth_step: int, image_step: int, batch: int) -> None:
    """Write ``lists/depth_train.txt`` and ``depth_check.txt``, and, where not every frame is pretrained on, ``images``
    with links to those that are.

    Raises:
        InputError: there are fewer frames to learn depth from than a batch.
    """
    train, check = depth_lists(shots.clips, depth_step)
    if len(train) < batch:
        raise InputError(f'{shots.root}: {len(train)} frames have both neighbours, fewer than a batch of {batch}; give '
                         'longer videos')
    for name, frames in (('depth_train', train), ('depth_check', check)):
        (out / 'lists').mkdir(exist_ok=True)
        with atomic_path(out / 'lists' / f'{name}.txt') as aside:
            aside.write_text(''.join(f'{frame.relative_to(shots.root).as_posix()}\n' for frame in frames))
    if image_step > 1:
        for clip in shots.clips.values():
            for frame in clip[::image_step]:
                link = out / 'images' / frame.relative_to(shots.root)
                link.parent.mkdir(parents=True, exist_ok=True)
                if not link.exists():
                    link.symlink_to(os.path.relpath(frame, link.parent))


def take_frames(videos: Sequence[str], out: Path, fps: float, fov: float | None, quiet: bool = False) -> str:
    """Write the frames of videos to ``out/frames``; what is there is left as it is.

    Returns:
        What came of it, in words.

    Raises:
        InputError: no video gives any; the message says why.
    """
    from mmdepthcp.videos.extraction import extract_frames

    record = extract_frames(videos, out, fps=fps, fov=fov, quiet=quiet)
    totals, problems = record['totals'], [entry['problem'] for entry in record['sources'] if entry['problem']]
    if not totals['shots']:
        raise InputError(f'none of {totals["sources"]} videos gives frames: {"; ".join(problems[:SHOWN])}')
    counts = totals['frames']
    left_out = [f'{counts[key]} {words}' for key, words in LEFT_OUT.items() if counts[key]]
    lines = [f'{counts["kept"]} frames; shots: {totals["shots"]}, videos: {totals["sources"]}'
             + (f'; left out: {", ".join(left_out)}' if left_out else '')]
    lines += [f'videos that give none: {len(problems)} ({"; ".join(problems[:SHOWN])})'] if problems else []
    return '\n'.join(lines)


def look_at_videos(videos: Sequence[str], folder: Path, fps: float, fov: float | None) -> tuple[Shots, float]:
    """A few frames, and by the headers of the videos what all of them would be.

    Args:
        videos: files and folders of frames.
        folder: where the few are written.
        fps, fov: see :func:`take_frames`.

    Returns:
        The few frames, with the footage of all; and how many seconds taking out all would take.

    Raises:
        InputError: a video cannot be read, or none has three frames.
    """
    from mmdepthcp.videos.camera import find_intrinsics
    from mmdepthcp.videos.extraction import QUALITY, Settings, write_jpeg
    from mmdepthcp.videos.reading import FrameReader, find_sources

    sources = find_sources(videos)
    readers = [FrameReader(source, fps, Settings.max_side) for source in sources]
    longest = max(readers, key=lambda reader: reader.picks)
    target = folder / f'{longest.source.name}_000'  # as its first shot will be called
    target.mkdir(parents=True)
    begin = time.perf_counter()
    for number, frame in enumerate(itertools.islice(longest, LOOKED_AT)):
        write_jpeg(target / f'{number:06d}.jpg', frame.image, QUALITY)
    seconds = (time.perf_counter() - begin) / LOOKED_AT
    shots = read_shots(folder)
    total = sum(reader.picks for reader in readers)
    known = fov is not None or all(find_intrinsics(source, shots.footage.size) is not None for source in sources)
    return replace(shots, footage=Footage(total, shots.footage.size, len(sources), known)), seconds * total
