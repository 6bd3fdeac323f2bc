"""Which images of a labelled set are used: folds for cross-validation, some for learning from few labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmdepthcp.datasets.frame_names import clips_by_name
from mmdepthcp.utils.errors import InputError

PARTS = ('train', 'val')


def fold_of(names: Sequence[str], num_folds: int, seed: int = 0) -> np.ndarray:
    """The fold of every image, (N,) integers 0..num_folds−1; the folds' sizes differ by at most one.

    It depends on the set of names and the seed alone, not on the order of the names.

    Args:
        names: N different names.
        num_folds: number of folds, 2..N.
        seed: seed of the permutation that is dealt out.

    Raises:
        InputError: there are fewer names than folds, or fewer than two folds.
    """
    if not 2 <= num_folds <= len(names):
        raise InputError(f'num_folds {num_folds}: must lie in 2..{len(names)}, the number of images')
    by_name = np.argsort(np.asarray(names))
    folds = np.empty(len(names), np.int64)
    folds[by_name[np.random.default_rng(seed).permutation(len(names))]] = np.arange(len(names)) % num_folds
    return folds


def fraction_of(names: Sequence[str], fraction: float, seed: int = 0) -> np.ndarray:
    """Indices, ascending, of max(1, round(fraction · N)) images. With one seed a smaller fraction is part of a larger.

    Args:
        names: N different names; their order does not matter for which are taken.
        fraction: share of the images, in (0, 1].
        seed: seed of the permutation of which the first ones are taken.

    Raises:
        InputError: the fraction does not lie in (0, 1].
    """
    if not 0 < fraction <= 1:
        raise InputError(f'fraction {fraction}: must lie in (0, 1]')
    return some_of(names, max(1, math.floor(fraction * len(names) + 0.5)), seed)


def some_of(names: Sequence[str], count: int, seed: int = 0) -> np.ndarray:
    """Indices, ascending, of ``count`` images. With one seed fewer ones are part of more.

    Args:
        names: N different names; their order does not matter for which are taken.
        count: 1..N.
        seed: seed of the permutation of which the first ones are taken.

    Raises:
        InputError: there are fewer images, or none is wanted.
    """
    if not 1 <= count <= len(names):
        raise InputError(f'count {count}: must lie in 1..{len(names)}, the number of images')
    by_name = np.argsort(np.asarray(names))
    return np.sort(by_name[np.random.default_rng(seed).permutation(len(names))[:count]])


def select_images(
    names: Sequence[str],
    part: str = 'train',
    fold: int | None = None,
    num_folds: int = 5,
    fraction: float = 1.0,
    seed: int = 0,
    whole_clips: bool = False,
    count: int | None = None,
) -> np.ndarray:
    """Indices, ascending, of the images of one part of one fold, of training images perhaps only some.

    Args:
        names: N different names.
        part: ``'val'``: the images of the fold; ``'train'``: the fraction of all others.
        fold: 0..num_folds−1; None: no folds, each part is the whole set.
        num_folds: number of folds.
        fraction: share of the training images that is used; validation images are always used all.
        seed: seed of folds and of the training images that are used.
        whole_clips: deal out clips, not images, so that no fold holds a frame whose neighbours another one has.
        count: number of the training images that are used, in place of ``fraction``.

    Raises:
        InputError: there is no such part, fold, fraction or count, or both are given.
    """
    if part not in PARTS:
        raise InputError(f'part {part!r}: must be one of {", ".join(PARTS)}')
    if count is not None and fraction != 1:
        raise InputError(f'count {count} and fraction {fraction}: give one of them')
    chosen: np.ndarray = np.arange(len(names))
    if fold is not None:
        if not 0 <= fold < num_folds:
            raise InputError(f'fold {fold}: must lie in 0..{num_folds - 1}, for there are {num_folds} folds')
        if whole_clips:
            clips = clip_names(names)
            different = sorted(set(clips))
            held_out = np.isin(clips, np.asarray(different)[fold_of(different, num_folds, seed) == fold])
        else:
            held_out = fold_of(names, num_folds, seed) == fold
        chosen = np.flatnonzero(held_out == (part == 'val'))
    if part == 'train':
        left = [names[index] for index in chosen.tolist()]
        chosen = chosen[fraction_of(left, fraction, seed) if count is None else some_of(left, count, seed)]
    return chosen


def clip_names(names: Sequence[str]) -> list[str]:
    """The clip of every frame; frames of different folders are of different clips."""
    folders: dict[str, dict[str, str]] = {}
    for name in names:
        folder, _, file = name.rpartition('/')
        folders.setdefault(folder, {})[file] = name
    clip_of: dict[str, str] = {}
    for folder, files in folders.items():
        clips, alone = clips_by_name(list(files))
        clip_of.update({files[file]: f'{folder}/{clip.name}' for clip in clips for file in clip.frames.values()})
        clip_of.update({files[file]: files[file] for file in alone})
    return [clip_of[name] for name in names]


def select_items(items: list[dict], root: str, subset: Mapping[str, Any] | None) -> list[dict]:
    """The items of a data set that ``subset``, arguments of :func:`select_images`, asks for; all for None.

    Args:
        items: with ``img_path``; an image's name is what follows ``root`` in it.
        root: folder of the images.
        subset: arguments of :func:`select_images`.

    Raises:
        InputError: an argument is unknown or out of range.
    """
    if not subset:
        return items
    names = [item['img_path'].removeprefix(root).lstrip('/') for item in items]
    try:
        return [items[index] for index in select_images(names, **subset)]
    except TypeError as error:
        raise InputError(f'subset {dict(subset)}: {error}') from None
    except InputError as error:
        raise InputError(f'{root}: {error}') from None
