"""The data sets and classes that segmentation without labels is usually scored on (Ji et al., "Invariant Information
Clustering", ICCV 2019; Hamilton et al., "STEGO", ICLR 2022).
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from typing import Any

from mmdepthcp.datasets.street import StreetDataset
from mmdepthcp.registry import DATASETS

CITYSCAPES_27 = {
    'road': [128, 64, 128], 'sidewalk': [244, 35, 232], 'parking': [250, 170, 160], 'rail track': [230, 150, 140],
    'building': [70, 70, 70], 'wall': [102, 102, 156], 'fence': [190, 153, 153], 'guard rail': [180, 165, 180],
    'bridge': [150, 100, 100], 'tunnel': [150, 120, 90], 'pole': [153, 153, 153], 'polegroup': [153, 153, 153],
    'traffic light': [250, 170, 30], 'traffic sign': [220, 220, 0], 'vegetation': [107, 142, 35],
    'terrain': [152, 251, 152], 'sky': [70, 130, 180], 'person': [220, 20, 60], 'rider': [255, 0, 0],
    'car': [0, 0, 142], 'truck': [0, 0, 70], 'bus': [0, 60, 100], 'caravan': [0, 0, 90], 'trailer': [0, 0, 110],
    'train': [0, 80, 100], 'motorcycle': [0, 0, 230], 'bicycle': [119, 11, 32]}
"""Class → colour; class k has the label id 7 + k."""
FIRST_ID, NUM_IDS = 7, 34

COCO_STUFF_27 = {
    'electronic': '71-76', 'appliance': '77-82', 'food': '51-60', 'furniture': '61-70', 'indoor': '83-90',
    'kitchen': '43-50', 'accessory': '25-32', 'animal': '15-24', 'outdoor': '9-14', 'person': '0', 'sports': '33-42',
    'vehicle': '1-8', 'ceiling': '101-102', 'floor': '100 113-117', 'food stuff': '120-121 152 169',
    'furniture stuff': '97 106-107 109 111 122 129 132 155 160 164', 'raw material': '99 131 138 142',
    'textile': '91-92 103-104 108 130 136 140 151 166-167', 'wall': '170-176', 'window': '179-180',
    'building': '94-95 127 150 157 165', 'ground': '110 124-125 135 139 143-144 146 148 153 158',
    'plant': '93 96 118 123 128 133 141 162 168', 'sky': '105 156', 'solid': '126 134 149 159 161 181',
    'structural': '98 112 137 145 163', 'water': '119 147 154 177-178'}
"""Class → which of the 182 ids of COCO-Stuff belong to it."""


def ids_of(text: str) -> list[int]:
    """The numbers of a list such as ``'100 113-117'``.

    Example:
        >>> ids_of('5 7-9')
        [5, 7, 8, 9]
    """
    ends = [list(map(int, part.split('-'))) for part in text.split()]
    return [number for first, *last in ends for number in range(first, (last or [first])[0] + 1)]


def wheel(number: int) -> list[list[int]]:
    """Colours (R, G, B) that differ."""
    return [[round(255 * part) for part in colorsys.hsv_to_rgb(index / number, 1 - index % 2 / 3, 1 - index % 3 / 4)]
            for index in range(number)]


@DATASETS.register_module()
class Cityscapes27Dataset(StreetDataset):
    """Cityscapes with the 27 classes of the label ids 7 to 33 (Cordts et al., CVPR 2016); the ids below are ignored.

    ``img_path`` is ``leftImg8bit/<split>``, ``seg_map_path`` ``gtFine/<split>``.
    """

    METAINFO = dict(classes=tuple(CITYSCAPES_27), palette=list(CITYSCAPES_27.values()), protocol='cityscapes27')
    LABEL_IDS = {label: label - FIRST_ID if label >= FIRST_ID else 255 for label in range(NUM_IDS)}

    def __init__(self, img_suffix: str | Sequence[str] = ('_leftImg8bit.png', '_leftImg8bit.jpg'),
                 seg_map_suffix: str = '_gtFine_labelIds.png', **kwargs: Any) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)


@DATASETS.register_module()
class COCOStuff27Dataset(StreetDataset):
    """COCO-Stuff with 27 coarse classes (Caesar et al., CVPR 2018; Ji et al., ICCV 2019).

    ``img_path`` is ``train2017`` or ``val2017``, ``seg_map_path`` ``stuffthingmaps/<the same>``, ``ann_file`` one of
    the lists of Ji et al.: ``Coco164kFull_Stuff_Coarse.txt``, ``Coco164kFull_Stuff_Coarse_7.txt``.
    """

    METAINFO = dict(classes=tuple(COCO_STUFF_27), palette=wheel(len(COCO_STUFF_27)), protocol='coco27')
    LABEL_IDS = {label: index for index, ids in enumerate(COCO_STUFF_27.values()) for label in ids_of(ids)}


@DATASETS.register_module()
class Potsdam3Dataset(StreetDataset):
    """Potsdam with 3 of its classes made of 6 (ISPRS; Ji et al., ICCV 2019), as
    ``tools/dataset_converters/potsdam3.py`` lays it out: ``images/<split>``, ``labels/<split>``.
    """

    METAINFO = dict(classes=('road and car', 'building and clutter', 'vegetation and tree'),
                    palette=[[128, 64, 128], [70, 70, 70], [107, 142, 35]], protocol='potsdam3')
    LABEL_IDS = {0: 0, 4: 0, 1: 1, 5: 1, 2: 2, 3: 2}
