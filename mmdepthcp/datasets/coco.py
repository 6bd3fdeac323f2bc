"""Object masks: from instance ids in 16-bit PNGs to COCO annotations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

CITYSCAPES_THINGS: tuple[str, ...] = (
    'person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle')
"""Classes whose objects are scored (Cordts et al., CVPR 2016)."""

CITYSCAPES_THING_IDS: tuple[int, ...] = (24, 25, 26, 27, 28, 31, 32, 33)
"""Cityscapes label id of each."""


class Encoding(NamedTuple):
    """How a value v of a 16-bit image tells label id and object.

    Attributes:
        divisor: label = v // divisor, object = v mod divisor.
        plain_labels: values below the divisor are label ids of things that were not told apart (Cityscapes);
            otherwise those are the values with object 0 (KITTI).
    """

    divisor: int
    plain_labels: bool


ENCODINGS: dict[str, Encoding] = {
    'cityscapes': Encoding(1000, plain_labels=True),
    'kitti': Encoding(256, plain_labels=False),
}


class ObjectMask(NamedTuple):
    """One object, or several that were not told apart.

    Attributes:
        label: label id.
        crowd: whether it may be several objects.
        mask: (H, W) bool.
    """

    label: int
    crowd: bool
    mask: np.ndarray


def object_masks(ids: np.ndarray, encoding: Encoding, labels: Mapping[int, Any]) -> Iterator[ObjectMask]:
    """The objects of an image in the order of their ids.

    Args:
        ids: (H, W) integers.
        encoding: what they mean.
        labels: label ids of the classes wanted; objects of others are left out.
    """
    for value in np.unique(ids).tolist():
        label, number = divmod(value, encoding.divisor)
        crowd = number == 0 and not encoding.plain_labels
        if encoding.plain_labels and value < encoding.divisor:
            label, crowd = value, True
        if label in labels:
            yield ObjectMask(label, crowd, ids == value)


def bounding_box(mask: np.ndarray) -> list[float]:
    """[left, top, width, height] in pixels of a mask (H, W) with at least one pixel."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return [float(columns[0]), float(rows[0]), float(columns[-1] - columns[0] + 1), float(rows[-1] - rows[0] + 1)]


def coco_annotations(
    ids: np.ndarray, encoding: Encoding, labels: Mapping[int, Any], smallest: int = 1) -> list[dict]:
    """COCO annotations of an image, without ``id`` and ``image_id``: mask as RLE, box, area, class, crowd.

    Args:
        ids: (H, W) integers.
        encoding: what they mean.
        labels: label ids of the classes wanted, which become the category ids.
        smallest: objects of fewer pixels count as crowds: not learnt as objects, not scored.
    """
    from pycocotools.mask import encode

    annotations = []
    for item in object_masks(ids, encoding, labels):
        rle = encode(np.asfortranarray(item.mask, dtype=np.uint8))
        area = int(item.mask.sum())
        annotations.append(dict(
            category_id=item.label, iscrowd=int(item.crowd or area < smallest), area=area,
            bbox=bounding_box(item.mask),
            segmentation=dict(size=list(rle['size']), counts=rle['counts'].decode('ascii'))))
    return annotations
