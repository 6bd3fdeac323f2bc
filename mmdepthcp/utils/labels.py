"""From the values of a label file to class indices, and a look at what occurs in a set of labels."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from mmdepthcp.utils.errors import InputError, notice
from mmdepthcp.utils.images import read_labels

IGNORED = 255
LOOKED_AT = 16
"""Label files that are opened to see what occurs in a data set."""


def class_indices(stored: np.ndarray, label_map: Mapping[int, int] | None = None, num_classes: int = 0,
                  reduce_zero_label: bool = False) -> np.ndarray:
    """Class indices (H, W) uint8, 255 where there is no class.

    Args:
        stored: (H, W) integers of a label file.
        label_map: value → class index or 255, for all values that may occur; 255 stays 255 unless it is named.
        num_classes: number of classes; 0 if they are not known.
        reduce_zero_label: 0 means no class, and the indices begin with 1.

    Raises:
        InputError: a value is no class.
    """
    values: np.ndarray = np.arange(256)
    if reduce_zero_label:
        values = np.where(values % 255, values - 1, IGNORED)
    if label_map is not None:
        known = {IGNORED: IGNORED, **label_map}
        values = np.array([known.get(value, -1) for value in values.tolist()], np.int64)
    elif num_classes:
        values[(values >= num_classes) & (values != IGNORED)] = -1
    if stored.dtype != np.uint8 and (wrong := stored[(stored < 0) | (stored > 255)]).size:
        raise InputError(_no_class(int(wrong[0]), label_map, num_classes))
    stored = stored.astype(np.uint8)
    if cv2.LUT(stored, (values < 0).astype(np.uint8)).any():
        wrong = stored[values[stored] < 0]
        raise InputError(_no_class(int(wrong[0]), label_map, num_classes))
    return cv2.LUT(stored, values.astype(np.uint8))


def _no_class(value: int, label_map: Mapping[int, int] | None, num_classes: int) -> str:
    if label_map is not None:
        known = ', '.join(map(str, sorted(label_map)))
        return (f'holds the label {value}, but the labels of this data set are {known}, and 255 for no class; change '
                'the file, or take the data set that it belongs to')
    if not num_classes:
        return f'holds the label {value}, but class indices lie in 0..254, and 255 means no class; change the file'
    return (f'holds the label {value}, but the data set has {num_classes} classes (0..{num_classes - 1}, 255 for no '
            'class); change the file, or metainfo.classes and num_classes')


def look_at_labels(items: Sequence[Mapping[str, Any]], classes: Sequence[str], where: str) -> None:
    """Say in the log which classes do not occur in label files of a data set, and which files have no label at all.

    Up to 16 files are opened, evenly spread over the set. Those that cannot be used are passed over: they are
    complained about when they are loaded.

    Args:
        items: with ``seg_map_path``, ``label_map`` and ``reduce_zero_label``.
        classes: names of the classes.
        where: what the set is called in the log.
    """
    chosen = np.unique(np.linspace(0, len(items) - 1, min(LOOKED_AT, len(items))).round().astype(int)).tolist()
    counts, empty, looked_at = np.zeros(256, np.int64), [], 0
    for item in (items[index] for index in chosen):
        try:
            labels = class_indices(
                read_labels(item['seg_map_path']), item['label_map'], len(classes), item['reduce_zero_label'])
        except InputError:
            continue
        occurring = np.bincount(labels.ravel(), minlength=256)
        counts += occurring
        looked_at += 1
        if occurring[:IGNORED].sum() == 0:
            empty.append(item['seg_map_path'])
    absent = [name for name, count in zip(classes, counts, strict=False) if count == 0]
    looked = f'{where}: of {looked_at} label files looked at' + f' ({len(items)} in all)' * (looked_at < len(items))
    if empty:
        notice(f'{looked}, {len(empty)} have no labelled pixel, all are 255: {", ".join(empty[:3])}')
    if looked_at and absent:
        few = len(classes) - len(absent) < min(2, len(classes))
        remedy = ': where that is meant as a class, write the index of the class instead' if few else ''
        notice(f'{looked}, none has the class {", ".join(absent)}; {counts[IGNORED] / counts.sum():.0%} of the pixels '
               f'are 255, not labelled{remedy}', logging.WARNING if few else logging.INFO)
