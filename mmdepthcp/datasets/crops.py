"""Crops of images as images of their own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import Compose
from mmengine.dataset import BaseDataset

from mmdepthcp.datasets.seeded import split_index
from mmdepthcp.datasets.transforms.geometry import MAPS
from mmdepthcp.registry import DATASETS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.views.five import NUMBER, crop_share, five_boxes

CROPPED = ('img', 'gt_seg_map', *MAPS)


@DATASETS.register_module()
class FiveCropDataset:
    """The corners and the centre of every image of a data set, cut out when they are asked for (Hamilton et al., ICLR
    2022, cut them once and store them as JPEG).

    Item 5 i + k is crop k of image i: top left, top right, bottom left, bottom right, centre.

    Args:
        dataset: Data set of images, asked by ``(seed, epoch, index)``; its pipeline loads what is to be cropped.
        ratio: Of a crop's sides to the image's, in (0, 1].
        pipeline: Transforms of a crop.
    """

    def __init__(self, dataset: dict | BaseDataset, ratio: float = 0.5, pipeline: Sequence = ()) -> None:
        if not 0 < ratio <= 1:
            raise InputError(f'FiveCropDataset: ratio {ratio} must lie in (0, 1]')
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        self.ratio = ratio
        self.pipeline = Compose(pipeline)

    @property
    def metainfo(self) -> dict:
        """That of the images."""
        return self.dataset.metainfo

    def __len__(self) -> int:
        return NUMBER * len(self.dataset)

    def __getitem__(self, index: int | tuple[int, ...]) -> Any:
        draw, index = split_index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f'item {index} of {len(self)}')
        image, which = divmod(index % len(self), NUMBER)
        asked = (*draw, image)
        results = self.dataset[asked]
        height, width = results['img'].shape[:2]
        box = five_boxes(height, width, self.ratio)[which]
        for key in CROPPED:
            if key in results:
                results[key] = crop_share(results[key], box, height, width)
        results.update(crop=box, img_shape=results['img'].shape[:2], ori_shape=results['img'].shape[:2],
                       rng=np.random.default_rng([*draw, index]))
        return self.pipeline(results)


def image_names(dataset: Any) -> list[str]:
    """Paths of the images of a data set, below its image folder; crops have their number after a #."""
    if isinstance(dataset, FiveCropDataset):
        return [f'{name}#{which}' for name in image_names(dataset.dataset) for which in range(NUMBER)]
    root = dataset.data_prefix['img_path'] or '.'
    return [os.path.relpath(dataset.get_data_info(index)['img_path'], root) for index in range(len(dataset))]


def item_of_image(dataset: Any, index: int) -> dict:
    """What a data set knows of the image that an item shows, or that it is a crop of: its files among it."""
    if isinstance(dataset, FiveCropDataset):
        return item_of_image(dataset.dataset, index // NUMBER)
    return dataset.get_data_info(index)
