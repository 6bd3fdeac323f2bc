"""Groups of images that are mixed with each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import Compose
from mmengine.dataset import BaseDataset

from mmdepthcp.datasets.seeded import split_index
from mmdepthcp.registry import DATASETS
from mmdepthcp.utils.errors import InputError

_SHUFFLE_STREAM, _ITEM_STREAM = 1, 2


def _rng(entropy: Sequence[int], stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=(stream,)))


@DATASETS.register_module()
class ImageGroupDataset:
    """Groups of M different images of a data set.

    In every epoch the images are shuffled and cut into M slices of N // M images; item i is the i-th of each
    slice (Zeng et al., BMVC 2022), so that every image occurs once, but for the remainder of N / M. The
    members go through the inner data set's pipeline, the group through ``pipeline`` as ``dict(group=[results,
    ...], rng=Generator)``. All is a function of (seed, epoch, index), see :class:`EpochSampler`.

    Args:
        dataset: The data set of images, config or object, asked by ``(seed, epoch, index)``
            (:class:`SeededDataset`).
        num_images: M.
        pipeline: Transforms of the group.

    Raises:
        InputError: the data set has fewer than M images.
    """

    def __init__(
        self,
        dataset: dict | BaseDataset,
        num_images: int,
        pipeline: Sequence = (),
    ) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        self.num_images = num_images
        self.pipeline = Compose(pipeline)
        available = len(self.dataset)
        if not 1 <= num_images <= available:
            raise InputError(
                f'num_images={num_images} images make a group, but the data set '
                f'{getattr(self.dataset, "data_root", None) or ""} has {available}: give it more images, or set '
                f'num_images to 1..{available}')
        self._order: tuple[tuple[int, ...], np.ndarray] | None = None

    @property
    def metainfo(self) -> dict:
        """That of the images."""
        return self.dataset.metainfo

    def __len__(self) -> int:
        return len(self.dataset) // self.num_images

    def members(self, draw: tuple[int, ...], index: int) -> list[int]:
        """Indices of the M images of a group; ``draw`` is ``(seed, epoch)``."""
        if self._order is None or self._order[0] != draw:
            self._order = draw, _rng(draw, _SHUFFLE_STREAM).permutation(len(self.dataset))
        return self._order[1][:len(self) * self.num_images].reshape(self.num_images, -1)[:, index].tolist()

    def __getitem__(self, index: int | tuple[int, ...]) -> Any:
        draw, index = split_index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f'item {index} of {len(self)}')
        index %= len(self)
        asked = [(*draw, member) for member in self.members(draw, index)]
        group = [self.dataset[image] for image in asked]
        return self.pipeline({'group': group, 'rng': _rng([*draw, index], _ITEM_STREAM)})
