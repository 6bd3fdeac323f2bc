"""Disparity in 0..1, larger is closer, from depth and disparity of other origin.

Copy-paste scales an object's disparity with its size, which is right only for values proportional to inverse
depth. So every conversion here is a multiplication with one constant for the whole data set: no offset, no
stretch by image.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from mmdepthcp.utils.errors import InputError


def fill_holes(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Give every invalid pixel the value of the nearest valid one.

    Args:
        values: (H, W).
        valid: (H, W) bool.

    Raises:
        InputError: no pixel is valid.

    Example:
        >>> fill_holes(np.array([[1, 0, 0, 4]]), np.array([[True, False, False, True]])).tolist()
        [[1, 1, 4, 4]]
    """
    if not valid.any():
        raise InputError('no pixel has a value')
    if valid.all():
        return values
    rows, columns = ndimage.distance_transform_edt(~valid, return_distances=False, return_indices=True)
    return values[rows, columns]


def stretch(disparity: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
    """(disparity − min) / (max − min) of one image, which then has no scale in common with others.

    Args:
        disparity: (H, W) float32.
        valid: (H, W) bool, where it is known; elsewhere the result is 0. None: everywhere.

    Returns:
        (H, W) float32; zeros where all is equal or nothing is known.

    Example:
        >>> stretch(np.array([[.02, .05], [.10, .04]], np.float32)).round(3).tolist()
        [[0.0, 0.375], [1.0, 0.25]]
    """
    known = disparity if valid is None else disparity[valid]
    if not known.size:
        return np.zeros_like(disparity)
    lowest, highest = known.min(), known.max()
    stretched = (disparity - lowest) / max(highest - lowest, np.finfo(np.float32).tiny)
    return stretched if valid is None else np.where(valid, stretched, np.float32(0))


def _check_positive(name: str, value: float) -> None:
    if not 0 < value < float('inf'):
        raise InputError(f'{name} must be a number above 0, got {value}')


def depth_to_disparity(depth: np.ndarray, nearest: float) -> np.ndarray:
    """min(1, nearest / depth).

    Args:
        depth: Any shape, metres; 0 and infinity are infinitely far.
        nearest: Depth that becomes disparity 1; anything nearer becomes 1 too.

    Returns:
        float32 of the same shape.

    Raises:
        InputError: ``nearest`` is not above zero.

    Example:
        >>> depth_to_disparity(np.array([1.0, 2.0, 8.0, 0.0]), 2).tolist()
        [1.0, 1.0, 0.25, 0.0]
    """
    _check_positive('nearest', nearest)
    depth = np.asarray(depth, np.float32)
    disparity = np.divide(nearest, depth, out=np.zeros_like(depth), where=depth > 0)
    return np.minimum(disparity, 1)


def decode_cityscapes_disparity(stored: np.ndarray, largest: float) -> tuple[np.ndarray, np.ndarray]:
    """Stereo disparity of Cityscapes: p > 0 stands for (p − 1) / 256 pixels, 0 for none (Cordts et al., CVPR
    2016).

    Args:
        stored: (H, W) uint16, values of the file.
        largest: Disparity in pixels that becomes 1.

    Returns:
        Disparity (H, W) float32 in 0..1, and where it is known, (H, W) bool.

    Raises:
        InputError: ``largest`` is not above zero.
    """
    _check_positive('largest', largest)
    pixels = (np.maximum(stored, 1).astype(np.float32) - 1) / 256
    return np.minimum(pixels / largest, 1), stored > 0


def inverse_depth_scale(predictions: list[np.ndarray], percentile: float = 99.9) -> float:
    """The constant that brings a network's inverse depth to 0..1: the largest of the ``percentile`` of each
    array.

    Zero stays zero; the few larger values are cut off at 1.

    Raises:
        InputError: nothing is larger than zero.
    """
    scale = max(float(np.percentile(prediction, percentile)) for prediction in predictions)
    if not (np.isfinite(scale) and scale > 0):
        raise InputError(f'the predicted inverse depth has no positive finite values (largest: {scale})')
    return scale
