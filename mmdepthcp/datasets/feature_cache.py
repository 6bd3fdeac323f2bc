"""Frozen features of the images of a training set, kept in files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mmdepthcp.sampling.neighbours import check_same_images
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import read_json, write_json

META = 'meta.json'
ROWS = 256
"""Images in one file."""
REMEDY = 'make it with tools/cache_features.py'


def cache_file(folder: Path, field: str, start: int) -> Path:
    """The file of the images from ``start`` on: an array of what ``field`` names, one image a row."""
    return folder / f'{field}_{start:09}.npy'


def write_cache_meta(folder: Path, key: str, names: Sequence[str], fields: Sequence[str]) -> None:
    """Say what lies in a cache: the key of weights and view it was made with, images, and what is kept of each."""
    write_json(folder / META, dict(key=key, fields=list(fields), names=list(names)))


def read_cache_meta(folder: Path) -> dict | None:
    """What :func:`write_cache_meta` wrote; None if nothing is there.

    Raises:
        InputError: something else is there.
    """
    file = folder / META
    if not file.exists():
        return None
    meta = read_json(file)
    if not (isinstance(meta, dict) and {'key', 'fields', 'names'} <= set(meta)):
        raise InputError(f'{file}: belongs to no cache of features; name another folder')
    return meta


class FeatureCache:
    """What ``tools/cache_features.py`` keeps of the images of a training set, read where it is asked for.

    Args:
        folder: of the cache.
        names: of the images of the data set.

    Attributes:
        key: of the weights and of the view that the features belong to.

    Raises:
        InputError: there is none, or one that is not complete or of other images.
    """

    def __init__(self, folder: str | os.PathLike, names: Sequence[str]) -> None:
        self.folder = Path(folder)
        meta = read_cache_meta(self.folder)
        if meta is None:
            raise InputError(f'{folder}: no cache of features; {REMEDY}')
        check_same_images(folder, meta['names'], names, 'the features of other images', REMEDY)
        self.key: str = meta['key']
        self.fields: list[str] = meta['fields']
        starts = range(0, len(names), ROWS)
        lacking = sum(not cache_file(self.folder, field, start).exists() for field in self.fields for start in starts)
        if lacking:
            raise InputError(f'{folder}: {lacking} of {len(self.fields) * len(starts)} files of the cache are not '
                             f'there yet; complete it with tools/cache_features.py')

    def __getitem__(self, index: int) -> Mapping[str, np.ndarray]:
        """What is kept of an image, by field: ``inputs``, features (C, h, w) float16; what else
        :func:`mmdepthcp.datasets.transforms.view_of` gives."""
        row = index % ROWS
        return {field: np.load(cache_file(self.folder, field, index - row), mmap_mode='r')[row]
                for field in self.fields}
