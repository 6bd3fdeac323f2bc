"""Which images of a set are most alike, by descriptors of whole images."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import atomic_path

CHUNK_ROWS = 4096
REMEDY = 'make it with tools/nearest_neighbours.py'


def nearest_neighbours(queries: Tensor, first: int, bank: Iterable[Tensor], count: int) -> Tensor:
    """Indices of the images of a bank that are most alike, an image itself first.

    Memory is that of a block of at most Q by :data:`CHUNK_ROWS` cosines and of one part of the bank, however many
    images the bank holds.

    Args:
        queries: (Q, D), rows of length 1: the images ``first`` ... ``first + Q − 1`` of the bank.
        first: index of the first query.
        bank: parts (N_i, D) of the bank, in order, rows of length 1.
        count: how many, at most N = ΣN_i.

    Returns:
        (Q, count) int64, the most alike first.

    Raises:
        InputError: the bank has fewer images.

    Example:
        >>> images = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.8, 0.6]])
        >>> nearest_neighbours(images, 0, [images[:2], images[2:]], 2).tolist()
        [[0, 2], [1, 2], [2, 0]]
    """
    own = torch.arange(first, first + len(queries), device=queries.device)
    cosines = queries.new_empty(len(queries), 0)
    indices = own.new_empty(len(queries), 0)
    start = 0
    for part in bank:
        for rows in part.to(queries).split(CHUNK_ROWS):
            block = queries @ rows.T
            among = ((own >= start) & (own < start + len(rows))).nonzero()[:, 0]
            block[among, own[among] - start] = torch.inf
            new, where = block.topk(min(count, len(rows)), dim=1)
            cosines, indices = torch.cat([cosines, new], 1), torch.cat([indices, where + start], 1)
            cosines, kept = cosines.topk(min(count, cosines.shape[1]), dim=1)
            indices = indices.gather(1, kept)
            start += len(rows)
    if indices.shape[1] < count:
        raise InputError(f'{count} neighbours of {start} images cannot be chosen')
    return indices


def write_neighbours(path: str | os.PathLike, names: Sequence[str], neighbours: np.ndarray,
                     made_of: Mapping[str, Any] | None = None) -> None:
    """Write a neighbour file.

    Args:
        path: ``.npz``.
        names: of the N images.
        neighbours: (N, k) int64 indices, the most alike first, beginning with each image itself.
        made_of: what they depend on (:class:`mmdepthcp.engine.hooks.NeighbourCheckHook`), and whether they are
            ``centred``.
    """
    with atomic_path(path) as aside, open(aside, 'wb') as file:  # NumPy adds .npz to names that lack it
        np.savez_compressed(file, names=np.asarray(names), neighbours=neighbours.astype(np.int64),
                            made_of=np.array(json.dumps(made_of or {})))


def read_made_of(path: str | os.PathLike) -> dict[str, Any]:
    """What the neighbours in a file of :func:`write_neighbours` depend on; empty if it does not say so."""
    with np.load(path) as stored:
        return json.loads(str(stored['made_of'])) if 'made_of' in stored else {}


def read_neighbours(path: str | os.PathLike, names: Sequence[str]) -> np.ndarray:
    """Read a neighbour file and hold it against a data set.

    Args:
        path: what :func:`write_neighbours` wrote.
        names: of the images of the data set.

    Returns:
        (N, k) int64 indices into ``names``.

    Raises:
        InputError: it is missing, no neighbour file, or of other images, or an image is not first among its own.
    """
    try:
        with np.load(path) as stored:
            stored_names, neighbours = stored['names'].tolist(), stored['neighbours']
    except FileNotFoundError:
        raise InputError(f'{path}: no such neighbour file; {REMEDY}') from None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f'{path}: no neighbour file ({error}); {REMEDY}') from None
    check_same_images(path, stored_names, names, 'the neighbours of other images', REMEDY)
    size = len(stored_names)
    if neighbours.shape[:1] != (size,) or neighbours.ndim != 2 or neighbours.dtype != np.int64 or not (
            neighbours.size and 0 <= neighbours.min() <= neighbours.max() < size):
        raise InputError(f'{path}: its neighbours are no indices of its {size} images; {REMEDY}')
    if (strange := np.flatnonzero(neighbours[:, 0] != np.arange(size))).size:
        raise InputError(f'{path}: {stored_names[strange[0]]} is not first among its own neighbours; {REMEDY}')
    return neighbours


def check_same_images(path: str | os.PathLike, stored: Sequence[str], names: Sequence[str], what: str,
                      remedy: str) -> None:
    """Make sure that what a file holds belongs to the images of a data set.

    Args:
        path: the file.
        stored: names of the images it was made of.
        names: of the images of the data set.
        what: what the file is if they differ.
        remedy: what to do then.

    Raises:
        InputError: they differ; the first difference is named.
    """
    if list(stored) != list(names):
        differing = next((f'its image {number} is {old}, that of the data set {new}' for number, (old, new) in
                          enumerate(zip(stored, names)) if old != new),  # noqa: B905
                         f'it has {len(stored)} images, the data set {len(names)}')
        raise InputError(f'{path}: {what}: {differing}; {remedy}')
