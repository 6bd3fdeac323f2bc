"""Five crops of an image: its corners and its centre."""

from __future__ import annotations

import numpy as np

NUMBER = 5


def five_boxes(height: int, width: int, ratio: float = 0.5) -> list[tuple[int, int, int, int]]:
    """Boxes (top, left, height, width) of the crops top left, top right, bottom left, bottom right, centre.

    Args:
        height, width: of the image, in pixels.
        ratio: of a crop's sides to the image's, in (0, 1]; rounded down to pixels.

    Example:
        >>> five_boxes(5, 8)
        [(0, 0, 2, 4), (0, 4, 2, 4), (3, 0, 2, 4), (3, 4, 2, 4), (2, 2, 2, 4)]
    """
    tall, wide = int(height * ratio), int(width * ratio)
    down, right = height - tall, width - wide
    return [(top, left, tall, wide) for top, left in (
        (0, 0), (0, right), (down, 0), (down, right), (round(down / 2), round(right / 2)))]


def crop_share(values: np.ndarray, box: tuple[int, int, int, int], height: int, width: int) -> np.ndarray:
    """The part of a map that shows what a box of its image does.

    Args:
        values: (h, w) or (h, w, C), of the raster of the image or of a finer or coarser one.
        box: (top, left, height, width) in pixels of the image.
        height, width: of the image.
    """
    down, right = values.shape[0] / height, values.shape[1] / width
    top, left = round(box[0] * down), round(box[1] * right)
    return values[top:top + max(1, round(box[2] * down)), left:left + max(1, round(box[3] * right))]
