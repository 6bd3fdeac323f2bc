"""Potsdam as folders of PNGs, from the patches of Ji et al. (ICCV 2019) or from the tiles of ISPRS."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmdepthcp.datasets.lists import read_list
from mmdepthcp.preparation.exports import claim_export, digest_of, select_outdated
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import image_size, read_image, write_png
from mmdepthcp.utils.trees import Failure, process_tree
from mmdepthcp.utils.walks import find_files

COLOURS = {(255, 255, 255): 0, (255, 0, 0): 5, (0, 0, 255): 1, (0, 255, 255): 2, (0, 255, 0): 3, (255, 255, 0): 4}
"""RGB colour of ISPRS → class: road, building, vegetation, tree, car, clutter."""
LISTS = {'train': 'labelled_train.txt', 'val': 'labelled_test.txt'}
VALIDATION = ('2_13', '2_14', '3_13', '3_14', '4_13', '4_14', '4_15', '5_13', '5_14', '5_15', '6_13', '6_14', '6_15',
              '7_13')
"""Tiles for validation, as in MMSegmentation."""


class Patch(NamedTuple):
    """Where a patch, or a tile of many, comes from, and what part of the set it belongs to."""

    image: Path
    labels: Path
    part: str

    def __str__(self) -> str:
        return str(self.image)

    @property
    def is_tile(self) -> bool:
        """Whether it is cut into patches."""
        return self.image.suffix != '.mat'


def find_patches(source: Path) -> list[Patch]:
    """The patches of Ji et al.: ``imgs/*.mat``, ``gt/*.mat``, and the lists of those for training and for validation.

    Raises:
        InputError: a list or a file that it names is missing, a list is empty, or both name a patch.
    """
    found: list[Patch] = []
    for part, name in LISTS.items():
        entries = {entry.text: entry.place for entry in reversed(read_list(source / name))}
        if both := {patch.image.stem for patch in found} & set(entries):
            stem = min(both)
            raise InputError(f'{entries[stem]}: {stem} is for training too, by {source / LISTS["train"]}; take it out '
                             'of one of them')
        for stem in reversed(entries):
            patch = Patch(source / f'imgs/{stem}.mat', source / f'gt/{stem}.mat', part)
            if missing := [path for path in patch[:2] if not path.is_file()]:
                raise InputError(f'{missing[0]}: named in {source / name}, but not there')
            found.append(patch)
    return found


def find_tiles(images: Path, labels: Path) -> list[Patch]:
    """The tiles of ISPRS: ``top_potsdam_2_10_RGB.tif`` and ``top_potsdam_2_10_label.tif``.

    Raises:
        InputError: a tile has no labels.
    """
    found = []
    for name in find_files(images, ('.tif', '.tiff')):
        stem = name.stem.rpartition('_')[0]
        truth = labels / f'{stem}_label{name.suffix}'
        if not truth.is_file():
            raise InputError(f'{truth}: no such file, the labels of {images / name}')
        part = 'val' if stem.partition('potsdam_')[2] in VALIDATION else 'train'
        found.append(Patch(images / name, truth, part))
    return found


def classes_of_colours(picture: np.ndarray) -> np.ndarray:
    """Classes 0..5 (H, W) of labels in the colours of ISPRS, (H, W, 3) BGR; 255 where there is another colour."""
    codes = picture.astype(np.int32) @ np.array([1, 256, 65536])
    classes = np.full(codes.shape, 255, np.uint8)
    for (red, green, blue), index in COLOURS.items():
        classes[codes == blue + 256 * green + 65536 * red] = index
    return classes


class PatchWriter:
    """Writes patches as ``images/<part>/<name>.png`` and ``labels/<part>/<name>.png``.

    Args:
        out: folder.
        size: side of the patches that tiles are cut into, in pixels; what is left at the ends is left out.
    """

    def __init__(self, out: Path, size: int = 200) -> None:
        self.out, self.size = out, size

    def last(self, patch: Patch) -> Path:
        """The file that is written last."""
        if not patch.is_tile:
            return self._target('labels', patch.part, patch.image.stem)
        try:
            width, height = image_size(patch.image)
        except InputError:  # which writing says in words
            width = height = self.size
        row, column = ((side // self.size - 1) * self.size for side in (height, width))
        return self._target('labels', patch.part, _name(patch, row, column))

    def __call__(self, patch: Patch) -> None:
        """Write a patch, or those of a tile.

        Raises:
            InputError: a file cannot be read, image and labels differ in size, or a tile is smaller than a patch.
        """
        digest = digest_of(patch[:2])
        if patch.is_tile:
            image, labels = read_image(patch.image), classes_of_colours(read_image(patch.labels))
        else:
            image, labels = _image_of(patch.image), _labels_of(patch.labels)
        if image.shape[:2] != labels.shape:
            raise InputError(f'{patch.labels}: has the shape {labels.shape}, its image {image.shape[:2]}')
        if not patch.is_tile:
            self._write(patch.part, patch.image.stem, image, labels, digest)
            return
        size = self.size
        if min(labels.shape) < size:
            raise InputError(f'{patch.image}: is {labels.shape[1]}x{labels.shape[0]}, smaller than a patch of '
                             f'{size}x{size}; set --size')
        for row in range(0, labels.shape[0] - size + 1, size):
            for column in range(0, labels.shape[1] - size + 1, size):
                part = slice(row, row + size), slice(column, column + size)
                self._write(patch.part, _name(patch, row, column), image[part], labels[part], digest)

    def _write(self, part: str, name: str, image: np.ndarray, labels: np.ndarray, digest: str) -> None:
        write_png(self._target('images', part, name), np.ascontiguousarray(image), digest)
        write_png(self._target('labels', part, name), np.ascontiguousarray(labels), digest)

    def _target(self, kind: str, part: str, name: str) -> Path:
        return self.out / kind / part / f'{name}.png'


def write_patches(found: list[Patch], write: PatchWriter, num_workers: int = 0) -> tuple[list[Failure], int]:
    """Write the patches that are not there yet, or whose sources have changed: the failures, and how many patches or
    tiles were tried.

    Raises:
        InputError: the output folder holds other patches, or another process writes there.
    """
    tiles = any(patch.is_tile for patch in found)
    settings = dict(source='Potsdam, tiles', size=write.size) if tiles else dict(source='Potsdam, patches')
    with claim_export(write.out, settings, kind='patches'):
        left = select_outdated(found, write.last, lambda patch: patch[:2])
        return process_tree(left, write, num_workers, f'Potsdam to {write.out}'), len(left)


def _name(tile: Patch, row: int, column: int) -> str:
    return f'{tile.image.stem}_{row:05}_{column:05}'


def _image_of(path: Path) -> np.ndarray:
    values = _read_mat(path, 'img')
    if values.dtype != np.uint8 or values.ndim != 3 or values.shape[2] < 3:
        raise InputError(f'{path}: img is {values.dtype} of shape {values.shape}, not red, green and blue of 8 bits')
    return values[..., 2::-1]


def _labels_of(path: Path) -> np.ndarray:
    values = _read_mat(path, 'gt')
    with np.errstate(invalid='ignore'):
        labels = values.astype(np.uint8)
    if not np.array_equal(labels, values):
        raise InputError(f'{path}: gt holds other values than class indices, whole numbers in 0..255')
    return labels


def _read_mat(path: Path, key: str) -> np.ndarray:
    from scipy.io import loadmat

    try:
        return loadmat(path)[key]
    except (OSError, ValueError, NotImplementedError, TypeError) as error:
        raise InputError(f'{path}: cannot be read: {error}') from None
    except KeyError:
        raise InputError(f'{path}: has no array {key!r}; the patches of Ji et al. have one') from None
