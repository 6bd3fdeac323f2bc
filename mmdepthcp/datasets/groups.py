"""Groups of images: those that are mixed with each other, those that are alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import Compose
from mmengine.dataset import BaseDataset

from mmdepthcp.datasets.crops import image_names
from mmdepthcp.datasets.feature_cache import FeatureCache
from mmdepthcp.datasets.seeded import split_index
from mmdepthcp.registry import DATASETS
from mmdepthcp.sampling import read_neighbours
from mmdepthcp.utils.errors import InputError

_SHUFFLE_STREAM, _ITEM_STREAM = 1, 2


def _rng(entropy: Sequence[int], stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=(stream,)))


class SeededGroupDataset:
    """Groups of images of a data set, functions of (seed, epoch, index), see :class:`EpochSampler`.

    The members go through the inner data set's pipeline, the group through ``pipeline`` as ``dict(group=[results,
    ...], rng=Generator)``. What derives from this says which images belong together (:meth:`members`).

    Args:
        dataset: The data set of images, config or object, asked by ``(seed, epoch, index)``
            (:class:`SeededDataset`).
        pipeline: Transforms of the group.
    """

    def __init__(self, dataset: dict | BaseDataset, pipeline: Sequence = ()) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        self.pipeline = Compose(pipeline)

    @property
    def metainfo(self) -> dict:
        """That of the images."""
        return self.dataset.metainfo

    def __len__(self) -> int:
        return len(self.dataset)

    def members(self, draw: tuple[int, ...], index: int, rng: np.random.Generator) -> list[int]:
        """Indices of the images of a group.

        Args:
            draw: ``(seed, epoch)``.
            index: of the group.
            rng: of the group.
        """
        raise NotImplementedError

    def __getitem__(self, index: int | tuple[int, ...]) -> Any:
        draw, index = split_index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f'item {index} of {len(self)}')
        index %= len(self)
        rng = _rng([*draw, index], _ITEM_STREAM)
        asked = [(*draw, member) for member in self.members(draw, index, rng)]
        return self.pipeline({'group': [self.member(image) for image in asked], 'rng': rng})

    def loaded(self, draw: tuple[int, ...], index: int) -> list[dict[str, Any]]:
        """What the pipeline of the images makes of each image of a group."""
        rng = _rng([*draw, index], _ITEM_STREAM)
        asked = [(*draw, member) for member in self.members(draw, index, rng)]
        return [self.dataset[image] for image in asked]

    def member(self, asked: tuple[int, ...]) -> dict[str, Any]:
        """What the pipeline of the images makes of one, asked by ``(seed, epoch, index)``."""
        return self.dataset[asked]


@DATASETS.register_module()
class ImageGroupDataset(SeededGroupDataset):
    """Groups of M different images of a data set.

    In every epoch the images are shuffled and cut into M slices of N // M images; item i is the i-th of each
    slice (Zeng et al., BMVC 2022), so that every image occurs once, but for the remainder of N / M.

    Args:
        dataset: See :class:`SeededGroupDataset`.
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
        super().__init__(dataset, pipeline)
        self.num_images = num_images
        available = len(self.dataset)
        if not 1 <= num_images <= available:
            raise InputError(
                f'num_images={num_images} images make a group, but the data set '
                f'{getattr(self.dataset, "data_root", None) or ""} has {available}: give it more images, or set '
                f'num_images to 1..{available}')
        self._order: tuple[tuple[int, ...], np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.dataset) // self.num_images

    def members(self, draw: tuple[int, ...], index: int, rng: np.random.Generator) -> list[int]:
        """The M images of a group, one of each slice of the shuffled data set."""
        if self._order is None or self._order[0] != draw:
            self._order = draw, _rng(draw, _SHUFFLE_STREAM).permutation(len(self.dataset))
        return self._order[1][:len(self) * self.num_images].reshape(self.num_images, -1)[:, index].tolist()


@DATASETS.register_module()
class NeighbourPairDataset(SeededGroupDataset):
    """Pairs of an image and one of those that are most alike (Hamilton et al., ICLR 2022).

    Args:
        dataset: See :class:`SeededGroupDataset`.
        neighbours: File of ``tools/nearest_neighbours.py``.
        ranks: First and last rank of the neighbours to draw from; rank 0 is the image itself.
        centred: Whether they were found with the mean of all features taken out, that is without ``--raw``
            (:class:`mmdepthcp.engine.hooks.NeighbourCheckHook`).
        cache: Folder of ``tools/cache_features.py``, to train on the features that it keeps: no image is read. None:
            read images.
        pipeline: Transforms of the pair.

    Raises:
        InputError: a file is missing or of other images, or has too few neighbours.
    """

    def __init__(self, dataset: dict | BaseDataset, neighbours: str, ranks: tuple[int, int] = (1, 7),
                 centred: bool = True, cache: str | None = None, pipeline: Sequence = ()) -> None:
        super().__init__(dataset, pipeline)
        self.names = image_names(self.dataset)
        self.cache = None if cache is None else FeatureCache(cache, self.names)
        self.ranks = ranks
        self.neighbour_file, self.centred = neighbours, centred
        self.neighbours = read_neighbours(neighbours, self.names)
        if not 0 < ranks[0] <= ranks[1] < self.neighbours.shape[1]:
            raise InputError(f'{neighbours}: has {self.neighbours.shape[1] - 1} neighbours of each image, ranks='
                             f'{tuple(ranks)} asks for others')

    def members(self, draw: tuple[int, ...], index: int, rng: np.random.Generator) -> list[int]:
        """An image and one of its neighbours."""
        return [index, int(self.neighbours[index, rng.integers(self.ranks[0], self.ranks[1] + 1)])]

    def member(self, asked: tuple[int, ...]) -> dict[str, Any]:
        """See :class:`SeededGroupDataset`; from the cache, ``view`` (:func:`mmdepthcp.datasets.transforms.view_of`)."""
        if self.cache is None:
            return super().member(asked)
        return dict(view=self.cache[asked[-1]], img_path=self.names[asked[-1]])
