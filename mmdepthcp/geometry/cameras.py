"""Pinhole intrinsics: what image operations do to them, and the calibration files of street data sets.

Image coordinates are continuous with pixel centres at +0.5, so that an image of W pixels spans 0..W.
*Normalised* intrinsics are ``[[fx/W, 0, cx/W], [0, fy/H, cy/H], [0, 0, 1]]``: they belong to the field of
view and do not change when the image is resized. Sizes are (width, height) in pixels. The calibration files
of KITTI and Cityscapes are read as they are, though they put pixel centres at whole numbers: half a pixel of
the original image, far below their effect on depth.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from mmdepthcp.fileio import InputError, read_json

Size = tuple[float, float]


def intrinsic_matrix(fx: float, fy: float, cx: float, cy: float) -> np.ndarray:
    """The 3x3 float64 matrix of two focal lengths and a principal point, in pixels or normalised."""
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float64)


def normalise_intrinsics(matrix: np.ndarray, size: Size) -> np.ndarray:
    """Pixel intrinsics of an image of ``size`` → normalised, both (3, 3)."""
    return np.asarray(matrix, np.float64) / np.array([[size[0]], [size[1]], [1]])


def denormalise_intrinsics(matrix: np.ndarray, size: Size) -> np.ndarray:
    """Normalised intrinsics → pixels of an image of ``size``, both (3, 3)."""
    return np.asarray(matrix, np.float64) * np.array([[size[0]], [size[1]], [1]])


def resize_intrinsics(matrix: np.ndarray, source: Size, target: Size) -> np.ndarray:
    """Pixel intrinsics after resizing the image from size ``source`` to ``target``."""
    return denormalise_intrinsics(normalise_intrinsics(matrix, source), target)


def flip_intrinsics(matrix: np.ndarray, width: float = 1) -> np.ndarray:
    """Intrinsics after mirroring the image left to right: cx ← width − cx, the rest stays.

    Args:
        matrix: (3, 3), in pixels with the image's ``width``, or normalised with ``width=1``.
        width: Width of the image in the unit of ``matrix``.
    """
    flipped = np.array(matrix, np.float64)
    flipped[0, 2] = width - flipped[0, 2]
    return flipped


def crop_intrinsics(matrix: np.ndarray, x: float, y: float) -> np.ndarray:
    """Pixel intrinsics after cutting out a window whose upper left corner is (x, y)."""
    cropped = np.array(matrix, np.float64)
    cropped[:2, 2] -= x, y
    return cropped


def crop_normalised_intrinsics(matrix: np.ndarray, size: Size, x: int, y: int, window: Size) -> np.ndarray:
    """Normalised intrinsics of the ``window`` (width, height) at (x, y) of an image of ``size``."""
    return normalise_intrinsics(crop_intrinsics(denormalise_intrinsics(matrix, size), x, y), window)


def read_kitti_calibration(path: str | Path) -> dict[str, np.ndarray]:
    """The numbers of a KITTI calibration file, ``key: number number ...`` on each line; lines with text are
    left out.

    Raises:
        InputError: the file is missing or holds no such line.
    """
    try:
        lines = Path(path).read_text(errors='replace').splitlines()
    except FileNotFoundError:
        raise InputError(f'{path}: no such calibration file') from None
    values = {}
    for line in lines:
        key, colon, numbers = line.partition(':')
        try:
            values[key.strip()] = np.array(numbers.split(), np.float64)
        except ValueError:
            continue
        if not colon:
            del values[key.strip()]
    if not values:
        raise InputError(f"{path}: not a KITTI calibration file, it has no line 'key: numbers'")
    return values


def read_kitti_raw_intrinsics(path: str | Path, camera: int = 2) -> np.ndarray:
    """Normalised intrinsics of a rectified camera from ``calib_cam_to_cam.txt`` (keys P_rect_0c and
    S_rect_0c).

    Raises:
        InputError: the file, a key or a value is missing or makes no sense.
    """
    values = read_kitti_calibration(path)
    projection = _entry(values, f'P_rect_{camera:02d}', 12, path).reshape(3, 4)
    width, height = _entry(values, f'S_rect_{camera:02d}', 2, path)
    return _checked(normalise_intrinsics(projection[:, :3], (width, height)), path, f'P_rect_{camera:02d}')


def read_kitti_odometry_intrinsics(path: str | Path, size: Size, camera: int) -> np.ndarray:
    """Normalised intrinsics from the ``calib.txt`` of an odometry sequence (key Pc) with images of ``size``.

    Raises:
        InputError: the file, the key or a value is missing or makes no sense.
    """
    projection = _entry(read_kitti_calibration(path), f'P{camera}', 12, path).reshape(3, 4)
    return _checked(normalise_intrinsics(projection[:, :3], size), path, f'P{camera}')


def read_cityscapes_intrinsics(path: str | Path, size: Size) -> np.ndarray:
    """Normalised intrinsics from a ``*_camera.json`` of Cityscapes (fx, fy, u0, v0 below ``intrinsic``).

    Args:
        path: The file.
        size: Size of the images that the calibration was made for, 2048x1024 in Cityscapes; the file does not
            say.

    Raises:
        InputError: the file, a key or a value is missing or makes no sense.
    """
    content = read_json(path)
    intrinsic = content.get('intrinsic') if isinstance(content, dict) else None
    if not isinstance(intrinsic, dict):
        raise InputError(f"{path}: has no key 'intrinsic'; expected a *_camera.json of Cityscapes")
    numbers = [_number(intrinsic, key, path, 'intrinsic.') for key in ('fx', 'fy', 'u0', 'v0')]
    return _checked(normalise_intrinsics(intrinsic_matrix(*numbers), size), path, 'intrinsic')


def read_intrinsics(path: str | Path) -> np.ndarray:
    """Normalised intrinsics from this package's ``intrinsics.json``: fx, fy, cx, cy, width, height, all in
    pixels.

    Raises:
        InputError: the file, a key or a value is missing or makes no sense.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f'{path}: expected an object with the keys fx, fy, cx, cy, width, height')
    fx, fy, cx, cy, width, height = (
        _number(content, key, path) for key in ('fx', 'fy', 'cx', 'cy', 'width', 'height'))
    if min(width, height) <= 0:
        raise InputError(f'{path}: width and height must be positive, got {width} and {height}')
    matrix = normalise_intrinsics(intrinsic_matrix(fx, fy, cx, cy), (width, height))
    return _checked(matrix, path, 'fx, fy, cx, cy')


def _entry(values: dict[str, np.ndarray], key: str, count: int, path: str | Path) -> np.ndarray:
    if key not in values:
        raise InputError(f'{path}: has no key {key}; it has {", ".join(values)}')
    if values[key].size != count:
        raise InputError(f'{path}: key {key} must have {count} numbers, it has {values[key].size}')
    return values[key]


def _number(content: dict[str, Any], key: str, path: str | Path, prefix: str = '') -> float:
    value = content.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f'{path}: key {prefix}{key} must be a number, got {value!r}')
    return float(value)


def _checked(matrix: np.ndarray, path: str | Path, key: str) -> np.ndarray:
    fx, fy, cx, cy = matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2]
    if not (math.isfinite(fx * fy) and fx > 0 and fy > 0):
        raise InputError(f'{path}: {key}: focal lengths must be positive, got {fx}, {fy} of the image')
    if not (0 < cx < 1 and 0 < cy < 1):
        raise InputError(f'{path}: {key}: the principal point ({cx:.3f}, {cy:.3f}) lies outside the image; '
                         'were the images resized after calibration? Then give the size that the calibration '
                         'was made for (calibration_size)')
    return matrix
