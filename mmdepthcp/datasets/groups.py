"""Groups of images that are mixed with each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import Compose
from mmengine.dataset import BaseDataset

from mmdepthcp.datasets.seeded import split_index
from mmdepthcp.fileio import InputError
from mmdepthcp.registry import DATASETS

_SHUFFLE_STREAM, _ITEM_STREAM = 2, 1


@DATASETS.register_module()
class ImageGroupDataset:
    """Groups of M different images of a data set.

    In every epoch the images are shuffled and cut into M slices of N // M images; item i is the i-th of each
    slice (Leung et al., BMVC 2022), so that every image occurs once, but for the remainder of N / M. The
    members go through the inner data set's pipeline, the group through ``pipeline`` as ``dict(group=[results,
    ...], rng=Generator)``. All is a function of (seed, epoch, index), see :class:`EpochSampler`.

    Args:
        dataset: The data set of images, config or object, asked by ``(epoch, index)`` (``SeededDataset``).
        num_images: M.
        pipeline: Transforms of the group.
        seed: Seed of all random draws; handed on to ``dataset`` if its config names none.

    Raises:
        InputError: the data set has fewer than M images.
    """

    def __init__(
        self,
        dataset: dict | BaseDataset,
        num_images: int,
        pipeline: Sequence = (),
        seed: int = 0,
    ) -> None:
        self.dataset = DATASETS.build({'seed': seed, **dataset}) if isinstance(dataset, dict) else dataset
        self.num_images = num_images
        self.pipeline = Compose(pipeline)
        self.seed = seed
        available = len(self.dataset)
        if not 1 <= num_images <= available:
            raise InputError(
                f'num_images={num_images} images make a group, but the data set '
                f'{getattr(self.dataset, "data_root", None) or ""} has {available}: give it more images, or set '
                f'num_images to 1..{available}')
        self._order: tuple[int, np.ndarray] | None = None

    @property
    def metainfo(self) -> dict:
        """That of the images."""
        return self.dataset.metainfo

    def __len__(self) -> int:
        return len(self.dataset) // self.num_images

    def members(self, epoch: int, index: int) -> list[int]:
        """Indices of the M images of a group."""
        if self._order is None or self._order[0] != epoch:
            rng = np.random.default_rng([self.seed, epoch, 0, _SHUFFLE_STREAM])
            self._order = epoch, rng.permutation(len(self.dataset))
        return self._order[1][:len(self) * self.num_images].reshape(self.num_images, -1)[:, index].tolist()

    def __getitem__(self, index: int | tuple[int, int]) -> Any:
        epoch, index = split_index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f'item {index} of {len(self)}')
        index %= len(self)
        group = [self.dataset[epoch, member] for member in self.members(epoch, index)]
        return self.pipeline({
            'group': group,
            'rng': np.random.default_rng([self.seed, epoch, index, _ITEM_STREAM]),
        })
