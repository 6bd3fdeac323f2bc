"""The bonnet of the own car, or whatever else is fixed to the camera at the bottom of all frames."""

from __future__ import annotations

import cv2
import numpy as np

LEAST_FRAMES = 40
"""Frames that move, before anything is said."""
LARGEST, SMALLEST = 0.4, 0.03
"""Shares of the height that a bonnet takes."""
CALM = 0.3
"""Change of what is fixed, relative to that of the scene. Rows of a road have lane markings or shadows that come and
go somewhere, even where most of it looks the same all the time: 0.41 and more in all windows of 40 frames of KITTI and
of a motorway."""
COLUMNS = 0.9
"""Share of the columns that have to be calm in a row of the bonnet."""
CURVED = 0.12
"""Share of the height by which a bonnet may rise above the last row that it fills."""
CLEAR_EDGE, LEAST_EDGE = 2., 3.
"""By how many standard deviations the mean slope of a fixed edge differs from zero, and by how many grey levels per
pixel: a moving edge comes and goes."""
SMOOTH, REACH = 1.5, 2
"""Pixels of the small frame: what is larger is light and shade, which play on a bonnet too; and how many rows below its
edge see the scene above by that."""


class BonnetSearch:
    """Finds the rows at the bottom that never move, from small grey frames of a camera that does.

    The bonnet fills rows in which nothing changes but light, and rises above them in some columns, as far as these stay
    calm, or up to an edge that is there in all frames.
    """

    def __init__(self) -> None:
        self.frames = 0
        self._sums: list[np.ndarray] = []

    def add(self, grey: np.ndarray) -> None:
        """Take a small grey frame (h, w) uint8 that differs by motion from the one before."""
        frame = grey.astype(np.float32)
        slope = cv2.Sobel(frame, cv2.CV_32F, 0, 1, scale=1 / 8)
        detail = frame - cv2.GaussianBlur(frame, (0, 0), SMOOTH)
        terms = [slope, slope ** 2, detail, detail ** 2]
        self._sums = [total + term for total, term in zip(self._sums, terms, strict=True)] if self._sums else terms
        self.frames += 1

    def fraction(self) -> float:
        """Share of the height, 0..0.4, to cut off at the bottom; 0 where there is no bonnet."""
        if self.frames < LEAST_FRAMES:
            return 0.
        slope, slope_squared, detail, detail_squared = (total / self.frames for total in self._sums)
        change = _deviation(detail, detail_squared)
        height = len(change)
        top = height - int(LARGEST * height)
        rows = np.quantile(change, COLUMNS, axis=1)
        limit = CALM * np.median(rows[height // 4:top])
        below = np.flatnonzero(rows >= limit)
        first = int(below[-1]) + 1 if len(below) else 0  # the bonnet fills the rows from here on
        if not top <= first < height - SMALLEST * height / 2:
            return 0.
        edges = np.abs(slope) > np.maximum(LEAST_EDGE, CLEAR_EDGE * _deviation(slope, slope_squared))
        reach = max(1, round(CURVED * height))
        rises = [_rise(change[max(0, first - reach):first, column] < limit, edges[max(0, first - reach):first, column])
                 for column in range(change.shape[1])]
        found = 1 - (first - float(np.quantile(rises, COLUMNS)) - REACH) / height
        return min(LARGEST, found) if found >= SMALLEST else 0.


def _rise(calm: np.ndarray, edges: np.ndarray) -> int:
    """By how many rows a column of the bonnet goes on above the last full row; (n,) each, from top to bottom."""
    if not calm.all():
        return int(calm[::-1].argmin())
    return len(edges) - int(edges.argmax()) if edges.any() else 0


def _deviation(mean: np.ndarray, mean_square: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(mean_square - mean ** 2, 0))
