"""Pictures of two views of an image and of the cells that belong together."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from mmdepthcp.views.pairs import CellPairs, DepthFilter

KEPT, REMOVED, GRID = (80, 200, 80), (60, 60, 230), (120, 120, 120)
ENLARGED = 320
"""Height of a view in the picture, in pixels, at least."""


def draw_two_views(views: np.ndarray, boxes: Tensor, disparity: Tensor | None, size: tuple[int, int],
                   thresholds: Sequence[float], depth_filter: DepthFilter | None, num_lines: int,
                   rng: np.random.Generator) -> np.ndarray:
    """Two views side by side with their cells; green lines join pairs of cells, red ones pairs that depth left out.

    Args:
        views: (2, 3, H, W) uint8, BGR.
        boxes: (2, 4), see :mod:`mmdepthcp.geometry.boxes`.
        disparity: (2, h, w) of the cells, NaN where unknown; None: distance alone decides.
        size: (h, w) cells.
        thresholds: distances, see :class:`mmdepthcp.views.pairs.CellPairs`; the largest is drawn.
        depth_filter: which pairs are left out.
        num_lines: how many pairs of each kind are drawn.
        rng: chooses them.

    Returns:
        (height, 2 · width, 3) uint8, BGR.
    """
    factor = max(1, round(ENLARGED / views.shape[2]))
    tiles = [cv2.resize(np.ascontiguousarray(view.transpose(1, 2, 0)), None, fx=factor, fy=factor) for view in views]
    height, width = tiles[0].shape[:2]
    picture = np.hstack(tiles)
    for row in range(1, size[0]):
        cv2.line(picture, (0, row * height // size[0]), (2 * width, row * height // size[0]), GRID)
    for column in range(1, 2 * size[1]):
        cv2.line(picture, (column * width // size[1], 0), (column * width // size[1], height), GRID)
    cells = None if disparity is None else disparity.flatten(1)[None]
    near, kept = CellPairs(boxes[None], size, [max(thresholds)], cells, depth_filter).near_and_kept()
    for colour, pairs in ((REMOVED, (near > 0) & (kept == 0)), (KEPT, kept > 0)):
        found = torch.nonzero(pairs[0, 0]).numpy()
        for one, other in rng.permutation(found)[:num_lines]:
            start, end = (_centre(cell, size, (height, width), side * width) for side, cell in enumerate((one, other)))
            cv2.line(picture, start, end, colour, 1, cv2.LINE_AA)
            for centre in (start, end):
                cv2.circle(picture, centre, 3, colour, -1, cv2.LINE_AA)
    return picture


def _centre(cell: int, size: tuple[int, int], view: tuple[int, int], offset: int) -> tuple[int, int]:
    row, column = divmod(int(cell), size[1])
    return offset + int((column + 0.5) * view[1] / size[1]), int((row + 0.5) * view[0] / size[0])
