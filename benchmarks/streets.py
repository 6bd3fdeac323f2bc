"""The folder of images that the benchmarks work on, made of toy streets unless one is given.

Below it, with the same names: ``images/`` (any image format), ``disparity/`` and ``regions/`` (16-bit PNGs as
``tools/infer_depth.py`` and ``tools/group_regions.py`` write them), ``labels/`` (8-bit PNGs, classes 0..18, 255 =
none; may be missing), and ``clips/``, folders of video frames with ``intrinsics.json``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import cv2
import numpy as np

from mmdepthcp.geometry.depth_maps import depth_to_disparity
from mmdepthcp.grouping import GroupingParams, group_regions
from mmdepthcp.preparation.region_grouping import LabelTree
from mmdepthcp.toy import drive, make_street, render, toy_camera
from mmdepthcp.utils.fileio import write_json
from mmdepthcp.utils.images import read_disparity, read_image, read_regions, write_disparity, write_png, write_regions
from mmdepthcp.utils.trees import image_key
from mmdepthcp.utils.walks import find_files

Size = tuple[int, int]
Group = tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]

TOWN = 'toyburg'
CLIP_FRAMES = 4


class Street(NamedTuple):
    """An image with what is known about it, all of one size.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        disparity: (H, W) float32.
        labels: (H, W) uint8, 255 = none; None without labels.
    """

    image: np.ndarray
    disparity: np.ndarray
    labels: np.ndarray | None


def make_toy_folder(out: Path, num_images: int, size: Size, regions_per_image: int = 81, seed: int = 0) -> None:
    """Write toy streets as the folder that the benchmarks take.

    Args:
        out: the folder.
        num_images: images, four of each drive.
        size: (width, height).
        regions_per_image: depth regions of each; 81 in 8 images are about the 650 of the paper's items.
        seed: of the streets.
    """
    camera = toy_camera(TOWN, *size)
    intrinsics = np.array([
        [camera.fx / size[0], 0, camera.cx / size[0]], [0, camera.fy / size[1], camera.cy / size[1]], [0, 0, 1]])
    params = GroupingParams(max_regions=regions_per_image)
    write_json(out / 'clips' / 'intrinsics.json', dict(
        fx=camera.fx, fy=camera.fy, cx=camera.cx, cy=camera.cy, width=size[0], height=size[1]))
    for index in range(num_images):
        clip, moment = divmod(index, CLIP_FRAMES)
        if moment == 0:
            rng = np.random.default_rng([seed, clip])
            scene = make_street(rng)
            poses = drive(rng, scene, CLIP_FRAMES)
        frame = render(scene, camera, poses[moment], moment)
        name = f'{clip:04d}_{moment}.png'
        disparity = np.maximum(depth_to_disparity(frame.depth, 1.0), 1e-6)
        write_png(out / 'images' / name, frame.image)
        write_png(out / 'clips' / f'{clip:04d}' / name, frame.image)
        write_png(out / 'labels' / name, frame.semantic)
        write_disparity(out / 'disparity' / name, disparity)
        write_regions(out / 'regions' / name, group_regions(frame.image, disparity, intrinsics, params))


@contextmanager
def street_folder(given: str | os.PathLike | None, num_images: int, size: Size, seed: int) -> Iterator[Path]:
    """The given folder, or one with toy streets that goes away afterwards."""
    if given is not None:
        yield Path(given)
        return
    with TemporaryDirectory(prefix='mmdepthcp_benchmark_') as name:
        make_toy_folder(Path(name), num_images, size, seed=seed)
        yield Path(name)


def image_names(folder: Path, num_images: int) -> list[Path]:
    """Names of ``num_images`` images, evenly spread over the folder, repeated if it has fewer."""
    names = find_files(folder / 'images')
    step = max(len(names) // num_images, 1)
    return [names[index * step % len(names)] for index in range(num_images)]


def read_street(folder: Path, name: Path, size: Size) -> Street:
    """An image brought to ``size`` = (width, height).

    Raises:
        InputError: a file is missing or unusable.
    """
    image = read_image(folder / 'images' / name)
    disparity = read_disparity(folder / 'disparity' / name.with_suffix('.png'))
    labels = None
    if (folder / 'labels').is_dir():
        labels = cv2.resize(
            LabelTree(folder / 'labels').read(image_key(name)), size, interpolation=cv2.INTER_NEAREST_EXACT)
    return Street(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.resize(disparity, size), labels)


def read_group(folder: Path, num_images: int, size: Size) -> Group:
    """Images, region maps and disparities of a group, as :func:`mmdepthcp.mixing.pool_regions` takes them.

    Raises:
        InputError: a file is missing or unusable.
    """
    names = image_names(folder, num_images)
    streets = [read_street(folder, name, size) for name in names]
    stored = [read_regions(folder / 'regions' / name.with_suffix('.png')).astype(np.uint16) for name in names]
    regions = [cv2.resize(ids, size, interpolation=cv2.INTER_NEAREST_EXACT).astype(np.int32) for ids in stored]
    return [street.image for street in streets], regions, [street.disparity for street in streets]
