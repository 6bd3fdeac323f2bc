"""How difficult an image is: for a student that learns depth from few images, for a network that segments."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

HOLE = 0.07
"""Disparity below which a depth network has dug a hole where a car moves along, or sees the sky."""
HOLE_WINDOW = 7
SCORED_ROWS = 0.87
"""Below this share of the height the own car may be in view."""


def depth_error(predicted: Tensor, target: Tensor) -> Tensor:
    """``E = Σ m · |log(1 + δ) − log(1 + δ*)| / (H·W)`` (Hoyer et al., CVPR 2021).

    m is 0 within 3 pixels, along each axis, of disparity below :data:`HOLE`, and in the rows from ⌊0.87 H⌋ on. The
    division is by all pixels.

    Args:
        predicted: δ, (B, H, W), the student's disparity in 0..1, larger is closer.
        target: δ*, (B, H, W), its teacher's.

    Returns:
        (B,).

    Raises:
        ValueError: the shapes differ.
    """
    if predicted.shape != target.shape:
        raise ValueError(f'predicted {tuple(predicted.shape)} and target {tuple(target.shape)} differ in shape')
    holes = functional.max_pool2d((target < HOLE).to(target.dtype)[:, None], HOLE_WINDOW, 1, HOLE_WINDOW // 2)[:, 0]
    mask = 1 - holes
    mask[:, int(SCORED_ROWS * mask.shape[1]):] = 0
    return (mask * (predicted.log1p() - target.log1p()).abs()).mean((1, 2))


def mean_entropy(logits: Tensor) -> Tensor:
    """The mean over pixels of the entropy of the classes, as a share of the largest there can be, log C.

    Args:
        logits: (B, C, H, W), C > 1.

    Returns:
        (B,) in 0..1.
    """
    logs = logits.log_softmax(1)
    return torch.special.entr(logs.exp()).sum(1).mean((1, 2)) / math.log(logits.shape[1])
