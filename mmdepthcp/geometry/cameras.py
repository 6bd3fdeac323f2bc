"""Pinhole intrinsics: what image operations do to them, and the calibration files of street data sets.

Image coordinates are continuous with pixel centres at +0.5, so that an image of W pixels spans 0..W.
*Normalised* intrinsics are ``[[fx/W, 0, cx/W], [0, fy/H, cy/H], [0, 0, 1]]``: they belong to the field of
view and do not change when the image is resized. Sizes are (width, height) in pixels. The calibration files
of KITTI and Cityscapes are read as they are, though they put pixel centres at whole numbers: half a pixel of
the original image, far below their effect on depth.
"""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import numpy as np

from mmdepthcp.utils.errors import InputError, notice
from mmdepthcp.utils.fileio import read_json, read_text

Size = tuple[float, float]

FOCAL_LENGTHS = (0.05, 10.0)
"""Focal lengths that make sense, as shares of the image: fields of view of 169 and of 6 degrees."""
OFF_CENTRE = 0.08
"""How far the principal point of a whole image may be from its middle, as a share of the image, before the calibration
is taken for that of another size.
"""
SAME_ASPECT = 0.02
"""How far aspects may differ by rounding when an image is resized."""
CITYSCAPES_SIZE, CITYSCAPES_FOCAL = (2048, 1024), (2150, 2380)
"""Size of all images of Cityscapes, and bounds of the focal lengths of its cameras, such as 2262.52, in its pixels."""
KITTI_SIZES = {(718.856, 607.1928, 185.2157): (1241, 376), (721.5377, 609.5593, 172.854): (1242, 375),
               (707.0912, 601.8873, 183.1104): (1226, 370)}
"""Focal length and principal point, in pixels, of KITTI's rectified cameras → size of their images."""
AS_SHARES = ('give fractions of the image: fx / width, fy / height, cx / width, cy / height; KITTI, for one, has '
             '0.58 1.92 0.5 0.5')
RESIZED = ('were the images resized after calibration? Then give the size that the calibration was made for '
           '(calibration_size)')


def intrinsic_matrix(fx: float, fy: float, cx: float, cy: float) -> np.ndarray:
    """The 3x3 float64 matrix of two focal lengths and a principal point, in pixels or normalised."""
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float64)


def check_intrinsics(values: Any, what: str, remedy: str = AS_SHARES, inside: bool = True) -> np.ndarray:
    """Normalised intrinsics, (3, 3) float64, made sure to be those of a camera.

    Args:
        values: (fx, fy, cx, cy) or the 3x3 matrix, normalised.
        what: Names them in messages: the file and the key, or the argument.
        remedy: Ends the messages about numbers that belong to another size.
        inside: Whether the principal point has to lie in the image; in windows cut out of one it need not.

    Raises:
        InputError: they have another shape, are not finite, not positive, in pixels, or of no pinhole camera.
    """
    try:
        matrix = np.array(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        matrix = np.empty(0)
    if matrix.shape == (4,):
        matrix = intrinsic_matrix(*matrix)
    if matrix.shape != (3, 3):
        raise InputError(f'{what}: expected four numbers fx, fy, cx, cy or a 3x3 matrix, got {_shown(values)}; '
                         f'{AS_SHARES}')
    fx, skew, cx, tilt, fy, cy, *last = matrix.ravel().tolist()
    if not all(map(math.isfinite, (fx, skew, cx, tilt, fy, cy, *last))):
        raise InputError(f'{what}: must be finite numbers, got {_shown(values)}')
    if [skew, tilt, *last] != [0, 0, 0, 0, 1]:
        raise InputError(f'{what}: a camera matrix has the rows (fx, 0, cx), (0, fy, cy), (0, 0, 1), got '
                         f'{_shown(values)}')
    if min(fx, fy) <= 0:
        raise InputError(f'{what}: focal lengths must be positive, got {fx:g} and {fy:g} of width and height')
    if max(fx, fy) > FOCAL_LENGTHS[1] or (inside and max(abs(cx), abs(cy)) > FOCAL_LENGTHS[1]):
        raise InputError(f'{what}: fx {fx:g}, fy {fy:g}, cx {cx:g}, cy {cy:g} of width and height are those of pixels, '
                         f'or of an image of another size; {remedy}')
    if min(fx, fy) < FOCAL_LENGTHS[0]:
        raise InputError(f'{what}: focal lengths of {fx:g} and {fy:g} of width and height are too short for a camera, '
                         f'as if divided by the size of the image twice; {remedy}')
    if inside and not (0 < cx < 1 and 0 < cy < 1):
        raise InputError(f'{what}: the principal point ({cx:.3f}, {cy:.3f}) lies outside the image; {remedy}')
    return matrix


def check_size(size: Any, what: str) -> tuple[int, int]:
    """The (width, height) of an image in pixels.

    Raises:
        InputError: they are not two whole numbers from 1 on.
    """
    try:
        width, height = (int(value) for value in size)
        sound = (width, height) == tuple(size) and min(width, height) > 0
    except (TypeError, ValueError, OverflowError):
        sound = False
    if not sound:
        raise InputError(f'{what}: expected width and height in pixels, two whole numbers from 1 on, got '
                         f'{_shown(size)}')
    return width, height


def normalise_intrinsics(matrix: np.ndarray, size: Size) -> np.ndarray:
    """Pixel intrinsics of an image of ``size`` → normalised, both (3, 3).

    Example:
        >>> pixels = intrinsic_matrix(2262.52, 2265.3, 1096.98, 513.137)  # Cityscapes
        >>> normalise_intrinsics(pixels, (2048, 1024))[:2].round(4).tolist()
        [[1.1047, 0.0, 0.5356], [0.0, 2.2122, 0.5011]]
    """
    return np.asarray(matrix, np.float64) / np.array([[size[0]], [size[1]], [1]])


def denormalise_intrinsics(matrix: np.ndarray, size: Size) -> np.ndarray:
    """Normalised intrinsics → pixels of an image of ``size``, both (3, 3)."""
    return np.asarray(matrix, np.float64) * np.array([[size[0]], [size[1]], [1]])


def flip_intrinsics(matrix: np.ndarray, width: float = 1) -> np.ndarray:
    """Intrinsics after mirroring the image left to right: cx ← width − cx, the rest stays.

    Args:
        matrix: (3, 3), in pixels with the image's ``width``, or normalised with ``width=1``.
        width: Width of the image in the unit of ``matrix``.

    Example:
        >>> flip_intrinsics(intrinsic_matrix(1131.26, 1132.65, 548.49, 256.57), 1024)[0].tolist()
        [1131.26, 0.0, 475.51]
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
    """Normalised intrinsics of the ``window`` (width, height) at (x, y) of an image of ``size``.

    Example:
        >>> crop_normalised_intrinsics(intrinsic_matrix(1, 2, 0.5, 0.5), (1000, 500), 200, 0, (500, 500))[0].tolist()
        [2.0, 0.0, 0.6]
    """
    return normalise_intrinsics(crop_intrinsics(denormalise_intrinsics(matrix, size), x, y), window)


def read_kitti_calibration(path: str | Path) -> dict[str, np.ndarray]:
    """The numbers of a KITTI calibration file, ``key: number number ...`` on each line; lines with text are
    left out.

    Raises:
        InputError: the file is missing or holds no such line.
    """
    values = {}
    for line in read_text(path).splitlines():
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


def read_kitti_raw_intrinsics(path: str | Path, camera: int = 2, image: Size | None = None) -> np.ndarray:
    """Normalised intrinsics of a rectified camera from ``calib_cam_to_cam.txt`` (keys P_rect_0c and
    S_rect_0c).

    Args:
        path: The file.
        camera: Number of the camera.
        image: Size of the images that they are for; the log says where it is not S_rect_0c.

    Raises:
        InputError: the file, a key or a value is missing or makes no sense.
    """
    values = read_kitti_calibration(path)
    matrix, size = f'P_rect_{camera:02d}', f'S_rect_{camera:02d}'
    pixels = _entry(values, matrix, 12, path).reshape(3, 4)[:, :3]
    calibrated = check_size(_entry(values, size, 2, path), f'{path}: key {size}')
    _compare_sizes(path, calibrated, image)
    return check_intrinsics(normalise_intrinsics(pixels, calibrated), f'{path}: key {matrix}',
                            f'{matrix} is in pixels of images of the size {size}')


def read_kitti_odometry_intrinsics(path: str | Path, size: Size, camera: int, assumed: bool = False) -> np.ndarray:
    """Normalised intrinsics from the ``calib.txt`` of an odometry sequence (key Pc).

    Args:
        path: The file.
        size: Size of the images that the calibration was made for; the file does not say.
        camera: Number of the camera.
        assumed: See :func:`read_cityscapes_intrinsics`.

    Raises:
        InputError: the file, the key or a value is missing or makes no sense.
    """
    return _of_unstated_size(read_kitti_odometry_pixels(path, camera), size, f'{path}: key P{camera}', assumed)


def read_kitti_odometry_pixels(path: str | Path, camera: int) -> np.ndarray:
    """What :func:`read_kitti_odometry_intrinsics` reads, in pixels."""
    return _entry(read_kitti_calibration(path), f'P{camera}', 12, path).reshape(3, 4)[:, :3]


def read_cityscapes_intrinsics(path: str | Path, size: Size, assumed: bool = False) -> np.ndarray:
    """Normalised intrinsics from a ``*_camera.json`` of Cityscapes (fx, fy, u0, v0 below ``intrinsic``).

    Args:
        path: The file.
        size: Size of the images that the calibration was made for; the file does not say.
        assumed: ``size`` is no more than that of the images at hand. Then :func:`published_size` comes before it, and a
            principal point more than 8 % of the image from its middle is refused: the images were resized.

    Raises:
        InputError: the file, a key or a value is missing or makes no sense.
    """
    return _of_unstated_size(read_cityscapes_pixels(path), size, f'{path}: key intrinsic', assumed)


def read_cityscapes_pixels(path: str | Path) -> np.ndarray:
    """What :func:`read_cityscapes_intrinsics` reads, in pixels."""
    content = read_json(path)
    intrinsic = content.get('intrinsic') if isinstance(content, dict) else None
    if not isinstance(intrinsic, dict):
        raise InputError(f"{path}: has no key 'intrinsic'; expected a *_camera.json of Cityscapes")
    numbers = [_number(intrinsic, key, path, 'intrinsic.') for key in ('fx', 'fy', 'u0', 'v0')]
    return intrinsic_matrix(*numbers)


def read_intrinsics(path: str | Path, image: Size | None = None) -> np.ndarray:
    """Normalised intrinsics from this package's ``intrinsics.json``: fx, fy, cx, cy, width, height, all in
    pixels.

    Args:
        path: The file.
        image: Size of the images that they are for; the log says where it is another than the file's.

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
    _compare_sizes(path, (width, height), image)
    return check_intrinsics(normalise_intrinsics(intrinsic_matrix(fx, fy, cx, cy), (width, height)),
                            f'{path}: keys fx, fy, cx, cy', 'all are pixels of an image of the size width x height')


def _entry(values: dict[str, np.ndarray], key: str, count: int, path: str | Path) -> np.ndarray:
    if key not in values:
        raise InputError(f'{path}: has no key {key}; it has {", ".join(values)}')
    if values[key].size != count:
        raise InputError(f'{path}: key {key} must have {count} numbers, it has {values[key].size}')
    return values[key]


def _number(content: dict[str, Any], key: str, path: str | Path, prefix: str = '') -> float:
    value = content.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e300:
        raise InputError(f'{path}: key {prefix}{key} must be a number, got {_shown(value)}')
    return float(value)


def published_size(pixels: np.ndarray, image: Size) -> tuple[int, int] | None:
    """Size of the images that a calibration was made for, by its numbers: those of cameras of Cityscapes or of KITTI.

    Args:
        pixels: (3, 3) intrinsics in pixels.
        image: Size of the images at hand. Only images of the same aspect are taken for whole ones, resized.

    Returns:
        None for other cameras, and for windows cut out of images.

    Example:
        >>> published_size(intrinsic_matrix(2262.52, 2265.3, 1096.98, 513.137), (1024, 512))  # Cityscapes
        (2048, 1024)
    """
    (fx, _, cx), (_, fy, cy), _ = pixels.tolist()
    known = [size for (focal, *centre), size in KITTI_SIZES.items()
             if np.allclose((fx, fy, cx, cy), (focal, focal, *centre), rtol=0, atol=.01)]
    if CITYSCAPES_FOCAL[0] < min(fx, fy) <= max(fx, fy) < CITYSCAPES_FOCAL[1] and _is_central(
            cx / CITYSCAPES_SIZE[0], cy / CITYSCAPES_SIZE[1]):
        known.append(CITYSCAPES_SIZE)
    return next((size for size in known if _same_aspect(size, image)), None)


def _is_central(cx: float, cy: float) -> bool:
    return max(abs(cx - .5), abs(cy - .5)) <= OFF_CENTRE


def _same_aspect(one: Size, other: Size) -> bool:
    return abs(other[0] * one[1] / (other[1] * one[0]) - 1) < SAME_ASPECT


def tell_assumed_size(where: str | Path, pixels: np.ndarray, image: Size) -> None:
    """Say in the log what size calibrations which state none are taken to be made for.

    Args:
        where: Where they lie, for the message.
        pixels: (3, 3) in pixels; one stands for all.
        image: Size of the images.
    """
    size = published_size(pixels, image)
    if size is None:
        notice(f'{where}: the calibrations do not say which size of images they were made for; taken is that of the '
               f'images, {image[0]}x{image[1]}; if these were resized, set calibration_size', logging.INFO)
    elif size != tuple(image):
        notice(f'{where}: the calibrations have the numbers of {"Cityscapes" if size == CITYSCAPES_SIZE else "KITTI"}, '
               f'made for images of {size[0]}x{size[1]}: scaled to these, {image[0]}x{image[1]}; if that is wrong, set '
               'calibration_size', logging.INFO)


def _of_unstated_size(pixels: np.ndarray, size: Size, what: str, assumed: bool) -> np.ndarray:
    size = check_size(size, 'calibration_size')
    if assumed:
        size = published_size(pixels, size) or size
    matrix = check_intrinsics(normalise_intrinsics(pixels, size), what, RESIZED)
    cx, cy = matrix[:2, 2]
    if assumed and not _is_central(cx, cy):
        raise InputError(f'{what}: in images of {size[0]}x{size[1]} the principal point would be at ({cx:.3f}, '
                         f'{cy:.3f}) of width and height, far from the middle; {RESIZED}. If they were cut out of '
                         'larger ones, give the intrinsics of what is left')
    return matrix


def _compare_sizes(path: str | Path, calibrated: Size, image: Size | None) -> None:
    """Say what is made of images that have another size than the calibration states."""
    if image is None or tuple(image) == tuple(calibrated):
        return
    sizes = f'{path}: made for images of {calibrated[0]:g}x{calibrated[1]:g}, these are {image[0]:g}x{image[1]:g}'
    if _same_aspect(calibrated, image):
        notice(f'{sizes}: scaled to them', logging.INFO)
    else:
        notice(f'{sizes}, of another aspect: taken as resized as a whole, in width and height apart; if they were cut '
               'out, give intrinsics=(fx, fy, cx, cy) of what is left, as fractions of its width and height')


def _shown(values: Any) -> str:
    text = repr(values.tolist() if isinstance(values, np.ndarray) else values)
    return text if len(text) <= 80 else f'{text[:77]}...'
