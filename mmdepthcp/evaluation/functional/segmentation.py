"""Scores of a segmentation whose clusters carry no names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.scores import Score

MATCH_BY = ('iou', 'count')
TIE = 1e-12  # decides between matchings of equal worth only


class MatchedScores(NamedTuple):
    """Scores after matching clusters to classes one to one.

    Attributes:
        accuracy: pixels whose cluster is matched to their class, over all labelled pixels, 0..1.
        mean_iou: mean of ``class_iou`` over the classes that are not NaN, 0..1.
        class_iou: (C,) 0..1; 0 for a class without a cluster; NaN for a class that neither occurs in the
            labels nor has a cluster with labelled pixels.
        class_of_cluster: (K,) int64, −1 for a cluster without a class.
        match_by: what the matching maximised; 'class': nothing was matched.
    """

    accuracy: float
    mean_iou: float
    class_iou: np.ndarray
    class_of_cluster: np.ndarray
    match_by: str


def cluster_confusion(
    clusters: np.ndarray, labels: np.ndarray, num_classes: int, ignore_index: int = 255, num_clusters: int = 0,
) -> np.ndarray:
    """Count pixels by cluster and class.

    Args:
        clusters: integer array, 0 or larger.
        labels: integer array of the same shape: 0..num_classes−1 or ``ignore_index``.
        num_clusters: how many there are at least, seen here or not.

    Returns:
        (largest cluster + 1 or ``num_clusters``, whichever is more; num_classes) int64.

    Raises:
        InputError: the shapes differ or a label is neither a class nor ignored.
    """
    if clusters.shape != labels.shape:
        raise InputError(f'the prediction has shape {clusters.shape}, the label {labels.shape}')
    labelled = labels != ignore_index
    clusters, labels = clusters[labelled].astype(np.int64), labels[labelled].astype(np.int64)
    if not len(labels):
        return np.zeros((num_clusters, num_classes), np.int64)
    if labels.min() < 0 or labels.max() >= num_classes:
        raise InputError(
            f'the label holds {labels.min()}..{labels.max()}, but classes are 0..{num_classes - 1} and '
            f'{ignore_index} is ignored')
    rows = max(clusters.max() + 1, num_clusters)
    counts = np.bincount(clusters * num_classes + labels, minlength=rows * num_classes)
    return counts.reshape(-1, num_classes)


def nearest(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A map at another size: the pixel that the centre of each new one falls on.

    Args:
        pixels: (H, W).
        size: width and height of the result.

    Example:
        >>> nearest(np.array([[1, 2, 3, 4]]), (2, 1)).tolist()
        [[2, 4]]
    """
    width, height = size
    rows = (2 * np.arange(height) + 1) * pixels.shape[0] // (2 * height)
    columns = (2 * np.arange(width) + 1) * pixels.shape[1] // (2 * width)
    return pixels[rows[:, None], columns]


def protocol_name(protocol: str | None, score_size: tuple[int, int] | None = None) -> str:
    """What scores are called by: ``cityscapes19``, or ``cityscapes19@768x384`` where labels are resized.

    Example:
        >>> protocol_name('cityscapes19', (768, 384))
        'cityscapes19@768x384'
    """
    return (protocol or 'unsup') + (f'@{score_size[0]}x{score_size[1]}' if score_size else '')


def add_confusions(confusions: Iterable[np.ndarray]) -> np.ndarray:
    """Add (K_i, C) confusion matrices with different numbers of clusters."""
    confusions = list(confusions)
    total = np.zeros((max(len(matrix) for matrix in confusions), confusions[0].shape[1]), np.int64)
    for matrix in confusions:
        total[:len(matrix)] += matrix
    return total


def match_and_score(confusion: np.ndarray, match_by: str = 'iou') -> MatchedScores:
    """Match clusters to classes one to one by the Hungarian method, and score the result.

    With more clusters than classes the pixels of the clusters left over are wrong; with fewer, the classes
    left over have an IoU of 0. Of several best matchings the one is taken that leaves classes without labels to
    clusters without pixels, so that they do not count. Scores do not depend on how clusters are numbered.

    Args:
        confusion: (K, C) pixels by cluster and class over the whole set.
        match_by: what the matching maximises: 'iou', the sum of IoU (Zeng et al., BMVC 2022), or 'count', the matched
            pixels (PiCIE, Cho et al., CVPR 2021; STEGO, Hamilton et al., ICLR 2022).

    Raises:
        InputError: there is no labelled pixel, or ``match_by`` is unknown.

    Example:
        >>> scores = match_and_score(np.array([[10, 2, 50], [40, 5, 0], [1, 30, 4]]))
        >>> scores.class_of_cluster.tolist(), round(100 * scores.accuracy, 4), round(100 * scores.mean_iou, 4)
        ([2, 0, 1], 84.507, 72.8716)
        >>> undecided = np.array([[10, 30, 40], [0, 10, 20], [0, 10, 0]])
        >>> [match_and_score(undecided, by).class_of_cluster.tolist() for by in ('count', 'iou')]
        [[2, 1, 0], [0, 2, 1]]
    """
    if match_by not in MATCH_BY:
        raise InputError(f'match_by={match_by!r}: must be one of {", ".join(MATCH_BY)}')
    if not confusion.sum():
        raise InputError('no labelled pixel to score: every label is ignored')
    order = np.lexsort(confusion.T)[::-1]  # any numbering of the clusters becomes this one
    confusion = confusion[order]
    cluster_pixels, class_pixels = confusion.sum(1), confusion.sum(0)
    union = cluster_pixels[:, None] + class_pixels - confusion
    iou = confusion / np.maximum(union, 1)
    needless = (cluster_pixels[:, None] > 0) & (class_pixels == 0)  # would make an absent class count, with 0
    worth = iou if match_by == 'iou' else confusion / confusion.sum()
    matched_clusters, matched_classes = linear_sum_assignment(worth - TIE * needless, maximize=True)
    return _scores(confusion, matched_clusters, matched_classes, order, match_by)


def score_classes(confusion: np.ndarray) -> MatchedScores:
    """Score a prediction of classes.

    Args:
        confusion: (C, C) pixels by predicted and true class over the whole set.

    Raises:
        InputError: there is no labelled pixel.

    Example:
        >>> round(score_classes(np.array([[3, 1], [0, 4]])).mean_iou, 4)  # (3/4 + 4/5) / 2
        0.775
    """
    if not confusion.sum():
        raise InputError('no labelled pixel to score: every label is ignored')
    classes = np.arange(len(confusion))
    return _scores(confusion, classes, classes, classes, 'class')


def _scores(confusion: np.ndarray, clusters: np.ndarray, classes: np.ndarray, numbers: np.ndarray,
            match_by: str) -> MatchedScores:
    """Scores of pairs of clusters and classes; ``numbers`` are those of the clusters, by row of ``confusion``."""
    cluster_pixels, class_pixels = confusion.sum(1), confusion.sum(0)
    class_of_cluster = np.full(len(confusion), -1, np.int64)
    class_of_cluster[numbers[clusters]] = classes
    class_iou = np.where(class_pixels > 0, 0.0, np.nan)
    for cluster, label in zip(clusters, classes, strict=True):
        if union := cluster_pixels[cluster] + class_pixels[label] - confusion[cluster, label]:
            class_iou[label] = confusion[cluster, label] / union
    return MatchedScores(
        accuracy=float(confusion[clusters, classes].sum() / confusion.sum()),
        mean_iou=float(np.nanmean(class_iou)),
        class_iou=class_iou,
        class_of_cluster=class_of_cluster,
        match_by=match_by)


def score_record(
    scores: MatchedScores, classes: Sequence[str], protocol: str, images: int,
    beside: Mapping[str, MatchedScores] | None = None,
) -> tuple[list[Score], dict[str, Any]]:
    """What is written down of matched scores, and of others on the same features beside them.

    Returns:
        ``Acc`` and ``mIoU``, and ``<name>_Acc``, ``<name>_mIoU`` of those beside, as fractions; and what is to be known
        of the first two, with the IoU of each class, None for a class without IoU.
    """
    iou = (None if np.isnan(value) else float(value) for value in scores.class_iou)
    about = dict(
        match_by=scores.match_by,
        images=images,
        class_iou=dict(zip(classes, iou, strict=True)),
        class_of_cluster=scores.class_of_cluster.tolist())
    found = dict(Acc=scores.accuracy, mIoU=scores.mean_iou)
    for name, other in (beside or {}).items():
        found.update({f'{name}_Acc': other.accuracy, f'{name}_mIoU': other.mean_iou})
    return [Score(name, value, protocol=protocol) for name, value in found.items()], about
