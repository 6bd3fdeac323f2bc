"""Where the frames of street video lie, in each layout of folders that is known."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from mmdepthcp.datasets.frame_names import clips_by_name
from mmdepthcp.utils.errors import InputError, notice
from mmdepthcp.utils.walks import IMAGE_SUFFIXES, find_files, find_folders

CITYSCAPES_FRAME = re.compile(r'(?P<sequence>.+)_(?P<number>[0-9]+)_(leftImg8bit|camera|depth)$')


@dataclass
class Clip:
    """Frames of one camera in one drive.

    Attributes:
        name: Name in lists and messages.
        frames: Frame number → image file.
        calibration: Frame number → calibration file; empty where the data set has none.
        depth: Frame number → depth PNG (metres x 256, 0 = none), for the frames that have one.
        camera: Number of the camera, where the data set has several.
    """

    name: str
    frames: dict[int, Path]
    calibration: dict[int, Path] = field(default_factory=dict)
    depth: dict[int, Path] = field(default_factory=dict)
    camera: int = 2


def index_cityscapes(images: Path, camera: Path | None, depth: Path | None) -> list[Clip]:
    """Clips of ``<images>/<city>/<city>_<sequence>_<frame>_leftImg8bit.png``.

    A frame's calibration is the file of the nearest frame number of its sequence below ``camera``: Cityscapes
    has one for each snippet of 30 frames.

    Raises:
        InputError: a folder is missing or empty, a file is named otherwise, or two are the same frame.
    """
    cameras = _group_by_sequence(camera, ('_camera.json',))
    depths = _group_by_sequence(depth, ('_depth.png',))
    clips = []
    for name, frames in _group_by_sequence(images, ('_leftImg8bit.png', '_leftImg8bit.jpg')).items():
        known = cameras.get(name, {})
        calibration = {number: known[min(known, key=lambda other: (abs(other - number), other))]
                       for number in frames} if known else {}
        clips.append(Clip(name, frames, calibration, depths.get(name, {})))
    return clips


def index_kitti_raw(root: Path, cameras: Collection[int], depth: Path | None, depth_kind: str) -> list[Clip]:
    """Clips ``<root>/**/image_0<camera>/data``; the calibration is the next ``calib_cam_to_cam.txt`` on the
    way up to ``root``.

    Depth is looked for in ``proj_depth/<depth_kind>/image_0<camera>`` below the drive, or below the drive's
    folder (full relative path or name) in ``depth``.

    Raises:
        InputError: the folder is missing, or two files are the same frame.
    """
    streams = {f'image_{camera:02d}': camera for camera in cameras}
    clips = []
    for folder in find_folders(root):
        stream, data = ('', '', *folder.parts)[-2:]
        if stream not in streams or data != 'data':
            continue
        drive = folder.parents[1]
        name = drive.relative_to(root)
        frames = _numbered_files(folder)
        if not frames:
            continue
        homes = [drive] if depth is None else [depth / name, depth / drive.name]
        depths = [_numbered_files(home / 'proj_depth' / depth_kind / stream) for home in homes]
        calibration = _next_above(root, name, 'calib_cam_to_cam.txt')
        clips.append(Clip(name.as_posix(), frames, _for_all(frames, calibration),
                          next(filter(None, depths), {}), streams[stream]))
    return clips


def index_kitti_odometry(root: Path, choices: Sequence[Sequence[int]]) -> list[Clip]:
    """Clips ``<root>/<sequence>/image_<camera>`` with ``<sequence>/calib.txt``.

    Of ``choices``, groups of cameras, a sequence gives the first of which it has any: the colour cameras 2 and 3, or,
    where there are none, the grey ones 0 and 1.

    Raises:
        InputError: two files are the same frame.
    """
    clips = []
    for sequence in (folder for folder in find_folders(root) if folder.parent == root):
        calibration = _next_above(root, sequence.relative_to(root), 'calib.txt')
        for cameras in choices:
            found = {camera: frames for camera in cameras if (frames := _numbered_files(sequence / f'image_{camera}'))}
            clips += [Clip(sequence.name, frames, _for_all(frames, calibration), camera=camera)
                      for camera, frames in found.items()]
            if found:
                break
    return clips


def index_folder(root: Path, leave_out: Collection[Path] = ()) -> list[Clip]:
    """Every folder with images below ``root`` as a clip, or several, by :func:`clips_by_name`.

    The calibration is the next ``intrinsics.json`` from the folder up to ``root``.

    Raises:
        InputError: there are no images, or none with a name that says its place in time, or two may be the same
            frame, or cameras are mixed.
    """
    folders: dict[Path, dict[str, Path]] = defaultdict(dict)
    for image in find_files(root, leave_out=leave_out):
        folders[image.parent][image.stem] = root / image
    clips, alone = [], []
    for folder, images in folders.items():
        calibration = _next_above(root, folder, 'intrinsics.json')
        try:
            found, rest = clips_by_name(list(images))
        except InputError as error:
            raise InputError(f'{root / folder}: {error}') from None
        for clip in found:
            frames = {number: images[stem] for number, stem in clip.frames.items()}
            clips.append(Clip((folder / clip.name).as_posix(), frames, _for_all(frames, calibration)))
        alone += [images[stem] for stem in rest]
    message = (f'{len(alone)} images have no number in their names that says their place among the frames of a clip, '
               f'such as {", ".join(map(str, alone[:3]))}')
    if not clips:
        raise InputError(f'{root}: {message}; give the frames of a clip one name with a number that grows: 000000.png')
    if alone:
        notice(f'{root}: left out: {message}')
    return clips


def with_neighbours(clip: Clip, offsets: Sequence[int], frame_step: int | None) -> dict[int, list[int]]:
    """The frames that have all their neighbours: number → the numbers at ``offsets``.

    Args:
        clip: The clip.
        offsets: In ascending order, 0 among them.
        frame_step: Difference of the numbers of successive frames; None: successive in the order of the numbers.
    """
    numbers = sorted(clip.frames)
    if frame_step is None:
        return {numbers[place]: [numbers[place + offset] for offset in offsets]
                for place in range(-offsets[0], len(numbers) - offsets[-1])}
    found = ((number, [number + offset * frame_step for offset in offsets]) for number in numbers)
    return {number: members for number, members in found if all(member in clip.frames for member in members)}


def advise_step(clips: Sequence[Clip], chosen: Collection[tuple[int, int]], offsets: Sequence[int],
                frame_step: int | None) -> str:
    """What to set where ``frame_step`` leaves fewer than half of the neighbours that the order of the numbers gives;
    empty where it leaves more.

    Args:
        clips: The clips.
        chosen: Index of the clip and number of each frame that is wanted.
        offsets: See :func:`with_neighbours`.
        frame_step: See there.
    """
    def count(step: int | None) -> int:
        usable = [with_neighbours(clip, offsets, step) for clip in clips]
        return sum(number in usable[index] for index, number in chosen)

    longest, reach = max(len(clip.frames) for clip in clips), offsets[-1] - offsets[0] + 1
    in_order = count(None)
    if in_order == 0:
        return (f'the longest clip has {longest} frames, these offsets need {reach}' if longest < reach else
                'the frames of the list lie at the ends of clips: list others, or set other offsets')
    if frame_step is None or 2 * count(frame_step) >= in_order:
        return ''
    steps = Counter(after - before for clip in clips for before, after in pairwise(sorted(clip.frames)))
    usual = steps.most_common(1)[0][0]
    if 2 * count(usual) >= in_order:
        return f'the usual difference between frame numbers is {usual}: set frame_step={usual}'
    return (f'the numbers grow irregularly, as time stamps do: set frame_step=None, which takes frames in the order of '
            f'their numbers and finds the neighbours of {in_order}')


def _group_by_sequence(root: Path | None, suffixes: Sequence[str]) -> dict[str, dict[int, Path]]:
    grouped: dict[str, dict[int, Path]] = defaultdict(dict)
    if root is None:
        return grouped
    for file in find_files(root, suffixes):
        match = CITYSCAPES_FRAME.match(file.stem)
        if match is None:
            raise InputError(f'{root / file}: expected a name like <city>_<sequence>_<frame>{suffixes[0]}')
        _add(grouped[match['sequence']], int(match['number']), root / file)
    return grouped


def _numbered_files(folder: Path) -> dict[int, Path]:
    frames: dict[int, Path] = {}
    if not folder.is_dir():
        return frames
    images = sorted(file for file in folder.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES and file.name[0] != '.')
    numbered = [file for file in images if re.fullmatch('[0-9]+', file.stem)]
    for file in numbered:
        _add(frames, int(file.stem), file)
    if strange := sorted(set(images) - set(numbered)):
        notice(f'{folder}: left out {len(strange)} images whose names are no numbers, such as {strange[0].name}')
    return frames


def _add(frames: dict[int, Path], number: int, file: Path) -> None:
    if number in frames:
        raise InputError(f'{frames[number]} and {file} are both frame {number} of one clip; move one of them elsewhere')
    frames[number] = file


def _next_above(root: Path, folder: Path, name: str) -> Path | None:
    files = (root / above / name for above in (folder, *folder.parents))
    return next((file for file in files if file.is_file()), None)


def _for_all(frames: dict[int, Path], calibration: Path | None) -> dict[int, Path]:
    return dict.fromkeys(frames, calibration) if calibration else {}
