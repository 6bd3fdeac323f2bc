"""How well regions keep to the classes of a label map, for region maps of any origin."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

IGNORE = 255


def _overlap(regions: np.ndarray, labels: np.ndarray, ignore: int) -> tuple[np.ndarray, np.ndarray]:
    """(R, C) pixels of region r with class c, and (R,) labelled pixels of each region; unlabelled pixels left out."""
    if regions.shape != labels.shape:
        raise ValueError(f'the region map is {regions.shape}, the label map {labels.shape}; they must match')
    valid = labels != ignore
    _, region = np.unique(regions[valid], return_inverse=True)
    label = labels[valid].astype(np.int64)
    number, classes = int(region.max(initial=-1)) + 1, int(label.max(initial=-1)) + 1
    table = np.bincount(region * classes + label, minlength=number * classes).reshape(number, classes)
    return table, table.sum(axis=1)


def oracle_confusion(regions: np.ndarray, labels: np.ndarray, num_classes: int, ignore: int = IGNORE) -> np.ndarray:
    """Confusion matrix of the oracle that gives every region the class of most of its labelled pixels.

    Args:
        regions: (H, W) integer ids, any numbering.
        labels: (H, W) class ids below ``num_classes``, or ``ignore``.
        num_classes: number of classes.
        ignore: label of unlabelled pixels.

    Returns:
        (C, C) int64, rows true class, columns oracle class. Sums of it over images give the data set's oracle mIoU by
        `mean_iou`, their trace over their sum the achievable segmentation accuracy.

    Raises:
        ValueError: sizes differ or a label is out of range.
    """
    table, _ = _overlap(regions, labels, ignore)
    if table.shape[1] > num_classes:
        raise ValueError(f'label {table.shape[1] - 1} found where {num_classes} classes were expected')
    confusion = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(confusion.T, table.argmax(axis=1) if table.size else [], np.pad(
        table, ((0, 0), (0, num_classes - table.shape[1]))))
    return confusion


def mean_iou(confusion: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean over the classes that occur, and (C,) IoU per class (NaN where neither truth nor prediction holds the
    class)."""
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - np.diag(confusion)
    iou = np.full(len(confusion), np.nan)
    np.divide(np.diag(confusion), union, out=iou, where=union > 0)
    return (float(np.nanmean(iou)) if (union > 0).any() else float('nan')), iou


def achievable_accuracy(regions: np.ndarray, labels: np.ndarray, ignore: int = IGNORE) -> float:
    """Share of the labelled pixels whose class is the majority class of their region (achievable segmentation
    accuracy).

    Example:
        >>> achievable_accuracy(np.array([[0, 0, 0, 1]]), np.array([[0, 0, 1, 1]]))
        0.75
    """
    table, area = _overlap(regions, labels, ignore)
    return float(table.max(axis=1).sum() / area.sum()) if area.sum() else float('nan')


def under_segmentation_error(regions: np.ndarray, labels: np.ndarray, ignore: int = IGNORE) -> float:
    """Under-segmentation error of Neubert and Protzel (2012): Σ over regions and classes of min(inside, outside)
    / labelled pixels.

    For each class that a region overlaps, the smaller of its pixels inside and outside the class counts. 0 is best.

    Example:
        >>> under_segmentation_error(np.array([[0, 0, 0, 1]]), np.array([[0, 0, 1, 1]]))
        0.5
    """
    table, area = _overlap(regions, labels, ignore)
    return float(np.minimum(table, area[:, None] - table).sum() / area.sum()) if area.sum() else float('nan')


def _borders(ids: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
    """Pixels with a right or lower neighbour of another id; only between valid pixels, if given."""
    border = np.zeros(ids.shape, bool)
    for here, there in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        differ = ids[here] != ids[there]
        if valid is not None:
            differ &= valid[here] & valid[there]
        border[here] |= differ
    return border


def boundary_recall(regions: np.ndarray, labels: np.ndarray, tolerance: int = 2, ignore: int = IGNORE) -> float:
    """Share of the class borders with a region border within ``tolerance`` pixels (Chebyshev); NaN without class
    borders.

    Example:
        >>> labels = np.array([[0, 0, 1, 1]])
        >>> boundary_recall(np.array([[0, 0, 1, 1]]), labels, 0), boundary_recall(np.zeros((1, 4), int), labels, 0)
        (1.0, 0.0)
    """
    if regions.shape != labels.shape:
        raise ValueError(f'the region map is {regions.shape}, the label map {labels.shape}; they must match')
    truth = _borders(labels, labels != ignore)
    if not truth.any():
        return float('nan')
    near = _borders(regions)
    for axis in (0, 1):
        reach = near.copy()
        for shift in range(1, tolerance + 1):
            ahead, behind = (np.s_[:-shift], np.s_[shift:]) if axis == 0 else (np.s_[:, :-shift], np.s_[:, shift:])
            reach[ahead] |= near[behind]
            reach[behind] |= near[ahead]
        near = reach
    return float(near[truth].mean())


@dataclass
class RegionQuality:
    """Region quality over a data set: add images one by one, then read `summary`.

    Attributes:
        num_classes: number of classes of the labels.
        tolerance: of the boundary recall, in pixels.
        ignore: label of unlabelled pixels.
    """

    num_classes: int
    tolerance: int = 2
    ignore: int = IGNORE
    confusion: np.ndarray = field(init=False)
    rows: list[tuple[float, float, float]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.confusion = np.zeros((self.num_classes, self.num_classes), np.int64)

    def add(self, regions: np.ndarray, labels: np.ndarray) -> None:
        """Take in one image: (H, W) region ids and (H, W) class ids."""
        self.confusion += oracle_confusion(regions, labels, self.num_classes, self.ignore)
        self.rows.append((
            float(len(np.unique(regions))),
            under_segmentation_error(regions, labels, self.ignore),
            boundary_recall(regions, labels, self.tolerance, self.ignore)))

    def summary(self) -> dict:
        """``images``, ``count_mean``, ``count_max``, ``oracle_miou``, ``oracle_iou`` (per class, None where absent),
        ``under_segmentation`` and ``boundary_recall`` (means over images), ``asa`` (over all pixels)."""
        miou, iou = mean_iou(self.confusion)
        rows = np.array(self.rows).reshape(-1, 3)

        def mean(column: int) -> float:
            values = rows[~np.isnan(rows[:, column]), column]
            return float(values.mean()) if len(values) else float('nan')

        return {
            'images': len(rows),
            'count_mean': mean(0),
            'count_max': int(rows[:, 0].max()),
            'oracle_miou': miou,
            'oracle_iou': [None if np.isnan(value) else round(float(value), 4) for value in iou],
            'under_segmentation': mean(1),
            'boundary_recall': mean(2),
            'asa': float(np.trace(self.confusion) / max(self.confusion.sum(), 1)),
        }
