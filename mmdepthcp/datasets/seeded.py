"""Data sets whose random numbers depend on what they are asked for only: (seed, epoch, index)."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmengine.dataset import ConcatDataset

from mmdepthcp.registry import DATASETS
from mmdepthcp.utils.errors import InputError

if TYPE_CHECKING:
    from mmengine.dataset import BaseDataset as Base
else:
    Base = object


def split_index(index: int | tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """The draw, numbers >= 0 that tell it from other draws of the same sample, and the index of the sample.

    :class:`EpochSampler` yields ``(seed, epoch, index)``, whose draw is ``(seed, epoch)``; a plain index belongs to
    seed 0 and epoch 0.
    """
    return (index[:-1], index[-1]) if isinstance(index, tuple) else ((0, 0), index)


@contextlib.contextmanager
def drawn_by(index: int | tuple[int, ...]) -> Iterator[None]:
    """Have what draws from the global generators of Python, NumPy and PyTorch, as transforms of other packages do,
    draw numbers that depend on an index ``(seed, epoch, index)`` only. A plain index changes nothing. Afterwards the
    generators are as they were.
    """
    if not isinstance(index, tuple):
        yield
        return
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    state = np.random.SeedSequence(index).generate_state(3)
    random.seed(int(state[0]))
    np.random.seed(int(state[1]))  # noqa: NPY002
    torch.default_generator.manual_seed(int(state[2]))
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        torch.set_rng_state(before[2])


class SeededDataset(Base):
    """Mixin over MMEngine's ``BaseDataset`` (write it first among the bases): reproducible random samples.

    An item is asked for by index or by ``(seed, epoch, index)``, see :class:`EpochSampler`, :class:`EndlessSampler`.
    Before the pipeline runs, ``results['rng'] = numpy.random.default_rng([seed, epoch, index])``; the random transforms
    of this package draw from it and from nothing else, and for those of others see :func:`drawn_by`. There is no second
    try with another sample: one that cannot be used raises.
    """

    def __getitem__(self, index: int | tuple[int, ...]) -> Any:
        asked, (draw, index) = index, split_index(index)
        if not self._fully_initialized:
            self.full_init()
        index = index + len(self) if index < 0 else index
        results = self.get_data_info(index)
        source = results.get('img_path', index)
        results['rng'] = np.random.default_rng([*draw, index])
        with drawn_by((*draw, index) if isinstance(asked, tuple) else index):
            results = self.pipeline(results)
        if results is None:
            raise InputError(f'{source}: a transform of the pipeline returned nothing for this sample; '
                             'samples are not replaced by others, so remove it from the data set')
        return results


def require_rng(results: dict) -> np.random.Generator:
    """The sample's random generator.

    Raises:
        KeyError: there is none, because the data set is not one of this package's.
    """
    if 'rng' not in results:
        raise KeyError("results['rng'] is missing: random transforms need a data set of mmdepthcp "
                       '(SeededDataset), which puts a seeded generator there')
    return results['rng']


@DATASETS.register_module()
class SeededConcatDataset(ConcatDataset):
    """Several data sets one after the other, asked by index or ``(seed, epoch, index)``.

    Each draws its own random numbers: the n-th is asked by ``(seed, epoch, n, its index)``.

    Args:
        datasets: Configs or data sets.
        times: How often each occurs in one epoch, to balance small ones; each occurrence draws its own random
            numbers. None: once.
        kwargs: Further arguments of MMEngine's ``ConcatDataset``.

    Raises:
        InputError: ``times`` does not fit ``datasets``.
    """

    def __init__(self, datasets: Sequence, times: Sequence[int] | None = None, **kwargs: Any) -> None:
        times = [1] * len(datasets) if times is None else list(times)
        if len(times) != len(datasets) or min(times) < 1:
            raise InputError(f'times must give one number >= 1 for each of the {len(datasets)} data sets, '
                             f'got {times}')
        built = [DATASETS.build(dataset) if isinstance(dataset, dict) else dataset for dataset in datasets]
        repeated = [dataset for dataset, count in zip(built, times, strict=True) for _ in range(count)]
        super().__init__(repeated, **kwargs)

    def __getitem__(self, index: int | tuple[int, ...]) -> Any:
        draw, index = split_index(index)
        which, inner = self._get_ori_dataset_idx(index)
        asked = (*draw, which, inner)
        return self.datasets[which][asked]
