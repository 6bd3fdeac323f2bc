"""Depth regions of whole image trees, and their quality where labels exist."""

from __future__ import annotations

import ast
import contextlib
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmdepthcp.geometry.cameras import (
    check_intrinsics,
    check_size,
    read_cityscapes_intrinsics,
    read_cityscapes_pixels,
    tell_assumed_size,
)
from mmdepthcp.grouping import PRESETS, EdgeModel, GroupingParams, RegionQuality, group_regions
from mmdepthcp.preparation.edge_models import read_edges, read_features
from mmdepthcp.preparation.exports import META, claim_export, digest_of, select_outdated
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import file_sha256, read_json
from mmdepthcp.utils.images import image_size, read_disparity, read_image, read_labels, read_regions, write_regions
from mmdepthcp.utils.trees import Failure, image_key, process_tree, track
from mmdepthcp.utils.walks import IMAGE_SUFFIXES, find_files, in_any_letters

Size = tuple[int, int]

ASPECT_TOLERANCE = 0.15
"""How far the aspect ratio of a disparity file may be from its image's: enough for rasters rounded for a network."""


def parse_params(words: Sequence[str]) -> GroupingParams:
    """Settings from words: first, if wanted, the name of a preset, then ``key=value``.

    ``['paper', 'num_superpixels=3000', 'weights=0,48,0,-4']``

    Raises:
        InputError: a preset, key or value is unknown.
    """
    words = list(words)
    name = words.pop(0) if words and '=' not in words[0] else 'default'
    if name not in PRESETS:
        raise InputError(f'{name}: no such preset of grouping; there are {", ".join(PRESETS)}')
    known = [field.name for field in fields(GroupingParams)]
    changes = {}
    for word in words:
        key, equals, value = word.partition('=')
        if not equals or key not in known:
            raise InputError(f'{word}: not a setting of grouping, KEY=VALUE with one of the keys {", ".join(known)}')
        try:
            changes[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            changes[key] = value
    try:
        return replace(PRESETS[name], **changes)
    except (TypeError, ValueError) as error:
        raise InputError(f'{" ".join(words)}: {error}') from error


@dataclass(frozen=True)
class RegionGrouper:
    """Depth regions of the images of a tree, by file.

    Attributes:
        image_root: folder of the images.
        disparity_root: folder of ``<relative path of the image without suffix>.png``, 16 bit.
        params: settings.
        intrinsics: normalised (fx/W, fy/H, cx/W, cy/H) of all images.
        camera_root: folder of Cityscapes calibrations, ``<relative path without _leftImg8bit>_camera.json``; comes
            before ``intrinsics``.
        calibration_size: (width, height) of the images that those were made for; if None, that of Cityscapes where they
            have the numbers of its cameras, else the size of each image.
        scale: (width, height) of the region maps; the size of each image if None.
        feature_root: folder of ``<relative path of the image without suffix>.npy``, (C, h, w), see
            :func:`mmdepthcp.embed`, for ``formula='learnt'``.
        edges: file of :func:`mmdepthcp.preparation.edge_models.write_edges`, for the same.

    Raises:
        InputError: the camera is not known or none, or a size is none; features or edges are missing or not asked for.
    """

    image_root: Path
    disparity_root: Path
    params: GroupingParams = PRESETS['default']
    intrinsics: tuple[float, float, float, float] | None = None
    camera_root: Path | None = None
    calibration_size: Size | None = None
    scale: Size | None = None
    feature_root: Path | None = None
    edges: Path | None = None

    def __post_init__(self) -> None:
        if self.intrinsics is None and self.camera_root is None:
            raise InputError(
                'the camera is not known: give --intrinsics FX FY CX CY, as fractions of width and height, which your '
                "camera's data sheet or calibration tells (KITTI: 0.58 1.92 0.5 0.5; a horizontal field of view of 50 "
                'degrees in 4:3: 1.07 1.43 0.5 0.5), or --camera-root with calibrations in the format of Cityscapes')
        if self.intrinsics is not None:
            check_intrinsics(self.intrinsics, 'intrinsics')
        for key in ('calibration_size', 'scale'):
            if getattr(self, key) is not None:
                check_size(getattr(self, key), key)
        learnt = self.params.formula == 'learnt'
        if learnt != (self.edges is not None) or learnt != (self.feature_root is not None):
            raise InputError('formula=learnt takes --features DIR and --edges FILE of tools/learn_edges.py; without '
                             'formula=learnt leave them out')
        _ = self.edge_model  # refuses a file that is none

    @cached_property
    def edge_model(self) -> EdgeModel | None:
        """What ``edges`` holds."""
        return None if self.edges is None else read_edges(self.edges)

    def __call__(self, name: Path) -> np.ndarray:
        """The (H, W) int32 regions of an image, ``name`` relative to the image root.

        Raises:
            InputError: a file is missing or unusable, disparity is the same everywhere, or image and disparity have
                different shapes.
        """
        image, disparity, intrinsics = self.load(name)
        features = None if self.feature_root is None else read_features(self.feature_file(name))
        try:
            return group_regions(image, disparity, intrinsics, self.params, features, self.edge_model)
        except ValueError as error:
            raise InputError(f'{self.image_root / name}: {error}') from error

    def load(self, name: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The image (H, W, 3) uint8 BGR, its disparity (H, W), both at the size to group at, and normalised intrinsics
        (3, 3); raises what a call does.
        """
        image_path, disparity_path = self.files(name)[:2]
        image, disparity = read_image(image_path), read_disparity(disparity_path)
        if disparity.min() == disparity.max():
            raise InputError(f'{disparity_path}: disparity is the same everywhere, so it holds no depth; make it again '
                             'with tools/infer_depth.py, or remove the image')
        height, width = image.shape[:2]
        if abs(disparity.shape[1] * height / (disparity.shape[0] * width) - 1) > ASPECT_TOLERANCE:
            raise InputError(f'{disparity_path}: is {disparity.shape[1]}x{disparity.shape[0]}, which does not fit the '
                             f'image {image_path}, {width}x{height}; make it again with tools/infer_depth.py')
        intrinsics = self._intrinsics_of(name, (width, height))
        size = self.scale or (width, height)
        if size != (width, height):
            shrinks = size[0] <= width and size[1] <= height
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        if disparity.shape != image.shape[:2]:
            disparity = cv2.resize(disparity, size, interpolation=cv2.INTER_LINEAR)
        return image, disparity, intrinsics

    def feature_file(self, name: Path) -> Path:
        """The features of an image."""
        assert self.feature_root is not None
        return self.feature_root / name.with_suffix('.npy')

    def _intrinsics_of(self, name: Path, size: Size) -> np.ndarray:
        if self.camera_root is not None:
            return read_cityscapes_intrinsics(
                self.files(name)[2], self.calibration_size or size, self.calibration_size is None)
        return check_intrinsics(self.intrinsics, 'intrinsics')

    def check_labels(self, name: Path, path: Path, size: Size) -> None:
        """Compare the (width, height) of a label file with the image's.

        Raises:
            InputError: they differ.
        """
        width, height = image_size(self.image_root / name)
        if size != (width, height):
            raise InputError(f'{path}: is {size[0]}x{size[1]}, its image {self.image_root / name} {width}x{height}; '
                             'give labels of the size of the images')

    def files(self, name: Path) -> list[Path]:
        """The image, its disparity and, where they are read, its calibration and features."""
        files = [self.image_root / name, self.disparity_root / name.with_suffix('.png')]
        if self.camera_root is not None:
            files.append(self.camera_root / f"{image_key(name).removesuffix('_leftImg8bit')}_camera.json")
        if self.feature_root is not None:
            files.append(self.feature_file(name))
        return files

    def description(self) -> dict:
        """What ``meta.json`` records: all that decides about the regions except the files read."""
        params = asdict(self.params)
        camera: Any = 'calibration files'
        if self.camera_root is None:
            camera = check_intrinsics(self.intrinsics, 'intrinsics')[[0, 1, 0, 1], [0, 1, 2, 2]].tolist()
        if self.params.formula != 'learnt':
            del params['feature_weight']
        if self.params.method != 'agglomerative':
            params['open_communities'] = 'any edge below the threshold'  # before: by mean edges
        return {
            'params': {**params, 'weights': list(params['weights'])},
            'intrinsics': camera,
            'calibration_size': list(self.calibration_size) if self.calibration_size else None,
            'scale': list(self.scale) if self.scale else None,
            **({'edges': file_sha256(self.edges)} if self.edges else {}),
        }


@dataclass(frozen=True)
class _Writer:
    grouper: RegionGrouper
    out: Path

    def __call__(self, name: Path) -> None:
        try:
            digest = digest_of(self.grouper.files(name))
        except OSError:
            digest = None  # which the grouper says in words
        write_regions(self.out / name.with_suffix('.png'), self.grouper(name), digest)


def group_tree(
        grouper: RegionGrouper, out: Path, num_workers: int = 0, shard: tuple[int, int] = (0, 1),
        suffixes: Sequence[str] = IMAGE_SUFFIXES) -> tuple[list[Failure], int]:
    """Write the regions of all images of a tree as ``out/<relative path without suffix>.png``, and ``out/meta.json``.

    Files that are there are left alone, unless image, disparity or calibration have changed since.

    Args:
        grouper: knows the images and the settings.
        out: folder to write to.
        num_workers: processes; 0 works in this one.
        shard: (i, n) for every n-th image from the i-th on.
        suffixes: endings of images.

    Returns:
        The failures, and how many images were tried.

    Raises:
        InputError: there are no images, ``out`` holds regions made with other settings, or another process writes
            there.
    """
    images = find_files(grouper.image_root, suffixes, [out, grouper.disparity_root])
    for folder in (grouper.disparity_root, grouper.camera_root, grouper.feature_root):
        if folder is not None and not folder.is_dir():
            raise InputError(f'{folder}: no such folder')
    with claim_export(out, grouper.description(), shard, 'regions'):
        missing = select_outdated(images, lambda name: out / name.with_suffix('.png'), grouper.files, shard)
        if missing and grouper.camera_root is not None and grouper.calibration_size is None:
            with contextlib.suppress(InputError):  # which grouping says of this image
                tell_assumed_size(grouper.camera_root, read_cityscapes_pixels(grouper.files(missing[0])[2]),
                                  image_size(grouper.image_root / missing[0]))
        return process_tree(missing, _Writer(grouper, out), num_workers, 'depth regions'), len(missing)


@dataclass(frozen=True)
class LabelTree:
    """Label images beside an image tree.

    Attributes:
        root: folder of the labels, laid out as the images are.
        image_suffix: ending of an image's name (before .png or the like) that is replaced ...
        label_suffix: ... by this one in the label's.
        ignore: values of unlabelled pixels; they become 255.
    """

    root: Path
    image_suffix: str = ''
    label_suffix: str = ''
    ignore: tuple[int, ...] = (255,)

    def path(self, key: str) -> Path:
        """Label file of an image's relative path without suffix."""
        ending = f'{self.label_suffix}.png'
        return in_any_letters(self.root / f'{key.removesuffix(self.image_suffix)}{ending}', ending)

    def read(self, key: str) -> np.ndarray:
        """(H, W) uint8 labels of an image, 255 where there are none.

        Raises:
            InputError: the file is missing, no image with one channel, or holds labels above 255.
        """
        path = self.path(key)
        if not path.is_file():
            raise InputError(f'{path}: no such label file')
        labels = read_labels(path, 'name the suffix of label ids')
        if labels.max() > 255:
            raise InputError(f'{path}: holds the label {labels.max()}, labels lie in 0..255; name the suffix of label '
                             'ids')
        labels = labels.astype(np.uint8)
        return np.where(np.isin(labels, self.ignore), np.uint8(255), labels)


@dataclass(frozen=True)
class RegionReader:
    """Stored regions by file; what `RegionGrouper` is for regions yet to be made.

    Attributes:
        root: folder of the regions; in its ``meta.json`` stands whether they have a size of their own (``scale``).
    """

    root: Path

    def __call__(self, name: Path) -> np.ndarray:
        return read_regions(self._path(name))

    def _path(self, name: Path) -> Path:
        return self.root / name.with_suffix('.png')

    @cached_property
    def _has_own_size(self) -> bool:
        meta = self.root / META
        return meta.is_file() and read_json(meta).get('scale') is not None

    def check_labels(self, name: Path, path: Path, size: Size) -> None:
        """Compare the (width, height) of a label file with the regions', which is the image's by default.

        Raises:
            InputError: they differ, and the regions were not made at a size of their own.
        """
        width, height = image_size(self._path(name))
        if size != (width, height) and not self._has_own_size:
            raise InputError(f'{path}: is {size[0]}x{size[1]}, the regions {self._path(name)} {width}x{height}; give '
                             'labels of the size of the images that the regions were made of')


def measure_quality(
        regions: RegionGrouper | RegionReader, names: Sequence[Path], labels: LabelTree, num_classes: int,
        tolerance: int = 2) -> dict:
    """Quality of regions over the images ``names`` (relative paths), as `RegionQuality.summary` gives it.

    Region maps made at a size of their own are brought to that of the labels (nearest pixel).

    Raises:
        InputError: a file is missing or unusable, or labels have another size than the images.
    """
    quality = RegionQuality(num_classes, tolerance)
    for name in track(names, sys.stderr):
        truth = labels.read(image_key(name))
        regions.check_labels(name, labels.path(image_key(name)), truth.shape[::-1])
        found = regions(name)
        if found.shape != truth.shape:
            found = cv2.resize(found, truth.shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
        try:
            quality.add(found, truth)
        except ValueError as error:
            raise InputError(f'{labels.path(image_key(name))}: {error}') from error
    return quality.summary()
