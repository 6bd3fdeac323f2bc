"""Pixels near the borders of classes."""

from __future__ import annotations

import cv2
import numpy as np


def near_borders(labels: np.ndarray, distance: float, ignore_index: int = 255) -> np.ndarray:
    """Which pixels lie near a pixel of another class, the trimap of Kohli et al., "Robust Higher Order Potentials for
    Enforcing Label Consistency", IJCV 2009.

    Args:
        labels: (H, W) integers.
        distance: the farthest that is near, in pixels from centre to centre, to the nearest of the pixels on either
            side of a border; 0: these pixels alone.
        ignore_index: label of pixels that belong to no class; they make no border.

    Returns:
        (H, W) bool; False where there is no label.

    Example:
        >>> near_borders(np.array([[1, 1, 1, 2, 2, 255, 3]]), 1).astype(int).tolist()
        [[0, 1, 1, 1, 1, 0, 0]]
    """
    known = labels != ignore_index
    at_border = np.zeros(labels.shape, bool)
    for one, other in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        differ = (labels[one] != labels[other]) & known[one] & known[other]
        at_border[one] |= differ
        at_border[other] |= differ
    if not at_border.any():
        return at_border
    away = cv2.distanceTransform((~at_border).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return (away <= distance) & known
