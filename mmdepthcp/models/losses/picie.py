"""Clusters that do not depend on colours and move along with geometry: PiCIE (Cho, Mall, Bala, Hariharan, "PiCIE:
Unsupervised Semantic Segmentation using Invariance and Equivariance in Clustering", CVPR 2021).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mmdepthcp.models.ranks import total_over_ranks

WEIGHTS = ('frequency', 'balanced', None)


def nearest_centroids(features: Tensor, centroids: Tensor) -> Tensor:
    """The nearest of K centroids to each pixel: the one with the largest 2 f·c − ‖c‖².

    Args:
        features: (..., D).
        centroids: (K, D).

    Returns:
        (...) int64.

    Example:
        >>> nearest_centroids(torch.tensor([1., 0]), torch.tensor([[.9, 0], [2, 0]])).item()
        0
    """
    return (2 * features @ centroids.mT - centroids.square().sum(-1)).argmax(-1)


def moved_centroids(centroids: Tensor, counts: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
    """A step of mini-batch k-means (Sculley, WWW 2010): c ← (1 − η) c + η · mean of its new pixels, η = new pixels /
    all pixels so far. The new pixels are those of all processes.

    Args:
        centroids: (K, D).
        counts: (K,), pixels so far.
        features: (N, D), new pixels.

    Returns:
        Centroids and counts.

    Example:
        >>> centroids, counts = torch.zeros(1, 2), torch.tensor([3.])
        >>> moved, counts = moved_centroids(centroids, counts, torch.tensor([[1., 1], [3, 1]]))
        >>> [round(value, 4) for value in moved[0].tolist()], counts.item()
        ([0.8, 0.4], 5.0)
    """
    assigned = F.one_hot(nearest_centroids(features, centroids), len(centroids)).to(features.dtype)
    new, _ = total_over_ranks(assigned.sum(0))
    sums, _ = total_over_ranks(assigned.mT @ features)
    together = counts + new
    return centroids + (sums - new[:, None] * centroids) / together.clamp(min=1)[:, None], together


def cluster_weights(counts: Tensor, kind: str | None) -> Tensor:
    """Weights (K,) of clusters in the loss.

    Args:
        counts: (K,) pixels of each cluster.
        kind: 'frequency', n / Σn, as the published code has it, which weighs frequent clusters up; 'balanced', inverse
            to it, of mean 1; None: all alike.

    Example:
        >>> cluster_weights(torch.tensor([1., 3]), 'balanced').tolist()
        [1.5, 0.5]
    """
    if kind is None:
        return torch.ones_like(counts)
    shares = counts.clamp(min=1) / counts.sum().clamp(min=1)
    return shares if kind == 'frequency' else shares.reciprocal() / shares.reciprocal().mean()


def weighted_cross_entropy(features: Tensor, centroids: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Cross entropy of plain products with centroids, without temperature; the weighted mean over the pixels of all
    processes.

    Args:
        features: (B, D, h, w).
        centroids: (K, D).
        labels: (B, h, w) int64.
        weights: (K,) of labels.

    Example:
        >>> pixel = torch.tensor([1., 0]).view(1, 2, 1, 1)
        >>> label = torch.zeros(1, 1, 1, dtype=torch.int64)
        >>> round(weighted_cross_entropy(pixel, torch.eye(2), label, torch.ones(2)).item(), 6)
        0.313262
    """
    logits = torch.einsum('bdhw,kd->bkhw', features, centroids)
    losses = F.cross_entropy(logits, labels, weights, reduction='sum')
    total, ranks = total_over_ranks(weights[labels].sum())
    return losses * ranks / total


def picie_loss(features: Tensor, centroids: Tensor, labels: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Losses within views and across them.

    Args:
        features: (2, B, D, h, w) of the two views, on one raster.
        centroids: (2, K, D), of each view.
        labels: (2, B, h, w) clusters of each view's pixels.
        weights: (2, K) of each view's clusters.

    Returns:
        The mean of both views' cross entropies with their own centroids and labels, and with those of the other view,
        which is to find what this one's features say. The loss is the mean of the two.
    """
    within, across = (
        torch.stack([weighted_cross_entropy(features[view], centroids[other], labels[other], weights[other])
                     for view, other in pairs]).mean() for pairs in (((0, 0), (1, 1)), ((0, 1), (1, 0))))
    return within, across
