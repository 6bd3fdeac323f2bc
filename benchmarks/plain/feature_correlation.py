"""Farthest points and hidden positives, image by image and pair by pair."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def farthest_points_plain(points: np.ndarray, count: int) -> list[int]:
    """Indices of points (N, D) that lie far from each other."""
    chosen, nearest = [0], np.full(len(points), np.inf)
    while len(chosen) < count:
        nearest = np.minimum(nearest, np.square(points - points[chosen[-1]]).sum(1))
        left = nearest.copy()
        left[chosen] = -1
        chosen.append(int(left.argmax()))
    return chosen


def propagate_plain(codes: Tensor, weights: Tensor) -> Tensor:
    """Codes (B, N, D) mixed by weights (B, N, N) of sum 1, as a tensor (N, N, D) of all products for each image."""
    return torch.stack([(weight[:, :, None] * code[None]).sum(1) / weight.sum(1, keepdim=True)
                        for code, weight in zip(codes, weights, strict=True)])
