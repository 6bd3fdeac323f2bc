"""Matching points of the views of a batch, and the features at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmengine.structures import InstanceData
from torch import Tensor


class BatchMatches(NamedTuple):
    """Points in views; the points of a group show the same thing.

    Attributes:
        points: (N, 2) float32 (x, y) in view pixels, centres at +0.5.
        views: (N,) int64 index of the view.
        groups: (N,) int64 in 0..num_groups−1.
        num_groups: number of groups.
    """

    points: Tensor
    views: Tensor
    groups: Tensor
    num_groups: int


def join_matches(items: Sequence[Mapping[str, Tensor] | InstanceData], views_per_item: Sequence[int]) -> BatchMatches:
    """Join the matches of the items of a batch: views are numbered on, groups of different items stay apart.

    Args:
        items: per item the tensors ``points``, ``views`` and ``groups`` as in :class:`BatchMatches`, numbered
            from 0, in a dict or in MMEngine's ``InstanceData``.
        views_per_item: number of views of every item.
    """
    views, groups, first_view, first_group = [], [], 0, 0
    for item, item_views in zip(items, views_per_item, strict=True):
        views.append(item['views'] + first_view)
        groups.append(item['groups'] + first_group)
        first_view += item_views
        if len(item['groups']):
            first_group += int(item['groups'].max()) + 1
    points = torch.cat([item['points'] for item in items])
    return BatchMatches(points, torch.cat(views), torch.cat(groups), first_group)


def sample_features(maps: Tensor, points: Tensor, views: Tensor, view_size: Sequence[int]) -> Tensor:
    """Interpolate feature maps bilinearly at points; the border value holds outside of the outermost centres.

    The same as :func:`torch.nn.functional.grid_sample` with ``align_corners=False`` and
    ``padding_mode='border'``, for a different number of points in every map. Fastest for maps in
    channels-last memory format.

    Args:
        maps: (V, C, h, w).
        points: (N, 2) float (x, y) in pixels of the views, centres at +0.5.
        views: (N,) int64 in 0..V−1.
        view_size: (H, W) of the views that the maps cover.

    Returns:
        (N, C) of the type of ``maps``.
    """
    height, width = maps.shape[-2:]
    scale = points.new_tensor([width / view_size[1], height / view_size[0]])
    last = points.new_tensor([width - 1, height - 1])
    position = (points * scale - 0.5).clamp_min(0).minimum(last)
    low = position.floor()
    share = position - low
    x0, y0 = low.long().unbind(1)
    x1, y1 = (x0 + 1).clamp_max(width - 1), (y0 + 1).clamp_max(height - 1)
    row0, row1 = (views * height + y0) * width, (views * height + y1) * width
    corners = torch.stack([row0 + x0, row0 + x1, row1 + x0, row1 + x1], 1)
    right, down = share.unbind(1)
    weights = torch.stack([(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down], 1)
    cells = maps.permute(0, 2, 3, 1).flatten(0, 2)
    return F.embedding_bag(corners, cells, per_sample_weights=weights.to(cells.dtype), mode='sum')
