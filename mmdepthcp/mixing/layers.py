"""What the rasteriser reads of each layer: positions in fixed point, how its colours are averaged and blurred."""

from __future__ import annotations

import numpy as np

from mmdepthcp.mixing.rasteriser import ONE, WEIGHT


def fixed_point(values: np.ndarray) -> np.ndarray:
    """Positions or lengths in source pixels with the rasteriser's bits of fraction."""
    return np.rint(values * ONE).astype(np.int64)


def blur_samples(sigma: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """(L, 3): the three samples per axis that stand for the 5 taps of a Gaussian; weight 0 where sigma is 0.

    Two taps of weights g1, g2 at 1 and 2 pixels are one bilinear sample of weight g1 + g2 at (g1 + 2·g2) /
    (g1 + g2).
    """
    spread = 2 * np.square(np.where(sigma > 0, sigma, 1))
    near, far = np.exp(-1 / spread), np.exp(-4 / spread)
    side = np.where(sigma > 0, np.rint(WEIGHT * (near + far) / (1 + 2 * (near + far))), 0)
    offset = (near + 2 * far) / np.maximum(near + far, np.finfo(float).tiny)
    return np.column_stack([fixed_point(offset[:, None] * steps), side.astype(np.int64)])


def averaging_boxes(steps: np.ndarray) -> np.ndarray:
    """(L, 2): sides of the box of source pixels that the mean is taken over; 0 for layers that are not shrunk.

    A side is that of a view pixel in the source, and at least one source pixel.

    Args:
        steps: (L, 2) source pixels per view pixel along x and y.

    Example:
        >>> (averaging_boxes(np.array([[2.0, 0.5], [0.5, 0.5]])) / ONE).tolist()
        [[2.0, 1.0], [0.0, 0.0]]
    """
    shrunk = (steps > 1 + 1 / WEIGHT).any(axis=1, keepdims=True)
    return fixed_point(np.where(shrunk, np.maximum(steps, 1), 0))
