"""Cells of feature maps as places in the image that a view was cropped from.

A box (x_left, y_top, x_right, y_bottom) says which part of the image a view shows, in whatever unit; in a mirrored view
x_left > x_right. So the cell in column 0 of such a view lies at the right end of the box.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def cell_centres(boxes: Tensor, size: Sequence[int]) -> Tensor:
    """Where the cells of a view lie in its image.

    Args:
        boxes: (..., 4).
        size: (h, w) cells.

    Returns:
        (..., h·w, 2) centres (x, y), row by row.

    Example:
        >>> cell_centres(torch.tensor([4., 0, 0, 2]), (1, 2)).tolist()  # mirrored
        [[3.0, 1.0], [1.0, 1.0]]
    """
    rows, columns = ((torch.arange(count, device=boxes.device, dtype=boxes.dtype) + 0.5) / count for count in size)
    left, top, right, bottom = boxes.unsqueeze(-1).unbind(-2)
    x, y = left + (right - left) * columns, top + (bottom - top) * rows
    x, y = x.unsqueeze(-2).expand(*y.shape, len(columns)), y.unsqueeze(-1).expand(*y.shape, len(columns))
    return torch.stack([x, y], -1).flatten(-3, -2)


def cell_diagonals(boxes: Tensor, size: Sequence[int]) -> Tensor:
    """Length (...) of the diagonal of a cell, for boxes (..., 4) of (h, w) cells."""
    sides = (boxes[..., 2:] - boxes[..., :2]) / boxes.new_tensor([size[1], size[0]])
    return sides.square().sum(-1).sqrt()


def cell_distances(one: Tensor, other: Tensor, size: Sequence[int], rows: slice = slice(None)) -> Tensor:
    """How far the cells of two views of an image are from each other, in diagonals of a cell of the coarser view
    (Xie et al., "Propagate yourself", CVPR 2021).

    Args:
        one, other: boxes (B, 4) of the two views.
        size: (h, w) cells of either.
        rows: the cells of the first view that are asked for.

    Returns:
        (B, R, h·w), of R cells of the first view and all of the second.

    Example:
        >>> boxes = torch.tensor([[0., 0, 8, 2]])
        >>> cell_distances(boxes, torch.tensor([[4., 0, 12, 2]]), (1, 2)).tolist()  # cells of 4 × 2
        [[[0.8944271802902222, 1.7888543605804443], [0.0, 0.8944271802902222]]]
    """
    unit = torch.maximum(cell_diagonals(one, size), cell_diagonals(other, size))
    return torch.cdist(cell_centres(one, size)[:, rows], cell_centres(other, size),
                       compute_mode='donot_use_mm_for_euclid_dist') / unit[:, None, None]
