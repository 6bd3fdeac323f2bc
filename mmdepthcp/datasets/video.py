"""Frames of street video with their neighbours in time and their camera, for learning depth."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.logging import print_log

from mmdepthcp.datasets.clips import Clip, advise_step, with_neighbours
from mmdepthcp.datasets.frame_lists import Frame, FrameList
from mmdepthcp.datasets.layouts import LAYOUTS, Calibration, Places
from mmdepthcp.datasets.prefixes import checked_prefix
from mmdepthcp.datasets.seeded import SeededDataset
from mmdepthcp.geometry.cameras import check_intrinsics, check_size, tell_assumed_size
from mmdepthcp.registry import DATASETS
from mmdepthcp.utils.errors import InputError, notice
from mmdepthcp.utils.fileio import read_json, write_json
from mmdepthcp.utils.images import image_size, read_image

STATIC_WIDTH = 160


def frame_difference(first: np.ndarray, second: np.ndarray) -> float:
    """Mean absolute grey-level difference, 0..255, of two (H, W, 3) images, taken at a width of 160
    pixels.
    """
    height = max(1, round(STATIC_WIDTH * first.shape[0] / first.shape[1]))
    small = [cv2.cvtColor(cv2.resize(image, (STATIC_WIDTH, height), interpolation=cv2.INTER_AREA),
                          cv2.COLOR_BGR2GRAY).astype(np.float32) for image in (first, second)]
    return float(np.abs(small[0] - small[1]).mean())


def _state_of(path: str) -> str:
    """Size and time of a file, by which one that was written anew is known."""
    state = os.stat(path)
    return f'{state.st_size} {state.st_mtime_ns}'


@DATASETS.register_module()
class VideoClipDataset(SeededDataset, BaseDataset):
    """Frames of video, each with its neighbours in time, for self-supervised depth (Godard et al., ICCV
    2019).

    An item of training has ``frame_paths`` (in temporal order, the frame itself among them), ``offsets`` (of
    those files), ``img_path`` (the frame itself), ``clip``, ``crop_bottom`` and, unless they are to be
    learnt, normalised ``intrinsics`` (3, 3). Frames that lack a neighbour are left out and counted in the
    log. With ``test_mode`` an item is one frame that has measured depth, and has ``depth_path`` too.

    Args:
        layout: How the files lie, one of :data:`mmdepthcp.datasets.layouts.LAYOUTS`:

            - ``'cityscapes'``: ``data_prefix`` img_path (such as ``leftImg8bit_sequence/train``), camera_path
              (``camera/train``), depth_path (``depth/train``, as the toy streets have it);
            - ``'kitti_raw'``: drives below img_path with ``image_02/data`` and ``calib_cam_to_cam.txt``
              above; measured depth in ``proj_depth`` in the drive or below depth_path;
            - ``'kitti_odometry'``: ``<sequence>/image_2`` or ``image_0`` with ``calib.txt``;
            - ``'folder'``: any folders of frames with ``intrinsics.json`` (see :func:`read_intrinsics`) in
              them or above.
        data_prefix: Folders below ``data_root``.
        ann_file: Text file that names the frames to take, one a line: a clip, a clip and a frame number
            (``<clip> 12``, for KITTI with an ``l`` or ``r``, a ``2`` or ``3`` for the camera behind it), or the path
            or name of an image; see :class:`FrameList`. Neighbours need not be listed.
        offsets: Which neighbours, in frames.
        frame_step: Difference of the numbers of two successive frames; None: successive in the order of the
            numbers, whatever gaps they have.
        intrinsics: ``'calibration'`` reads the data set's files; (fx, fy, cx, cy), normalised, are taken for
            all; None gives none, for models that learn them.
        calibration_size: (width, height) that the camera files of Cityscapes and of KITTI's odometry were made for,
            which do not say; by default that of the images, and files that can not have been made for it are refused.
            Those with the numbers of the two data sets' cameras are known to be made for their sizes (see
            :func:`mmdepthcp.geometry.cameras.published_size`). Other calibrations name their size. All are scaled.
        camera: Number of the KITTI camera; None: that which a line of ``ann_file`` names, elsewhere 2, or in an
            odometry sequence without colour 0.
        depth_kind: KITTI's measured depth, ``'velodyne_raw'`` (one scan) or ``'groundtruth'`` (accumulated).
        crop_bottom: Fraction of the height to cut off below, for a bonnet in view.
        static_threshold: Leave out frames that differ from their last neighbour by less grey levels than this
            on average, for a standing camera teaches nothing; see :func:`frame_difference`. None keeps all.
        cache_path: JSON file that keeps those differences for the next time; those of frames written anew since
            are taken again.
        kwargs: Arguments of MMEngine's ``BaseDataset``.

    Raises:
        InputError: folders, frames, neighbours, calibration or depth are missing, or an argument makes no
            sense.
    """

    def __init__(self, layout: str, data_root: str = '', data_prefix: dict | None = None, ann_file: str = '',
                 offsets: Sequence[int] = (-1, 1), frame_step: int | None = 1,
                 intrinsics: str | Sequence[float] | None = 'calibration',
                 calibration_size: tuple[int, int] | None = None, camera: int | None = None,
                 depth_kind: str = 'velodyne_raw', crop_bottom: float = 0.,
                 static_threshold: float | None = None, cache_path: str | None = None, **kwargs: Any) -> None:
        if layout not in LAYOUTS:
            raise InputError(f"layout '{layout}' is unknown; choose one of {', '.join(LAYOUTS)}")
        if 0 in offsets or len(set(offsets)) < len(offsets) or not offsets:
            raise InputError(f'offsets must be different numbers other than 0, got {tuple(offsets)}')
        if frame_step is not None and (not isinstance(frame_step, int) or frame_step < 1):
            raise InputError(f'frame_step must be a whole number from 1 on, or None, got {frame_step!r}')
        if not 0 <= crop_bottom < 1:
            raise InputError(f'crop_bottom must lie in 0..1, got {crop_bottom}')
        if isinstance(intrinsics, str) and intrinsics != 'calibration':
            raise InputError(f"intrinsics must be 'calibration', four numbers or None, got '{intrinsics}'")
        self.layout, self.layout_name = LAYOUTS[layout], layout
        self.offsets = sorted({0, *offsets})
        self.frame_step = frame_step
        given = intrinsics is not None and not isinstance(intrinsics, str)
        self.intrinsics = check_intrinsics(intrinsics, f'{type(self).__name__}: intrinsics') if given else intrinsics
        self.calibration_size = calibration_size and check_size(calibration_size, 'calibration_size')
        self.camera = camera
        self.depth_kind = depth_kind
        self.crop_bottom = crop_bottom
        self.static_threshold = static_threshold
        self.cache_path = cache_path
        self._calibrations: dict[tuple[Path, int, tuple[int, int]], np.ndarray] = {}
        self._sizes: dict[tuple[str, int], tuple[int, int]] = {}
        prefix = checked_prefix(data_prefix, ('img_path', 'camera_path', 'depth_path'), type(self).__name__)
        super().__init__(data_root=data_root, data_prefix=prefix, ann_file=ann_file, **kwargs)

    def load_data_list(self) -> list[dict]:
        clips = self._index()
        chosen = self._chosen_frames(clips)
        members = [{number: [number] for number in clip.depth} if self.test_mode
                   else with_neighbours(clip, self.offsets, self.frame_step) for clip in clips]
        items = [self._item(clips[index], number, members[index][number])
                 for index, number in sorted(chosen) if number in members[index]]
        if not items:
            raise InputError(self._why_empty(clips, chosen))
        if not self.test_mode and (advice := advise_step(clips, chosen, self.offsets, self.frame_step)):
            notice(f'{self._root}: only {len(items)} of {len(chosen)} frames have neighbours at the offsets '
                   f'{self.offsets} with frame_step={self.frame_step}; {advice}')
        kept = items if self.test_mode else self._moving(items)
        print_log(f'{self._root}: {len(kept)} samples in {len(clips)} clips; left out {len(chosen) - len(items)} '
                  f'frames without {"depth" if self.test_mode else "neighbours"}, {len(items) - len(kept)} static ones',
                  'current')
        if not kept:
            raise InputError(f'{self._root}: all {len(items)} samples are static; lower static_threshold')
        return kept

    @property
    def _root(self) -> Path:
        return Path(self.data_prefix.get('img_path') or '.')

    def _index(self) -> list[Clip]:
        if not self._root.is_dir():
            raise InputError(f'{self._root}: no such folder')
        camera, depth = (Path(self.data_prefix[key]) if key in self.data_prefix else None
                         for key in ('camera_path', 'depth_path'))
        usual = self.layout.listed if self.ann_file else self.layout.cameras
        cameras = usual if self.camera is None else ((self.camera,),)
        clips = self.layout.clips(Places(self._root, camera, depth, cameras, self.depth_kind))
        if not clips:
            raise InputError(f"{self._root}: holds no frames in the layout '{self.layout_name}'")
        return clips

    def _chosen_frames(self, clips: list[Clip]) -> set[Frame]:
        if not self.ann_file:
            return {(index, number) for index, clip in enumerate(clips) for number in clip.frames}
        usual = self.layout.usual_cameras
        cameras = usual if self.camera is None else usual and (self.camera,)
        return FrameList(clips, self._root, cameras, self.layout.padded).read(self.ann_file)

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
            return cast(np.ndarray, self.intrinsics)
        file = clip.calibration.get(number)
        if file is None:
            raise InputError(f'{clip.frames[number]}: no calibration found ({self.layout.calibration}); supply '
                             'it, or set intrinsics=(fx, fy, cx, cy) as fractions of the image size, or '
                             'intrinsics=None and let the model learn them')
        if (clip.name, clip.camera) not in self._sizes:
            self._sizes[clip.name, clip.camera] = image_size(clip.frames[number])
        key = file, clip.camera, self._sizes[clip.name, clip.camera]
        if key not in self._calibrations:
            assumed = self.calibration_size is None
            calibration = Calibration(*key, self.calibration_size or key[2], assumed)
            if assumed and self.layout.pixels and not self._calibrations:
                tell_assumed_size(self._root, self.layout.pixels(calibration), key[2])
            self._calibrations[key] = self.layout.intrinsics(calibration)
        return self._calibrations[key]

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
        known: dict[str, list] = {}
        if self.cache_path and Path(self.cache_path).exists():
            known = {key: value for key, value in read_json(self.cache_path).items() if isinstance(value, list)}
        states = {pair: [_state_of(path) for path in pair] for pair in pairs}
        missing = [pair for pair, state in states.items() if known.get(self._pair_key(pair), [])[1:] != state]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            values = pool.map(lambda pair: frame_difference(*map(read_image, pair)), missing)
            known.update({self._pair_key(pair): [value, *states[pair]]
                          for pair, value in zip(missing, values, strict=True)})
        if self.cache_path and missing:
            write_json(self.cache_path, known)
        return {self._pair_key(pair): known[self._pair_key(pair)][0] for pair in pairs}

    def _pair_key(self, pair: tuple[str, str]) -> str:
        return ' '.join(Path(path).relative_to(self._root).as_posix() for path in pair)

    def _why_empty(self, clips: Sequence[Clip], chosen: Collection[Frame]) -> str:
        if self.test_mode:
            return (f'{self._root}: none of {len(chosen)} frames has measured depth, which test_mode needs; set '
                    "data_prefix['depth_path'] (or depth_kind for KITTI)")
        advice = advise_step(clips, chosen, self.offsets, self.frame_step)
        return (f'{self._root}: none of {len(chosen)} frames has neighbours at the offsets {self.offsets} with '
                f'frame_step={self.frame_step}; {advice}')
