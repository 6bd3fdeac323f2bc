"""Whole trees of 16-bit disparity PNGs: one file for each image, and a ``meta.json`` that says how they were
made.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mmdepthcp.geometry.depth_maps import decode_cityscapes_disparity, depth_to_disparity, fill_holes
from mmdepthcp.preparation.exports import claim_export, digest_of, select_outdated
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import DISPARITY_SCALE, read_depth, read_inverse_depth, read_uint16, write_disparity
from mmdepthcp.utils.trees import Failure, process_tree
from mmdepthcp.utils.walks import find_files

FARTHEST = 1 / DISPARITY_SCALE
"""Of what is farther than a file can tell: its smallest value above 0, which stands for unknown."""


def read_cityscapes_disparity(path: str | os.PathLike, largest: float) -> np.ndarray:
    """(H, W) disparity in 0..1 of a stereo disparity file of Cityscapes, holes filled from the nearest pixel.

    Args:
        path: The file.
        largest: Disparity in pixels that becomes 1.

    Raises:
        InputError: the file is unusable or has no disparity at all.
    """
    disparity, valid = decode_cityscapes_disparity(read_uint16(path, 'disparity', 'replace it'), largest)
    return _filled(path, disparity, valid)


def read_depth_as_disparity(path: str | os.PathLike, nearest: float, holes: str) -> np.ndarray:
    """(H, W) disparity in 0..1 of a file of metric depth, see :func:`depth_to_disparity`.

    Args:
        path: The file, see :func:`mmdepthcp.utils.images.read_depth`.
        nearest: Depth in metres that becomes 1.
        holes: Pixels without depth become ``'nearest'``, like the nearest pixel with depth, or ``'far'``,
            :data:`FARTHEST`.

    Raises:
        InputError: the file is unusable or has no depth at all.
    """
    depth = read_depth(path)
    filled = _filled(path, depth, depth > 0)
    return np.maximum(depth_to_disparity(filled if holes == 'nearest' else depth, nearest), np.float32(FARTHEST))


def read_inverse_as_disparity(path: str | os.PathLike, largest: float, holes: str) -> np.ndarray:
    """(H, W) disparity in 0..1 of a file of inverse depth or disparity in another unit.

    Args:
        path: The file, see :func:`mmdepthcp.utils.images.read_inverse_depth`.
        largest: Value that becomes 1; larger ones too.
        holes: See :func:`read_depth_as_disparity`.

    Raises:
        InputError: the file is unusable or has no value at all.
    """
    values = read_inverse_depth(path)
    filled = _filled(path, values, values > 0)
    return np.clip((filled if holes == 'nearest' else values) / np.float32(largest), np.float32(FARTHEST), 1)


def _filled(path: str | os.PathLike, values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    try:
        return fill_holes(values, valid)
    except InputError as error:
        raise InputError(f'{path}: {error}') from None


class DisparityFile:
    """Converts one file of a tree: reads ``<root>/<file>`` and writes ``<out>/<name>.png``.

    Args:
        root: Folder of the input.
        out: Folder of the output.
        suffix: Ending of the input files, replaced by ``image_suffix``: the ending of the image's name before
            .png or .jpg.
        image_suffix: Such as ``_leftImg8bit``.
        read: Reads a file as (H, W) disparity in 0..1.
    """

    def __init__(self, root: Path, out: Path, suffix: str, image_suffix: str,
                 read: Callable[[Path], np.ndarray]) -> None:
        self.root = root
        self.out = out
        self.suffix = suffix
        self.image_suffix = image_suffix
        self.read = read

    def target(self, file: Path) -> Path:
        """The output file."""
        return self.out / f'{file.as_posix()[:-len(self.suffix)]}{self.image_suffix}.png'

    def __call__(self, file: Path) -> None:
        digest = digest_of([self.root / file])
        write_disparity(self.target(file), self.read(self.root / file), digest)


def convert_tree(work: DisparityFile, settings: dict[str, Any], num_workers: int = 0,
                 shard: tuple[int, int] = (0, 1)) -> tuple[list[Failure], int]:
    """Convert all files of a tree that are not converted yet, or have changed since.

    Args:
        work: Converts one file.
        settings: What to record in ``meta.json``, see
            :func:`mmdepthcp.preparation.exports.claim_export`.
        num_workers: Number of processes.
        shard: (i, n): only every n-th file from the i-th on.

    Returns:
        The failures, and how many files were tried.

    Raises:
        InputError: the input folder is missing or empty, or the output folder belongs to another export, or another
            process writes there.
    """
    files = find_files(work.root, (work.suffix,), [work.out])
    with claim_export(work.out, settings, shard):
        left = select_outdated(files, work.target, lambda file: [work.root / file], shard)
        return process_tree(left, work, num_workers, f'{work.root} to {work.out}'), len(left)
