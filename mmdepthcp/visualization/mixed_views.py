"""Pictures of mixed views and of what matches in them."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import ArrayLike

from mmdepthcp.visualization.maps import BORDER_COLOUR, id_borders, id_colours


def draw_mixed_views(
    views: ArrayLike,
    matches: Mapping[str, ArrayLike],
    num_lines: int,
    rng: np.random.Generator,
    labels: np.ndarray | None = None,
    columns: int = 2,
) -> np.ndarray:
    """Mosaic of views with some groups of matching positions: a dot in each view, joined by lines of one colour.

    Args:
        views: (V, H, W, 3) or (V, 3, H, W) uint8, BGR; arrays or CPU tensors.
        matches: ``points``, ``views``, ``groups`` as in :class:`mmdepthcp.structures.MixedViewsSample`.
        num_lines: Number of groups to draw, chosen among all.
        rng: Chooses them.
        labels: (V, H, W); the borders between labels are drawn white.
        columns: Views side by side.

    Returns:
        (rows·H, columns·W, 3) uint8, BGR.
    """
    pictures = np.asarray(views)
    if pictures.shape[-1] != 3:
        pictures = pictures.transpose(0, 2, 3, 1)
    num_views, height, width, _ = pictures.shape
    rows = -(-num_views // columns)
    mosaic = np.zeros((rows * height, columns * width, 3), np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // columns * height, number % columns * width
        tile = mosaic[top:top + height, left:left + width]
        tile[:] = picture
        if labels is not None:
            tile[id_borders(labels[number])] = BORDER_COLOUR

    points, view, groups = (np.asarray(matches[name]) for name in ('points', 'views', 'groups'))
    corner = np.stack([view % columns * width, view // columns * height], axis=1)
    places = np.floor(points + corner).astype(int)
    present = np.unique(groups)
    for group in rng.choice(present, min(num_lines, len(present)), replace=False):
        colour = tuple(int(value) for value in id_colours(group))
        inside = np.flatnonzero(groups == group)
        members = places[inside[np.unique(view[inside], return_index=True)[1]]]
        cv2.polylines(mosaic, [members.reshape(-1, 1, 2)], False, colour, 1, cv2.LINE_AA)
        for x, y in members.tolist():
            cv2.circle(mosaic, (x, y), 3, colour, -1, cv2.LINE_AA)
            cv2.circle(mosaic, (x, y), 3, (0, 0, 0), 1, cv2.LINE_AA)
    return mosaic
