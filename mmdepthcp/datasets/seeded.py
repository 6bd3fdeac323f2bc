"""Data sets whose random numbers depend on what they are asked for only: (seed, epoch, index)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from mmengine.dataset import ConcatDataset

from mmdepthcp.fileio import InputError
from mmdepthcp.registry import DATASETS

if TYPE_CHECKING:
    from mmengine.dataset import BaseDataset as Base
else:
    Base = object


def split_index(index: int | tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """The draw, numbers >= 0 that tell it from other draws of the same sample, and the index of the sample.

    :class:`EpochSampler` yields ``(seed, epoch, index)``, whose draw is ``(seed, epoch)``; a plain index belongs
    to seed 0 and epoch 0.
    """
    return (index[:-1], index[-1]) if isinstance(index, tuple) else ((0, 0), index)


class SeededDataset(Base):
    """Mixin over MMEngine's ``BaseDataset`` (write it first among the bases): reproducible random samples.

    An item is asked for by index or by ``(seed, epoch, index)``, see :class:`EpochSampler`. Before the pipeline
    runs, ``results['rng'] = numpy.random.default_rng([seed, epoch, index])``; the random transforms of this
    package draw from it and from nothing else. There is no second try with another sample: one that cannot be
    used raises.
    """

    def __getitem__(self, index: int | tuple[int, ...]) -> Any:
        draw, index = split_index(index)
        if not self._fully_initialized:
            self.full_init()
        index = index + len(self) if index < 0 else index
        results = self.get_data_info(index)
        source = results.get('img_path', index)
        results['rng'] = np.random.default_rng([*draw, index])
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
