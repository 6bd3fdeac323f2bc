"""Values of all processes of a training."""

from __future__ import annotations

import torch
import torch.distributed.nn
from mmengine.dist import all_reduce, get_rank, get_world_size
from torch import Tensor


def mean_over_ranks(values: Tensor) -> Tensor:
    """The mean of values (any shape, as many on each rank) over all ranks, without gradient."""
    mean = values.detach().mean()
    all_reduce(mean, 'mean')
    return mean


def largest_over_ranks(values: Tensor) -> Tensor:
    """The largest of values (any shape) over all ranks, without gradient."""
    largest = values.detach().max()
    all_reduce(largest, 'max')
    return largest


def sum_over_ranks(values: Tensor) -> Tensor:
    """The sum over all ranks, which gradients pass."""
    return torch.distributed.nn.functional.all_reduce(values)


def gathered(values: Tensor) -> Tensor:
    """The values of all ranks, (B, ...) of each, one after the other as (R·B, ...), with gradient.

    The gradient is that of the sum of what the ranks make of them.
    """
    if get_world_size() == 1:
        return values
    places = torch.zeros(get_world_size(), *values.shape, dtype=values.dtype, device=values.device)
    places = torch.cat([places[:get_rank()], values[None], places[get_rank() + 1:]])
    return sum_over_ranks(places).flatten(0, 1)


def total_over_ranks(values: Tensor) -> tuple[Tensor, int]:
    """The sum of values (any shape) over all ranks, without gradient, and how many ranks there are."""
    total = values.detach().clone()
    all_reduce(total)
    return total, get_world_size()
