"""The images that pass between the stages: photographs, labels, 16-bit disparity and region PNGs.

Every writer writes aside and renames, so that a file with its final name is complete. Every reader names the
file and the remedy when it cannot be used.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image

from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import atomic_path

NO_REGION = 65535
DISPARITY_SCALE = 65535
SMALLEST_DISPARITY = 1e-6
PNG_HEAD = 33
"""Length of the signature and the header of a PNG."""
NOTE = b'tEXtmmdepthcp\0'
MAX_IMAGE_PIXELS = int(os.environ.get('OPENCV_IO_MAX_IMAGE_PIXELS') or 2**26)
"""Larger images are not decoded; OpenCV's own environment variable sets another limit."""
Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or 0, MAX_IMAGE_PIXELS)


def write_png(path: str | os.PathLike, image: np.ndarray, note: str | None = None) -> None:
    """Write an (H, W) uint8 or uint16 or an (H, W, 3) BGR uint8 array as PNG.

    Args:
        path: The file.
        image: The pixels.
        note: A text in ASCII to keep in the file beside them, see :func:`read_png_note`.
    """
    encoded, pixels = cv2.imencode('.png', image)
    if not encoded:
        raise OSError(f'{path}: could not be written')
    content = pixels.tobytes()
    if note is not None:
        data = NOTE + note.encode('ascii')
        chunk = struct.pack('>I', len(data) - 4) + data + struct.pack('>I', zlib.crc32(data))
        content = content[:PNG_HEAD] + chunk + content[PNG_HEAD:]
    with atomic_path(path) as aside:
        aside.write_bytes(content)


def read_png_note(path: str | os.PathLike) -> str | None:
    """The text that :func:`write_png` kept in a file, None if there is none.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, 'rb') as file:
        head = file.read(PNG_HEAD + 4096)[PNG_HEAD:]
    if head[4:4 + len(NOTE)] != NOTE:
        return None
    return head[4 + len(NOTE):8 + int.from_bytes(head[:4], 'big')].decode('latin-1')


def image_size(path: str | os.PathLike) -> tuple[int, int]:
    """(width, height) of an image file, from its header.

    Raises:
        InputError: the file is missing, no image, or has more pixels than ``MAX_IMAGE_PIXELS``.
    """
    with _open_image(path, 'replace or remove it') as file:
        size = _header_size(file)
        if size is None:
            raise OSError
    return size


@contextlib.contextmanager
def _open_image(path: str | os.PathLike, remedy: str) -> Iterator[BinaryIO]:
    """Open an image file for reading; say in words what is wrong with it, and in the end what to do."""
    try:
        with open(path, 'rb') as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise InputError(f'{path}: the file is empty; {remedy}')
            yield file
    except FileNotFoundError:
        raise InputError(f'{path}: no such file; {remedy}') from None
    except (Image.DecompressionBombError, _TooLarge):
        raise InputError(f'{path}: has more than {MAX_IMAGE_PIXELS} pixels, the most that are decoded; {remedy}, or '
                         'set another limit, the environment variable OPENCV_IO_MAX_IMAGE_PIXELS') from None
    except InputError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, cv2.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.errno else 'corrupt or cut short'
        raise InputError(f'{path}: not a readable image ({reason}); {remedy}') from None


class _TooLarge(Exception):
    """An image has more pixels than are decoded."""


def _header_size(file: BinaryIO) -> tuple[int, int] | None:
    """(width, height) by the header of an image, None where Pillow cannot tell; rewinds the file."""
    try:
        size = Image.open(file).size
    except (OSError, SyntaxError):
        size = None
    file.seek(0)
    if size and size[0] * size[1] > MAX_IMAGE_PIXELS:
        raise _TooLarge
    return size


def _decode(path: str | os.PathLike, flags: int, remedy: str) -> np.ndarray:
    with _open_image(path, remedy) as file:
        _header_size(file)
        raw = np.fromfile(file, np.uint8)
        image = None if _is_cut_jpeg(raw.data) else cv2.imdecode(raw, flags)
        if image is None:
            raise OSError
    return image


def _is_cut_jpeg(content: memoryview) -> bool:
    """Whether a file's content is a JPEG without its end mark, of which OpenCV before 4.11 decodes the first part."""
    if content[:2] != b'\xff\xd8':
        return False
    position = 2
    while content[position:position + 1] == b'\xff' and content[position + 1:position + 2] not in (b'\xda', b''):
        filled = content[position + 1] == 0xff
        position += 1 if filled else 2 + int.from_bytes(content[position + 2:position + 4], 'big')
    return b'\xff\xd9' not in content[position:].tobytes()


def read_image(path: str | os.PathLike) -> np.ndarray:
    """Read an image as (H, W, 3) uint8 in BGR order.

    Raises:
        InputError: the file is missing, empty or not an image.
    """
    return _decode(path, cv2.IMREAD_COLOR, 'replace or remove it')


def read_uint16(path: str | os.PathLike, what: str, remedy: str) -> np.ndarray:
    """Read a 16-bit PNG with one channel as (H, W) uint16.

    Args:
        path: The file.
        what: What it is, for messages.
        remedy: What to do when it is not, for messages.

    Raises:
        InputError: the file is missing, empty, corrupt, or not 16-bit with one channel.
    """
    image = _decode(path, cv2.IMREAD_UNCHANGED, remedy)
    if image.ndim != 2 or image.dtype != np.uint16:
        raise InputError(
            f'{path}: a {what} file is a 16-bit PNG with one channel, this one is {image.dtype} of shape '
            f'{image.shape}; {remedy}')
    return image


def read_labels(path: str | os.PathLike, remedy: str = 'write class indices, not colours') -> np.ndarray:
    """Read a label image as the (H, W) integers that it stores; of a palette image the indices, not the colours.

    Raises:
        InputError: the file is missing, corrupt or too large, has several channels, or is a JPEG, which alters values.
    """
    with _open_image(path, remedy) as file:
        _header_size(file)
        image = Image.open(file)
        one_channel = image.mode in ('1', 'L', 'P', 'I') or image.mode.startswith('I;16')
        if image.format == 'JPEG' or not one_channel:
            raise InputError(f'{path}: labels are class indices in a PNG with one channel, this is a {image.format}, '
                             f'kind {image.mode}; {remedy}')
        values = np.asarray(image)
    return values.astype(np.uint8) if values.dtype == bool else values


def write_disparity(path: str | os.PathLike, disparity: np.ndarray, note: str | None = None) -> None:
    """Write (H, W) disparity in 0..1 (larger is closer) as round(65535 · disparity), 16 bit, with a note as
    :func:`write_png` does.
    """
    write_png(path, np.rint(np.clip(disparity, 0, 1) * DISPARITY_SCALE).astype(np.uint16), note)


def read_disparity(path: str | os.PathLike) -> np.ndarray:
    """Read (H, W) float32 disparity in 0..1; exact zeros are lifted to 1e-6.

    Raises:
        InputError: the file is missing, empty, corrupt, not 16-bit with one channel, or zero everywhere.
    """
    remedy = 'make it again with tools/infer_depth.py'
    disparity = read_uint16(path, 'disparity', remedy)
    if not disparity.any():
        raise InputError(f'{path}: disparity is zero everywhere, so it holds no depth; {remedy}')
    return np.maximum(disparity.astype(np.float32) / DISPARITY_SCALE, np.float32(SMALLEST_DISPARITY))


def read_depth(path: str | os.PathLike) -> np.ndarray:
    """Read (H, W) float32 depth in metres, 0 where there is none: a 16-bit PNG (metres = value / 256, as in
    KITTI) or ``.npy``.

    Raises:
        InputError: the file is missing, empty, corrupt, or not such a map.
    """
    if Path(path).suffix == '.npy':
        return _read_array(path)
    return read_uint16(path, 'depth', 'replace it').astype(np.float32) / 256


def read_inverse_depth(path: str | os.PathLike) -> np.ndarray:
    """Read (H, W) float32 inverse depth or disparity in whatever unit, larger is closer, 0 where there is none: a PNG
    with one channel of 8 or 16 bits, or ``.npy``.

    Raises:
        InputError: the file is missing, empty, corrupt, or not such a map.
    """
    if Path(path).suffix == '.npy':
        return _read_array(path)
    image = _decode(path, cv2.IMREAD_UNCHANGED, 'replace it')
    if image.ndim != 2 or image.dtype not in (np.uint8, np.uint16):
        raise InputError(
            f'{path}: inverse depth is a PNG with one channel of 8 or 16 bits, this one is {image.dtype} of shape '
            f'{image.shape}; write values, not colours')
    return image.astype(np.float32)


def _read_array(path: str | os.PathLike) -> np.ndarray:
    """(H, W) float32 of a ``.npy`` file, 0 where it is not finite or not above 0."""
    try:
        depth = np.load(path, mmap_mode='r')
    except FileNotFoundError:
        raise InputError(f'{path}: no such file') from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f'{path}: not a readable array ({error}); make it again') from None
    if depth.ndim != 2 or depth.size > MAX_IMAGE_PIXELS:
        raise InputError(f'{path}: a depth map is (height, width) with at most {MAX_IMAGE_PIXELS} pixels, this one is '
                         f'of shape {depth.shape}')
    return np.where(np.isfinite(depth) & (depth > 0), depth, 0).astype(np.float32)


def write_regions(path: str | os.PathLike, regions: np.ndarray, note: str | None = None) -> None:
    """Write an (H, W) integer region map with ids 0..R−1 and 65535 for no region, with a note as
    :func:`write_png` does.

    Raises:
        InputError: an id does not fit.
    """
    if regions.min() < 0 or regions.max() > NO_REGION:
        raise InputError(
            f'{path}: region ids must lie in 0..{NO_REGION}, got {regions.min()}..{regions.max()}')
    write_png(path, regions.astype(np.uint16), note)


def read_regions(path: str | os.PathLike) -> np.ndarray:
    """Read an (H, W) int32 region map, 65535 where there is no region.

    Raises:
        InputError: the file is missing, empty, corrupt, or not 16-bit with one channel.
    """
    return read_uint16(path, 'region', 'make it again with tools/group_regions.py').astype(np.int32)
