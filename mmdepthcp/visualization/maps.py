"""Pictures of disparity and region maps. All are (H, W, 3) uint8, BGR, as OpenCV writes them."""

from __future__ import annotations

import cv2
import numpy as np

from mmdepthcp.utils.images import NO_REGION

BORDER_COLOUR = (255, 255, 255)


def colorize_disparity(disparity: np.ndarray, largest: float | None = None) -> np.ndarray:
    """Disparity (H, W) in colours, close things bright.

    Args:
        disparity: Values from 0; zero or not finite is black.
        largest: Value of the brightest colour. None: the 98th percentile of the picture.
    """
    known = np.isfinite(disparity) & (disparity > 0)
    if largest is None:
        largest = float(np.percentile(disparity[known], 98)) if known.any() else 1.0
    share = np.where(known, disparity, 0) / largest
    picture = cv2.applyColorMap(np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8), cv2.COLORMAP_MAGMA)
    picture[~known] = 0
    return picture


def id_colours(ids: np.ndarray) -> np.ndarray:
    """Colours (..., 3) uint8 of integers (...), the same number always in the same colour, neighbours
    unlike."""
    hue = ids.astype(np.int64) * 111 % 180
    value = 140 + ids.astype(np.int64) * 67 % 116
    hsv = np.stack([hue, np.full_like(hue, 170), value], axis=-1).astype(np.uint8)
    return cv2.cvtColor(hsv.reshape(-1, 1, 3), cv2.COLOR_HSV2BGR).reshape(hsv.shape)


def id_borders(ids: np.ndarray) -> np.ndarray:
    """(H, W) bool: pixels that differ from their right or lower neighbour."""
    borders = np.zeros(ids.shape, bool)
    borders[:, :-1] |= ids[:, :-1] != ids[:, 1:]
    borders[:-1] |= ids[:-1] != ids[1:]
    return borders


def draw_regions(image: np.ndarray, regions: np.ndarray, opacity: float = 0.5) -> np.ndarray:
    """The image (H, W, 3) tinted by region (H, W), borders white; pixels of no region keep their colour."""
    tinted = (1 - opacity) * image + opacity * id_colours(regions)
    picture = np.where((regions != NO_REGION)[..., None], tinted, image).astype(np.uint8)
    picture[id_borders(regions)] = BORDER_COLOUR
    return picture
