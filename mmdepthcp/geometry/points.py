"""From pixels with disparity to points in space."""

from __future__ import annotations

import numpy as np

SMALLEST_DISPARITY = 0.005


def back_project(disparity: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Points seen by the pixels: depth = 1 / max(disparity, 0.005), X right, Y up, Z ahead, camera at the origin.

    Args:
        disparity: (H, W), larger is closer.
        intrinsics: normalised 3×3 (fx/W, fy/H, cx/W, cy/H).

    Returns:
        (3, H, W) float32.

    Example:
        >>> intrinsics = np.array([[0.5, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
        >>> back_project(np.full((1, 2), 0.25, np.float32), intrinsics)[:, 0].T.tolist()
        [[-2.0, 0.0, 4.0], [2.0, 0.0, 4.0]]
    """
    height, width = disparity.shape
    depth = 1 / np.maximum(disparity, np.float32(SMALLEST_DISPARITY), dtype=np.float32)
    right = ((np.arange(width) + 0.5) / width - intrinsics[0, 2]) / intrinsics[0, 0]
    up = (intrinsics[1, 2] - (np.arange(height) + 0.5) / height) / intrinsics[1, 1]
    return np.stack([depth * right.astype(np.float32), depth * up.astype(np.float32)[:, None], depth])
