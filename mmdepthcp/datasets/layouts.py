"""Layouts of street video: for each, how clips are found and how their calibration is read. A new layout is a function
that gives clips and an entry in :data:`LAYOUTS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmdepthcp.datasets.clips import Clip, index_cityscapes, index_folder, index_kitti_odometry, index_kitti_raw
from mmdepthcp.geometry.cameras import (
    read_cityscapes_intrinsics,
    read_cityscapes_pixels,
    read_intrinsics,
    read_kitti_odometry_intrinsics,
    read_kitti_odometry_pixels,
    read_kitti_raw_intrinsics,
)


@dataclass(frozen=True)
class Places:
    """Where to look.

    Attributes:
        images: the folder of the images.
        calibration, depth: folders of what lies beside them; None: none is named.
        cameras: groups of cameras; the first is taken of which a clip has any.
        depth_kind: KITTI's measured depth.
    """

    images: Path
    calibration: Path | None
    depth: Path | None
    cameras: tuple[tuple[int, ...], ...]
    depth_kind: str


@dataclass(frozen=True)
class Calibration:
    """A file with the camera of images.

    Attributes:
        file: the file.
        camera: number of the camera.
        image_size: (width, height) of the images.
        size: (width, height) that a file which does not say is of.
        assumed: whether ``size`` is no more than ``image_size``.
    """

    file: Path
    camera: int
    image_size: tuple[int, int]
    size: tuple[int, int]
    assumed: bool


@dataclass(frozen=True)
class Layout:
    """How the files of a data set lie.

    Attributes:
        clips: finds the clips.
        intrinsics: reads a calibration, normalised (3, 3).
        calibration: what the file of the calibration is called, for messages.
        pixels: reads one that does not say of which size of images it is, in pixels; None: it says so.
        cameras: groups of cameras as in :class:`Places`, where the user names none.
        listed: the same where a list of frames does: each of its lines may name another.
        padded: whether lists may leave out zeros in front of the names of clips.
    """

    clips: Callable[[Places], list[Clip]]
    intrinsics: Callable[[Calibration], np.ndarray]
    calibration: str
    pixels: Callable[[Calibration], np.ndarray] | None = None
    cameras: tuple[tuple[int, ...], ...] = ()
    listed: tuple[tuple[int, ...], ...] = ()
    padded: bool = False

    @property
    def usual_cameras(self) -> tuple[int, ...]:
        """What a line of a list means that names none, in order of preference."""
        return tuple(group[0] for group in self.cameras)


def _others(places: Places) -> list[Path]:
    return [folder for folder in (places.depth, places.calibration) if folder and folder != places.images]


LAYOUTS = dict(
    cityscapes=Layout(
        lambda at: index_cityscapes(at.images, at.calibration, at.depth),
        lambda of: read_cityscapes_intrinsics(of.file, of.size, of.assumed),
        "*_camera.json of this sequence below data_prefix['camera_path']",
        lambda of: read_cityscapes_pixels(of.file)),
    kitti_raw=Layout(
        lambda at: index_kitti_raw(at.images, at.cameras[0], at.depth, at.depth_kind),
        lambda of: read_kitti_raw_intrinsics(of.file, of.camera, of.image_size),
        'calib_cam_to_cam.txt', None, ((2,),), ((2, 3),)),
    kitti_odometry=Layout(
        lambda at: index_kitti_odometry(at.images, at.cameras),
        lambda of: read_kitti_odometry_intrinsics(of.file, of.size, of.camera, of.assumed),
        'calib.txt', lambda of: read_kitti_odometry_pixels(of.file, of.camera), ((2,), (0,)), ((2, 3), (0, 1)),
        padded=True),
    folder=Layout(
        lambda at: index_folder(at.images, _others(at)),
        lambda of: read_intrinsics(of.file, of.image_size),
        'intrinsics.json'))
"""By the name that configs give them."""
