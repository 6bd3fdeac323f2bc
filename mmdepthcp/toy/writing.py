"""Toy streets as files, in the layout of Cityscapes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import read_json, write_json
from mmdepthcp.utils.images import write_png
from mmdepthcp.utils.processes import claim
from mmdepthcp.utils.trees import Failure, process_tree
from mmdepthcp.utils.walks import holds_files

from .classes import TOY_CLASSES, TOY_TRAIN_IDS
from .rendering import render
from .scene import FAR, Camera, camera_pose
from .street import drive, make_street

CITIES: dict[str, tuple[str, ...]] = {'train': ('toyburg', 'toyfeld', 'toyhausen'), 'val': ('toystadt',)}
"""Towns of each split; sequence i belongs to town i mod their number."""

FOCAL_LENGTHS: dict[str, float] = {'toyburg': 0.95, 'toyfeld': 0.88, 'toyhausen': 1.02, 'toystadt': 0.95}
"""fx / W of each town's camera."""

DEPTH_SCALE = 256
"""Depth PNGs hold metres times this, 0 where there is none."""

SETTINGS_FILE = 'toy_streets.json'
POSE_CONVENTION = (
    'camera to world, 4 x 4, metres; camera: x right, y down, z forward; world: x right, y forward, z up'
)


@dataclass(frozen=True)
class ToySettings:
    """What decides the content of the files.

    Attributes:
        num_frames: frames of a sequence.
        labels_per_sequence: labelled frames of a sequence, spread evenly; they alone enter leftImg8bit and
            gtFine.
        width, height: size of the images in pixels.
        seed: seed of everything random.
    """

    num_frames: int = 20
    labels_per_sequence: int = 1
    width: int = 256
    height: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        if self.num_frames < 1:
            raise InputError(f'num_frames must be at least 1, got {self.num_frames}')
        if not 1 <= self.labels_per_sequence <= self.num_frames:
            raise InputError(
                f'labels_per_sequence must lie in 1..{self.num_frames} (num_frames), got {self.labels_per_sequence}'
            )
        if self.width < 16 or self.height < 16:
            raise InputError(f'images must have at least 16 × 16 pixels, got {self.width} × {self.height}')

    @property
    def labelled_frames(self) -> list[int]:
        """Indices of the labelled frames."""
        n = self.labels_per_sequence
        return [(2 * k + 1) * self.num_frames // (2 * n) for k in range(n)]


def toy_camera(city: str, width: int, height: int) -> Camera:
    """The camera of a town: square pixels, principal point in the middle."""
    focal = FOCAL_LENGTHS[city] * width
    return Camera(width, height, focal, focal, width / 2, height / 2)


def _camera_json(camera: Camera, pose: np.ndarray) -> dict:
    """Camera in the format of Cityscapes; baseline as there, z, pitch and roll of this frame's pose."""
    return {
        'extrinsic': {
            'baseline': 0.209313,
            'pitch': float(np.arcsin(-pose[2, 2])),
            'roll': float(np.arctan2(-pose[2, 0], -pose[2, 1])),
            'x': 1.7,
            'y': 0.0,
            'yaw': 0.0,
            'z': float(pose[2, 3]),
        },
        'intrinsic': {'fx': camera.fx, 'fy': camera.fy, 'u0': camera.cx, 'v0': camera.cy},
    }


def write_sequence(out: str | os.PathLike, split: str, index: int, settings: ToySettings) -> None:
    """Render and write one sequence, unless it is finished.

    The file of poses is written last: where it exists, the sequence is complete.
    """
    city = CITIES[split][index % len(CITIES[split])]
    out, sequence = Path(out), f'{city}_{index:06d}'
    poses_path = out / 'poses' / split / city / f'{sequence}_poses.json'
    if poses_path.exists():
        return
    rng = np.random.default_rng([settings.seed, sorted(CITIES).index(split), index])
    scene = make_street(rng)
    poses = drive(rng, scene, settings.num_frames)
    camera = toy_camera(city, settings.width, settings.height)
    stems = [f'{sequence}_{k:06d}' for k in range(settings.num_frames)]
    for k, (stem, pose) in enumerate(zip(stems, poses, strict=True)):
        frame = render(scene, camera, pose, k)
        write_png(out / 'leftImg8bit_sequence' / split / city / f'{stem}_leftImg8bit.png', frame.image)
        write_png(
            out / 'depth' / split / city / f'{stem}_depth.png',
            np.rint(frame.depth * DEPTH_SCALE).astype(np.uint16),
        )
        write_json(out / 'camera' / split / city / f'{stem}_camera.json', _camera_json(camera, pose))
        if k in settings.labelled_frames:
            write_png(out / 'leftImg8bit' / split / city / f'{stem}_leftImg8bit.png', frame.image)
            for kind, labels in (
                ('labelIds', frame.label),
                ('labelTrainIds', frame.semantic),
                ('instanceIds', frame.instance),
            ):
                write_png(out / 'gtFine' / split / city / f'{stem}_gtFine_{kind}.png', labels)
    write_json(
        poses_path,
        {
            'convention': POSE_CONVENTION,
            'poses': {stem: pose.tolist() for stem, pose in zip(stems, poses, strict=True)},
        },
    )


class _Sequence(NamedTuple):
    """A sequence to write."""

    split: str
    number: int

    def __str__(self) -> str:
        return f'{self.split}, sequence {self.number}'


def _write(task: _Sequence, out: str, settings: ToySettings) -> None:
    write_sequence(out, *task, settings)


def write_toy_streets(
    out: str | os.PathLike, num_sequences: Mapping[str, int], settings: ToySettings, workers: int = 1
) -> tuple[list[Failure], int]:
    """Write a data set of toy streets in the layout of Cityscapes.

    Finished sequences of the same settings are kept; settings with which nothing was written bind nobody. Every
    sequence depends on (seed, split, index) alone: more sequences can be added later, and the number of processes
    changes nothing.

    Args:
        out: folder of the data set.
        num_sequences: how many sequences each split ('train', 'val') shall have.
        settings: size, length, labels, seed.
        workers: processes to render with.

    Returns:
        The sequences that could not be written, and how many were tried.

    Raises:
        InputError: ``out`` holds toy streets of other settings, another process writes there, or a split has no name
            in ``CITIES``.
        WorkerKilled: a process was killed.
    """
    unknown = sorted(set(num_sequences) - set(CITIES))
    if unknown:
        raise InputError(f'splits {unknown} are unknown; there are {sorted(CITIES)}')
    out = Path(out)
    recorded = {
        **asdict(settings),
        'classes': list(TOY_CLASSES),
        'train_ids': list(TOY_TRAIN_IDS),
        'depth_scale': DEPTH_SCALE,
        'far': FAR,
    }
    tasks = [_Sequence(split, index) for split, count in num_sequences.items() for index in range(count)]
    with claim(out):
        path = out / SETTINGS_FILE
        if path.exists() and holds_files(out):
            if read_json(path) != recorded:
                raise InputError(
                    f'{path}: the folder holds toy streets of other settings; remove it or choose another folder'
                )
        else:
            write_json(path, recorded)
        workers = min(workers, len(tasks))
        try:
            if workers > 1:
                _compile(settings)
            function = partial(_write, out=str(out), settings=settings)
            return process_tree(tasks, function, workers, f'sequences of {settings.num_frames} frames'), len(tasks)
        finally:
            if not holds_files(out):
                path.unlink(missing_ok=True)


def _compile(settings: ToySettings) -> None:
    """Have the kernels compiled before processes start, so that they do it once."""
    scene = make_street(np.random.default_rng(settings.seed))
    render(scene, Camera(16, 8, 16.0, 16.0, 8.0, 4.0), camera_pose((0.0, 0.0, 1.5), 0.0))
