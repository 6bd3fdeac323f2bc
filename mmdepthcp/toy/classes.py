"""The classes of toy streets: a subset of those of Cityscapes."""

from __future__ import annotations

TOY_CLASSES: tuple[str, ...] = (
    'road',
    'sidewalk',
    'building',
    'pole',
    'traffic sign',
    'vegetation',
    'terrain',
    'sky',
    'person',
    'car',
)
"""Names, in the order of the train ids."""

TOY_TRAIN_IDS: tuple[int, ...] = (0, 1, 2, 5, 7, 8, 9, 10, 11, 13)
"""Cityscapes train id of each class."""

TOY_LABEL_IDS: tuple[int, ...] = (7, 8, 11, 17, 20, 21, 22, 23, 24, 26)
"""Cityscapes label id (the ids of ``*_labelIds.png``) of each class."""

TOY_THINGS: tuple[str, ...] = ('person', 'car')
"""Classes whose objects are told apart in ``*_instanceIds.png``."""
