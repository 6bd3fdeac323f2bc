"""Quantiles of many values."""

from __future__ import annotations

import math

from torch import Tensor


def quantile(values: Tensor, share: float) -> Tensor:
    """That of all values, linear between two of them: ``torch.quantile`` without its limit of 2²⁴ values.

    Example:
        >>> import torch
        >>> quantile(torch.tensor([[3.0, 1.0], [2.0, 4.0]]), 0.5).item()
        2.5
    """
    place = share * (values.numel() - 1)
    ordered = values.flatten().sort()[0]
    return ordered[math.floor(place)].lerp(ordered[math.ceil(place)], place % 1)
