"""Regression of disparity."""

from __future__ import annotations

import torch
from torch import Tensor

from mmdepthcp.models.ranks import largest_over_ranks


def berhu_loss(predicted: Tensor, target: Tensor, mask: Tensor, share: float = 0.2) -> Tensor:
    """Reverse Huber loss (Laina et al., 3DV 2016): the absolute error e up to c = ``share`` times the
    largest one of the batch, (e² + c²) / (2 c) above.

    Args:
        predicted: any shape.
        target: the same shape.
        mask: the same shape, 1 where errors count; elsewhere they are 0. The mean is over all.
        share: of the largest error, over all processes; c is held constant.

    Returns:
        float32 scalar.

    Example:
        >>> errors = torch.tensor([0., .02, .1, .5])
        >>> round(berhu_loss(errors, torch.zeros(4), torch.ones(4)).item(), 4)
        0.355
    """
    if not predicted.shape == target.shape == mask.shape:
        raise ValueError(f'shapes differ: {tuple(predicted.shape)}, {tuple(target.shape)}, {tuple(mask.shape)}')
    errors = (predicted.float() - target.float()).abs() * mask
    bound = share * largest_over_ranks(errors)
    # where both are 0 the quotient must be a number, for its gradient too
    divisor = 2 * bound.clamp(min=torch.finfo(torch.float32).tiny)
    return torch.where(errors <= bound, errors, (errors ** 2 + bound ** 2) / divisor).mean()
