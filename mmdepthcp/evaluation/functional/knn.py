"""Weighted votes of nearest neighbours (Wu et al., "Unsupervised feature learning via non-parametric instance
discrimination", CVPR 2018)."""

from __future__ import annotations

import torch
from torch import Tensor

CHUNK_ROWS = 2048


def knn_votes(queries: Tensor, bank: Tensor, labels: Tensor, num_classes: int, num_neighbours: int = 20,
              temperature: float = 0.07) -> Tensor:
    """The share of each class in the votes of the neighbours of every query.

    Args:
        queries: (N, D), rows of length 1.
        bank: (M, D), rows of length 1, M >= 1.
        labels: (M,) classes 0..num_classes−1.
        num_classes: number of classes.
        num_neighbours: how many vote, those of the largest cosine; all of the bank if it has fewer.
        temperature: > 0; a neighbour of cosine c has the weight exp(c / temperature).

    Returns:
        (N, num_classes), rows sum to 1.

    Example:
        >>> bank = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
        >>> votes = knn_votes(torch.tensor([[1.0, 0.0]]), bank, torch.tensor([0, 1, 1]), 2, 2, temperature=1)
        >>> (100 * votes).round().tolist()  # e / (e + 1) for class 0
        [[73.0, 27.0]]
    """
    votes = queries.new_zeros(len(queries), num_classes)
    neighbours = min(num_neighbours, len(bank))
    for start in range(0, len(queries), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        cosines, nearest = (queries[rows] @ bank.T).topk(neighbours, dim=1)
        votes[rows].scatter_add_(1, labels[nearest], torch.softmax(cosines / temperature, dim=1))
    return votes
