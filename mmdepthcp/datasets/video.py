"""Frames of street video with their neighbours in time and their camera, for learning depth."""

from __future__ import annotations

import itertools
import os
import re
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.logging import print_log
from PIL import Image

from mmdepthcp.datasets.seeded import SeededDataset
from mmdepthcp.fileio import IMAGE_SUFFIXES, InputError, find_files, read_image, read_json, write_json
from mmdepthcp.geometry.cameras import (
    intrinsic_matrix,
    read_cityscapes_intrinsics,
    read_intrinsics,
    read_kitti_odometry_intrinsics,
    read_kitti_raw_intrinsics,
)
from mmdepthcp.registry import DATASETS

CITYSCAPES_FRAME = re.compile(r'(?P<sequence>.+)_(?P<number>\d+)_(leftImg8bit|camera|depth)$')
NUMBERED_FRAME = re.compile(r'(?P<name>.*?)(?P<number>\d+)$')
STATIC_WIDTH = 160


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


def image_size(path: str | os.PathLike) -> tuple[int, int]:
    """(width, height) of an image file, from its header.

    Raises:
        InputError: the file is missing or no image.
    """
    try:
        with Image.open(path) as image:
            return image.size
    except FileNotFoundError:
        raise InputError(f'{path}: no such file') from None
    except (OSError, SyntaxError) as error:
        raise InputError(f'{path}: not a readable image ({error}); replace or remove it') from None


def frame_difference(first: np.ndarray, second: np.ndarray) -> float:
    """Mean absolute grey-level difference, 0..255, of two (H, W, 3) images, taken at a width of 160
    pixels.
    """
    height = max(1, round(STATIC_WIDTH * first.shape[0] / first.shape[1]))
    small = [cv2.cvtColor(cv2.resize(image, (STATIC_WIDTH, height), interpolation=cv2.INTER_AREA),
                          cv2.COLOR_BGR2GRAY).astype(np.float32) for image in (first, second)]
    return float(np.abs(small[0] - small[1]).mean())


def index_cityscapes(images: Path, camera: Path | None, depth: Path | None) -> list[Clip]:
    """Clips of ``<images>/<city>/<city>_<sequence>_<frame>_leftImg8bit.png``.

    A frame's calibration is the file of the nearest frame number of its sequence below ``camera``: Cityscapes
    has one for each snippet of 30 frames.
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


def index_kitti_raw(root: Path, camera: int, depth: Path | None, depth_kind: str) -> list[Clip]:
    """Clips ``<root>/**/image_0<camera>/data``; the calibration is the next ``calib_cam_to_cam.txt`` on the
    way up to ``root``.

    Depth is looked for in ``proj_depth/<depth_kind>/image_0<camera>`` below the drive, or below the drive's
    folder (full relative path or name) in ``depth``.
    """
    stream = f'image_{camera:02d}'
    clips = []
    for folder in sorted(Path(folder) for folder, _, _ in os.walk(root, followlinks=True)):
        if folder.parts[-2:] != (stream, 'data'):
            continue
        drive = folder.parents[1]
        name = drive.relative_to(root)
        frames = _numbered_files(folder)
        homes = [drive] if depth is None else [depth / name, depth / drive.name]
        depths = [_numbered_files(home / 'proj_depth' / depth_kind / stream) for home in homes]
        calibration = _next_above(root, name, 'calib_cam_to_cam.txt')
        clips.append(Clip(name.as_posix(), frames, _for_all(frames, calibration),
                          next(filter(None, depths), {}), camera))
    return clips


def index_kitti_odometry(root: Path, camera: int | None) -> list[Clip]:
    """Clips ``<root>/<sequence>/image_<camera>`` with ``<sequence>/calib.txt``.

    ``camera`` None takes the left colour camera 2, or, where there is none, the left grey one 0.
    """
    clips = []
    for sequence in sorted(path for path in root.iterdir() if path.is_dir()):
        for choice in (2, 0) if camera is None else (camera,):
            frames = _numbered_files(sequence / f'image_{choice}')
            if frames:
                calibration = _next_above(root, sequence.relative_to(root), 'calib.txt')
                clips.append(Clip(sequence.name, frames, _for_all(frames, calibration), camera=choice))
                break
    return clips


def index_folder(root: Path) -> list[Clip]:
    """Every folder with images below ``root`` as a clip, or several where names differ in more than their
    last number.

    The calibration is the next ``intrinsics.json`` from the folder up to ``root``. Frames without a number in
    their name are numbered in the order of their names.
    """
    grouped: dict[tuple[Path, str], dict[int, Path]] = defaultdict(dict)
    for image in find_files(root):
        match = NUMBERED_FRAME.match(image.stem)
        frames = grouped[image.parent, match['name'] if match else '']
        frames[int(match['number']) if match else len(frames)] = root / image
    clips = []
    for (folder, prefix), frames in grouped.items():
        calibration = _next_above(root, folder, 'intrinsics.json')
        clips.append(Clip((folder / prefix.rstrip('_-')).as_posix(), frames, _for_all(frames, calibration)))
    return clips


def _group_by_sequence(root: Path | None, suffixes: Sequence[str]) -> dict[str, dict[int, Path]]:
    grouped: dict[str, dict[int, Path]] = defaultdict(dict)
    if root is None:
        return grouped
    for file in find_files(root, suffixes):
        match = CITYSCAPES_FRAME.match(file.stem)
        if match is None:
            raise InputError(f'{root / file}: expected a name like <city>_<sequence>_<frame>{suffixes[0]}')
        grouped[match['sequence']][int(match['number'])] = root / file
    return grouped


def _numbered_files(folder: Path) -> dict[int, Path]:
    if not folder.is_dir():
        return {}
    return {int(file.stem): file for file in sorted(folder.iterdir())
            if file.stem.isdigit() and file.suffix.lower() in IMAGE_SUFFIXES}


def _next_above(root: Path, folder: Path, name: str) -> Path | None:
    files = (root / above / name for above in (folder, *folder.parents))
    return next((file for file in files if file.is_file()), None)


def _for_all(frames: dict[int, Path], calibration: Path | None) -> dict[int, Path]:
    return dict.fromkeys(frames, calibration) if calibration else {}


@DATASETS.register_module()
class VideoClipDataset(SeededDataset, BaseDataset):
    """Frames of video, each with its neighbours in time, for self-supervised depth (Godard et al., ICCV
    2019).

    An item of training has ``frame_paths`` (in temporal order, the frame itself among them), ``offsets`` (of
    those files), ``img_path`` (the frame itself), ``clip``, ``crop_bottom`` and, unless they are to be
    learnt, normalised ``intrinsics`` (3, 3). Frames that lack a neighbour are left out and counted in the
    log. With ``test_mode`` an item is one frame that has measured depth, and has ``depth_path`` too.

    Args:
        layout: How the files lie:

            - ``'cityscapes'``: ``data_prefix`` img_path (such as ``leftImg8bit_sequence/train``), camera_path
              (``camera/train``), depth_path (``depth/train``, as the toy streets have it);
            - ``'kitti_raw'``: drives below img_path with ``image_02/data`` and ``calib_cam_to_cam.txt``
              above; measured depth in ``proj_depth`` in the drive or below depth_path;
            - ``'kitti_odometry'``: ``<sequence>/image_2`` or ``image_0`` with ``calib.txt``;
            - ``'folder'``: any folders of frames with ``intrinsics.json`` (see :func:`read_intrinsics`) in
              them or above.
        data_prefix: Folders below ``data_root``.
        ann_file: Text file that names the frames to take, one a line: a clip, a clip and a frame number
            (``<clip> 12``, with an ``l`` or ``r`` for camera 2 or 3 of KITTI behind it if wished), or the
            path or name of an image without suffix. Neighbours need not be listed.
        offsets: Which neighbours, in frames.
        frame_step: Difference of the numbers of two successive frames; None: successive in the order of the
            numbers, whatever gaps they have.
        intrinsics: ``'calibration'`` reads the data set's files; (fx, fy, cx, cy), normalised, are taken for
            all; None gives none, for models that learn them.
        calibration_size: (width, height) that Cityscapes-style camera files were made for; by default that of
            the images, which is wrong once the images have been shrunk.
        camera: Number of the KITTI camera; None: 2, or in an odometry sequence without colour 0.
        depth_kind: KITTI's measured depth, ``'velodyne_raw'`` (one scan) or ``'groundtruth'`` (accumulated).
        crop_bottom: Fraction of the height to cut off below, for a bonnet in view.
        static_threshold: Leave out frames that differ from their last neighbour by less grey levels than this
            on average, for a standing camera teaches nothing; see :func:`frame_difference`. None keeps all.
        cache_path: JSON file that keeps those differences for the next time.
        kwargs: Arguments of MMEngine's ``BaseDataset``.

    Raises:
        InputError: folders, frames, neighbours, calibration or depth are missing, or an argument makes no
            sense.
    """

    LAYOUTS = ('cityscapes', 'kitti_raw', 'kitti_odometry', 'folder')

    def __init__(self, layout: str, data_root: str = '', data_prefix: dict | None = None, ann_file: str = '',
                 offsets: Sequence[int] = (-1, 1), frame_step: int | None = 1,
                 intrinsics: str | Sequence[float] | None = 'calibration',
                 calibration_size: tuple[int, int] | None = None, camera: int | None = None,
                 depth_kind: str = 'velodyne_raw', crop_bottom: float = 0.,
                 static_threshold: float | None = None, cache_path: str | None = None, **kwargs: Any) -> None:
        if layout not in self.LAYOUTS:
            raise InputError(f"layout '{layout}' is unknown; choose one of {', '.join(self.LAYOUTS)}")
        if 0 in offsets or len(set(offsets)) < len(offsets) or not offsets:
            raise InputError(f'offsets must be different numbers other than 0, got {tuple(offsets)}')
        if not 0 <= crop_bottom < 1:
            raise InputError(f'crop_bottom must lie in 0..1, got {crop_bottom}')
        if isinstance(intrinsics, str) and intrinsics != 'calibration':
            raise InputError(f"intrinsics must be 'calibration', four numbers or None, got '{intrinsics}'")
        self.layout = layout
        self.offsets = sorted({0, *offsets})
        self.frame_step = frame_step
        self.intrinsics = intrinsics
        self.calibration_size = calibration_size
        self.camera = camera
        self.depth_kind = depth_kind
        self.crop_bottom = crop_bottom
        self.static_threshold = static_threshold
        self.cache_path = cache_path
        self._calibrations: dict[Path, np.ndarray] = {}
        super().__init__(data_root=data_root, data_prefix=data_prefix or dict(img_path=''), ann_file=ann_file,
                         **kwargs)

    def load_data_list(self) -> list[dict]:
        clips = self._index()
        chosen = self._chosen_frames(clips)
        items, unusable = [], 0
        members: list[Any]
        for clip in clips:
            numbers = sorted(clip.frames)
            place = {number: position for position, number in enumerate(numbers)}
            for number in numbers:
                if (clip.name, number) not in chosen:
                    continue
                if self.test_mode:
                    usable, members = number in clip.depth, [number]
                else:
                    members = [self._neighbour(numbers, place, number, offset) for offset in self.offsets]
                    usable = all(member in clip.frames for member in members)
                if usable:
                    items.append(self._item(clip, number, members))
                unusable += not usable
        if not items:
            self._explain_emptiness(clips, len(chosen))
        kept = items if self.test_mode else self._moving(items)
        print_log(f'{self._root}: {len(kept)} samples in {len(clips)} clips; left out {unusable} frames without '
                  f'{"depth" if self.test_mode else "neighbours"}, {len(items) - len(kept)} static ones', 'current')
        if not kept:
            raise InputError(f'{self._root}: all {len(items)} samples are static; lower static_threshold')
        return kept

    @property
    def _root(self) -> Path:
        return Path(self.data_prefix.get('img_path') or '.')

    def _index(self) -> list[Clip]:
        if not self._root.is_dir():
            raise InputError(f'{self._root}: no such folder')
        depth = Path(self.data_prefix['depth_path']) if 'depth_path' in self.data_prefix else None
        camera = Path(self.data_prefix['camera_path']) if 'camera_path' in self.data_prefix else None
        if self.layout == 'cityscapes':
            clips = index_cityscapes(self._root, camera, depth)
        elif self.layout == 'kitti_raw':
            stereo_side = 2 if self.camera is None else self.camera
            clips = index_kitti_raw(self._root, stereo_side, depth, self.depth_kind)
        elif self.layout == 'kitti_odometry':
            clips = index_kitti_odometry(self._root, self.camera)
        else:
            clips = index_folder(self._root)
        if not clips:
            raise InputError(f"{self._root}: holds no frames in the layout '{self.layout}'")
        return clips

    def _chosen_frames(self, clips: list[Clip]) -> set[tuple[str, int]]:
        everything = {(clip.name, number) for clip in clips for number in clip.frames}
        if not self.ann_file:
            return everything
        try:
            lines = [line.split() for line in Path(self.ann_file).read_text().splitlines() if line.strip()]
        except FileNotFoundError:
            raise InputError(f'{self.ann_file}: no such file (ann_file, a list of frames)') from None
        names: dict[str, set[tuple[str, int]]] = defaultdict(set)
        for clip in clips:
            for number, path in clip.frames.items():
                stem = path.relative_to(self._root).with_suffix('')
                for name in {clip.name, stem.as_posix(), stem.name, stem.name.removesuffix('_leftImg8bit')}:
                    names[name].add((clip.name, number))
        chosen: set[tuple[str, int]] = set()
        side = {2: 'l', 3: 'r'}.get(2 if self.camera is None else self.camera)
        for line in lines:
            if len(line) == 3 and line[2] in ('l', 'r') and line[2] != side:
                continue
            found = names[line[0]]
            if len(line) > 1:
                found = {(line[0], int(line[1]))} & everything if line[1].isdigit() else set()
            if not found:
                raise InputError(f"{self.ann_file}: names '{' '.join(line)}', but {self._root} holds no such "
                                 'clip or frame')
            chosen |= found
        return chosen

    def _neighbour(self, numbers: list[int], place: dict[int, int], number: int, offset: int) -> int | None:
        if self.frame_step is not None:
            return number + offset * self.frame_step
        position = place[number] + offset
        return numbers[position] if 0 <= position < len(numbers) else None

    def _item(self, clip: Clip, number: int, neighbours: list[Any]) -> dict:
        item = dict(img_path=str(clip.frames[number]), clip=clip.name, crop_bottom=self.crop_bottom,
                    frame_paths=[str(clip.frames[other]) for other in neighbours],
                    offsets=self.offsets if len(neighbours) > 1 else [0])
        if self.intrinsics is not None:
            item['intrinsics'] = self._calibrated(clip, number)
        if self.test_mode:
            item['depth_path'] = str(clip.depth[number])
        return item

    def _calibrated(self, clip: Clip, number: int) -> np.ndarray:
        if not isinstance(self.intrinsics, str):
            return intrinsic_matrix(*cast(Sequence[float], self.intrinsics))
        file = clip.calibration.get(number)
        if file is None:
            expected = dict(cityscapes="*_camera.json of this sequence below data_prefix['camera_path']",
                            kitti_raw='calib_cam_to_cam.txt', kitti_odometry='calib.txt',
                            folder='intrinsics.json')
            raise InputError(f'{clip.frames[number]}: no calibration found ({expected[self.layout]}); supply '
                             'it, or set intrinsics=(fx, fy, cx, cy) as fractions of the image size, or '
                             'intrinsics=None and let the model learn them')
        if file not in self._calibrations:
            self._calibrations[file] = self._read_calibration(file, clip, clip.frames[number])
        return self._calibrations[file]

    def _read_calibration(self, file: Path, clip: Clip, frame: Path) -> np.ndarray:
        if self.layout == 'cityscapes':
            return read_cityscapes_intrinsics(file, self.calibration_size or image_size(frame))
        if self.layout == 'kitti_raw':
            return read_kitti_raw_intrinsics(file, clip.camera)
        if self.layout == 'kitti_odometry':
            return read_kitti_odometry_intrinsics(file, image_size(frame), clip.camera)
        return read_intrinsics(file)

    def _moving(self, items: list[dict]) -> list[dict]:
        if self.static_threshold is None:
            return items
        pairs = [(item['img_path'], item['frame_paths'][-1 if self.offsets[-1] else 0]) for item in items]
        differences: list[Any] = [None]
        if is_main_process():
            differences = [self._differences(pairs)]
        broadcast_object_list(differences)
        return [item for item, pair in zip(items, pairs, strict=True)
                if differences[0][self._pair_key(pair)] >= self.static_threshold]

    def _differences(self, pairs: list[tuple[str, str]]) -> dict[str, float]:
        known = read_json(self.cache_path) if self.cache_path and Path(self.cache_path).exists() else {}
        missing = [pair for pair in pairs if self._pair_key(pair) not in known]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            values = pool.map(lambda pair: frame_difference(*map(read_image, pair)), missing)
            known.update(zip(map(self._pair_key, missing), values, strict=True))
        if self.cache_path and missing:
            write_json(self.cache_path, known)
        return known

    def _pair_key(self, pair: tuple[str, str]) -> str:
        return ' '.join(Path(path).relative_to(self._root).as_posix() for path in pair)

    def _explain_emptiness(self, clips: list[Clip], count: int) -> None:
        if self.test_mode:
            raise InputError(f'{self._root}: none of {count} frames has measured depth, which test_mode '
                             "needs; set data_prefix['depth_path'] (or depth_kind for KITTI)")
        steps = [after - before for clip in clips
                 for before, after in itertools.pairwise(sorted(clip.frames))]
        hint = (f'the smallest difference between frame numbers is {min(steps)}: set frame_step' if steps
                else 'every clip is a single image')
        raise InputError(f'{self._root}: none of {count} frames has neighbours at the offsets {self.offsets} '
                         f'with frame_step={self.frame_step}; {hint}')
