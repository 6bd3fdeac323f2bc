"""Affine maps of the plane as 3×3 matrices.

A map takes continuous pixel coordinates (x, y): the image spans 0..W by 0..H and the centre of the pixel in
column j and row i is (j + 0.5, i + 0.5). So cropping, resizing and flipping an image *are* the maps here,
without half-pixel terms.

Every function broadcasts: parameters of shape (...) give matrices of shape (..., 3, 3), float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def axis_aligned(ax: ArrayLike, bx: ArrayLike, ay: ArrayLike, by: ArrayLike) -> np.ndarray:
    """The map (x, y) → (ax·x + bx, ay·y + by)."""
    ax, bx, ay, by = np.broadcast_arrays(ax, bx, ay, by)
    matrix = np.zeros((*ax.shape, 3, 3))
    matrix[..., 0, 0] = ax
    matrix[..., 0, 2] = bx
    matrix[..., 1, 1] = ay
    matrix[..., 1, 2] = by
    matrix[..., 2, 2] = 1
    return matrix


def axis_parameters(matrix: np.ndarray) -> np.ndarray:
    """Contiguous (..., 4) parameters (ax, bx, ay, by) of maps without rotation or shear, as in ``axis_aligned``."""
    return np.ascontiguousarray(matrix[..., [0, 0, 1, 1], [0, 2, 1, 2]])


def translation(dx: ArrayLike, dy: ArrayLike) -> np.ndarray:
    """Move by (dx, dy) pixels."""
    return axis_aligned(1, dx, 1, dy)


def scaling(sx: ArrayLike, sy: ArrayLike, about: tuple[ArrayLike, ArrayLike] = (0, 0)) -> np.ndarray:
    """Scale by (sx, sy) about a point (x, y) that stays where it is."""
    x, y = np.asarray(about[0]), np.asarray(about[1])
    return axis_aligned(sx, x - np.multiply(sx, x), sy, y - np.multiply(sy, y))


def crop(left: ArrayLike, top: ArrayLike) -> np.ndarray:
    """From an image to its crop whose corner is at (left, top)."""
    return translation(np.negative(left), np.negative(top))


def resize(width: ArrayLike, height: ArrayLike, new_width: ArrayLike, new_height: ArrayLike) -> np.ndarray:
    """From an image to the same image resized."""
    return scaling(np.divide(new_width, width), np.divide(new_height, height))


def horizontal_flip(width: ArrayLike, flipped: ArrayLike = True) -> np.ndarray:
    """Mirror left and right in an image of this width, where ``flipped``; else the identity."""
    return axis_aligned(np.where(flipped, -1, 1), np.where(flipped, width, 0), 1, 0)


def compose(*maps: np.ndarray) -> np.ndarray:
    """The maps one after the other, the first one applied first.

    Example:
        >>> to_view = compose(crop(10, 0), resize(20, 10, 40, 20), horizontal_flip(40))
        >>> apply(to_view, [[12.5, 4.0]]).tolist()  # 2.5 from the left, twice as large, mirrored
        [[35.0, 8.0]]
    """
    result = maps[0]
    for matrix in maps[1:]:
        result = matrix @ result
    return result


def invert(matrix: np.ndarray) -> np.ndarray:
    """The inverse maps of affine ``matrix`` (..., 3, 3).

    Raises:
        ValueError: a map is singular.
    """
    a, b, c = matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 0, 2]
    d, e, f = matrix[..., 1, 0], matrix[..., 1, 1], matrix[..., 1, 2]
    determinant = a * e - b * d
    if not np.all(determinant):
        raise ValueError('a singular affine map has no inverse')
    inverse = np.zeros(matrix.shape)
    inverse[..., 0, 0] = e
    inverse[..., 0, 1] = -b
    inverse[..., 0, 2] = b * f - c * e
    inverse[..., 1, 0] = -d
    inverse[..., 1, 1] = a
    inverse[..., 1, 2] = c * d - a * f
    inverse /= determinant[..., None, None]
    inverse[..., 2, 2] = 1
    return inverse


def apply(matrix: np.ndarray, points: ArrayLike) -> np.ndarray:
    """Map ``points`` (..., 2) = (x, y) by ``matrix`` (..., 3, 3); leading shapes broadcast."""
    points = np.asarray(points, np.float64)
    return np.einsum('...ij,...j->...i', matrix[..., :2, :2], points) + matrix[..., :2, 2]
