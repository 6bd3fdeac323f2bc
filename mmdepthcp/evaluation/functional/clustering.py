"""Unsupervised segmentation: clusters of prototypes, the cluster of every pixel, and a baseline without learning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

CHUNK_PIXELS = 16384
STARTS = 10


def cluster_prototypes(prototypes: np.ndarray, num_clusters: int) -> np.ndarray:
    """Cluster prototypes by average-linkage agglomerative clustering with cosine distance (Zeng et al.,
    BMVC 2022).

    Args:
        prototypes: (K, D), none of them zero.
        num_clusters: 1..K.

    Returns:
        (K,) int64 cluster of every prototype, 0..num_clusters−1.

    Example:
        >>> cluster_prototypes(np.array([[1, 0], [0.9, 0.1], [0, 1]]), 2).tolist()
        [0, 0, 1]
    """
    from sklearn.cluster import AgglomerativeClustering

    if len(prototypes) == 1:
        return np.zeros(1, np.int64)
    clustering = AgglomerativeClustering(n_clusters=num_clusters, metric='cosine', linkage='average')
    return clustering.fit_predict(prototypes).astype(np.int64)


def cluster_features(features: np.ndarray, num_clusters: int) -> np.ndarray:
    """Cluster mean features like :func:`cluster_prototypes`, by their directions from their common mean.

    What all features share says nothing about clusters and makes all cosines alike, so it is taken out first.

    Args:
        features: (K, D), none of them zero; their lengths do not count.
        num_clusters: 1..K.

    Returns:
        (K,) int64 cluster of every feature, 0..num_clusters−1.
    """
    directions = features / np.linalg.norm(features, axis=1, keepdims=True)
    centred = directions - directions.mean(0)
    at_the_mean = ~centred.any(1)
    return cluster_prototypes(np.where(at_the_mean[:, None], directions, centred), num_clusters)


def cluster_areas(sums: np.ndarray, num_clusters: int) -> np.ndarray:
    """Cluster sums of features by k-means on their directions from their common mean, each with its length as weight.

    A sum over many pixels weighs more than one over few; :func:`cluster_features`, where all count alike, may give
    a cluster to a few that lie apart.

    Args:
        sums: (K, D), none of them zero.
        num_clusters: 1..K.

    Returns:
        (K,) int64 cluster of every sum, 0..num_clusters−1.

    Example:
        >>> found = cluster_areas(np.array([[90., 0, 0], [0, 80, 0], [0, 70, 9], [0, 0, 1]]), 2)
        >>> [bool(cluster == found[1]) for cluster in found]
        [False, True, True, False]
    """
    from sklearn.cluster import KMeans

    areas = np.linalg.norm(sums, axis=1)
    centred = sums / areas[:, None] - sums.sum(0) / areas.sum()
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    directions = np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > 0)
    found = KMeans(num_clusters, n_init=STARTS, random_state=0).fit(directions, sample_weight=areas)
    return found.labels_.astype(np.int64)


def _taps(size_in: int, size_out: int, covered: float, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Lower and upper source index and the upper one's weight for bilinear resizing along one side."""
    import torch

    centres = torch.arange(size_out, device=like.device, dtype=like.dtype) + 0.5
    position = (centres * (size_in * covered / size_out) - 0.5).clamp(0, size_in - 1)
    low = position.long()
    return low, (low + 1).clamp_max(size_in - 1), position - low


def assign_clusters(
    features: Tensor,
    prototypes: Tensor,
    clusters: Tensor,
    size: Sequence[int],
    covered: Sequence[float] = (1.0, 1.0),
) -> Tensor:
    """Resize a feature map bilinearly and give every pixel the cluster of the prototype with the largest
    cosine.

    Pixels are worked off in strips, so memory does not grow with pixels × prototypes. Resizing and products with the
    prototypes may be exchanged: where there are no more prototypes than channels, the products are resized. The
    features need not be normalised: their length does not change which prototype is best.

    Args:
        features: (D, h, w) float.
        prototypes: (K, D), L2-normalised; else the one with the largest product counts.
        clusters: (K,) int64 cluster of every prototype.
        size: (H, W) of the result.
        covered: share of the map's height and width, from the top left, that the result shows (1 without
            padding).

    Returns:
        (H, W) int64.
    """
    import torch

    few_prototypes = len(prototypes) <= len(features)
    if few_prototypes:
        features = (prototypes @ features.flatten(1)).view(-1, *features.shape[1:])
    return torch.cat([clusters[(pixels if few_prototypes else prototypes @ pixels).argmax(0)]
                      for pixels in _strips(features, size, covered)]).view(*size)


def cluster_log_probabilities(
    features: Tensor,
    directions: Tensor,
    clusters: Tensor,
    size: Sequence[int],
    covered: Sequence[float] = (1.0, 1.0),
    sharpness: float = 1.0,
) -> Tensor:
    """Resize a feature map bilinearly and give every pixel the log probability of each cluster: log softmax of its
    largest cosine with a direction of the cluster (Hamilton et al., ICLR 2022).

    Args:
        features, directions, clusters, size, covered: see :func:`assign_clusters`.
        sharpness: factor of the cosines.

    Returns:
        (number of clusters, H, W).
    """
    import torch
    import torch.nn.functional as F

    strips = []
    for pixels in _strips(features, size, covered):
        cosines = directions @ F.normalize(pixels, dim=0)
        best = cosines.new_full((int(clusters.max()) + 1, pixels.shape[1]), -torch.inf)
        best.scatter_reduce_(0, clusters[:, None].expand_as(cosines), cosines, 'amax')
        strips.append((sharpness * best).log_softmax(0))
    return torch.cat(strips, 1).view(-1, *size)


def class_log_probabilities(
    features: Tensor,
    weights: Tensor,
    biases: Tensor,
    size: Sequence[int],
    covered: Sequence[float] = (1.0, 1.0),
) -> Tensor:
    """The same by a linear classifier: (number of classes, H, W).

    Args:
        features, size, covered: see :func:`assign_clusters`.
        weights: (C, D).
        biases: (C,).
    """
    import torch

    scores = (weights @ features.flatten(1) + biases[:, None]).view(-1, *features.shape[1:])
    return torch.cat([pixels.log_softmax(0) for pixels in _strips(scores, size, covered)], 1).view(-1, *size)


def _strips(features: Tensor, size: Sequence[int], covered: Sequence[float]) -> Iterator[Tensor]:
    """The pixels (D, n) of a map resized bilinearly, some rows at a time."""
    import torch

    rows_out, columns_out = size
    left, right, share = _taps(features.shape[2], columns_out, covered[1], features)
    wide = torch.lerp(features[:, :, left], features[:, :, right], share)
    top, bottom, weight = _taps(features.shape[1], rows_out, covered[0], features)
    strip = max(1, CHUNK_PIXELS // columns_out)
    for start in range(0, rows_out, strip):
        rows = slice(start, start + strip)
        yield torch.lerp(wide[:, top[rows]], wide[:, bottom[rows]], weight[rows, None]).flatten(1)


def colour_position_features(image: np.ndarray) -> np.ndarray:
    """CIELAB colour and position of every pixel.

    Args:
        image: (H, W, 3) uint8 BGR.

    Returns:
        (H, W, 5) float32: L in 0..100, a, b, and x, y of the pixel centre in 0..1.
    """
    import cv2

    height, width = image.shape[:2]
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)
    y, x = np.indices((height, width), np.float32)
    return np.dstack([lab, (x + 0.5) / width, (y + 0.5) / height])
