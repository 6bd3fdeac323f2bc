"""The order in which a data set is visited."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sized

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from mmdepthcp.registry import DATA_SAMPLERS
from mmdepthcp.utils.errors import InputError


class _SeededSampler(Sampler):
    """What the samplers share: the data set, who asks for it, and the order of its samples in a pass."""

    def __init__(self, dataset: Sized, shuffle: bool, seed: int | None) -> None:
        if len(dataset) == 0:
            raise InputError('the data set holds no sample')
        self.rank, self.world_size = get_dist_info()
        self.dataset = dataset
        self.shuffle = shuffle
        self.seed = sync_random_seed() if seed is None else seed

    def _order(self, number: int) -> np.ndarray:
        """Indices of the samples in pass ``number``."""
        count = len(self.dataset)
        return np.random.default_rng([self.seed, number]).permutation(count) if self.shuffle else np.arange(count)


@DATA_SAMPLERS.register_module()
class EpochSampler(_SeededSampler):
    """MMEngine's ``DefaultSampler``, but it yields ``(seed, epoch, index)``.

    With seed and epoch in the index, a :class:`SeededDataset` draws other random numbers for every seed and in
    every epoch, and the same ones however many workers load it, also when they outlive an epoch and when a run
    is resumed. MMEngine's ``DistSamplerSeedHook``, a default hook, sets the epoch.

    Args:
        dataset: The data set.
        shuffle: Visit epoch e in the order of ``numpy.random.default_rng([seed, e]).permutation``; False: in
            the data set's own order.
        seed: The same on all ranks; None draws one and shares it. A runner gives its own seed
            (``randomness = dict(seed=...)``), which so decides all that is random in the data.
        round_up: Repeat the first samples so that all ranks get equally many.

    Raises:
        InputError: the data set is empty.
    """

    def __init__(self, dataset: Sized, shuffle: bool = True, seed: int | None = None,
                 round_up: bool = True) -> None:
        super().__init__(dataset, shuffle, seed)
        self.round_up = round_up
        self.epoch = 0

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        count = len(self.dataset)
        order = self._order(self.epoch)
        if self.round_up:
            order = np.resize(order, math.ceil(count / self.world_size) * self.world_size)
        return iter([(self.seed, self.epoch, int(index)) for index in order[self.rank::self.world_size]])

    def __len__(self) -> int:
        """The number of samples of this rank."""
        offset = 0 if self.round_up else self.rank
        return math.ceil((len(self.dataset) - offset) / self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch that the next iteration visits."""
        self.epoch = epoch


@DATA_SAMPLERS.register_module()
class EndlessSampler(_SeededSampler):
    """MMEngine's ``InfiniteSampler``, but it yields ``(seed, pass, index)``, for trainings that count iterations.

    Sample p of all ranks together is the (p mod N)-th of pass p // N over the N samples of the data set, and rank r of
    n visits the samples r, r + n, r + 2 n, ... So each sample comes once in every pass, and each visit draws its own
    random numbers, the same ones after a run is resumed (see :class:`SeededDataset`).

    Args:
        dataset: The data set.
        shuffle: Visit pass e in the order of ``numpy.random.default_rng([seed, e]).permutation``; False: in the data
            set's own order.
        seed: The same on all ranks; None draws one and shares it. A runner gives its own.

    Raises:
        InputError: the data set is empty.
    """

    def __init__(self, dataset: Sized, shuffle: bool = True, seed: int | None = None) -> None:
        super().__init__(dataset, shuffle, seed)
        self.start = 0

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        count, shuffled = len(self.dataset), -1
        order: np.ndarray = np.empty(0, np.int64)
        for number in itertools.count(self.start):
            turn, place = divmod(self.rank + number * self.world_size, count)
            if turn != shuffled:
                shuffled, order = turn, self._order(turn)
            yield self.seed, turn, int(order[place])

    def __len__(self) -> int:
        """The number of samples of one pass."""
        return len(self.dataset)

    def skip(self, num_samples: int) -> None:
        """Begin after so many samples of this rank; the maintained MMEngine calls it to resume, the original one
        loads them again instead.
        """
        self.start = num_samples

    def set_epoch(self, epoch: int) -> None:
        """Nothing depends on the epoch."""
