"""The files that pass between the stages: images, 16-bit disparity and region PNGs, JSON.

Every writer writes aside and renames, so that a file with its final name is complete. Every reader names the
file and the remedy when it cannot be used.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.webp', '.bmp')
NO_REGION = 65535
DISPARITY_SCALE = 65535
SMALLEST_DISPARITY = 1e-6


class InputError(ValueError):
    """A file or setting that cannot be used; the message names it and the remedy."""


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; rename it to ``path`` on success, remove it on failure.

    The suffix is kept, so that writers which choose a format by suffix work. Missing folders are made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f'.{path.stem}.{os.getpid()}.tmp{path.suffix}')
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def file_sha256(path: str | os.PathLike) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_json(path: str | os.PathLike, content: Any) -> None:
    """Write ``content`` as indented JSON."""
    with atomic_path(path) as aside:
        aside.write_text(json.dumps(content, indent=2) + '\n')


def read_json(path: str | os.PathLike) -> Any:
    """Read a JSON file.

    Raises:
        InputError: the file is missing or not valid JSON.
    """
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError:
        raise InputError(f'{path}: no such file') from None
    except json.JSONDecodeError as error:
        raise InputError(f'{path}: not valid JSON ({error}); make it again') from None


def write_png(path: str | os.PathLike, image: np.ndarray) -> None:
    """Write an (H, W) uint8 or uint16 or an (H, W, 3) BGR uint8 array as PNG."""
    with atomic_path(path) as aside:
        if not cv2.imwrite(str(aside), image):
            raise OSError(f'{path}: could not be written')


def _decode(path: str | os.PathLike, flags: int, remedy: str) -> np.ndarray:
    try:
        raw = np.fromfile(path, np.uint8)
    except FileNotFoundError:
        raise InputError(f'{path}: no such file; {remedy}') from None
    if raw.size == 0:
        raise InputError(f'{path}: the file is empty; {remedy}')
    image = cv2.imdecode(raw, flags)
    if image is None:
        raise InputError(f'{path}: not a readable image (corrupt or cut short); {remedy}')
    return image


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


def write_disparity(path: str | os.PathLike, disparity: np.ndarray) -> None:
    """Write (H, W) disparity in 0..1 (larger is closer) as round(65535 · disparity), 16 bit."""
    write_png(path, np.rint(np.clip(disparity, 0, 1) * DISPARITY_SCALE).astype(np.uint16))


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
        try:
            depth = np.load(path)
        except FileNotFoundError:
            raise InputError(f'{path}: no such file') from None
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f'{path}: not a readable array ({error}); make it again') from None
        if depth.ndim != 2:
            raise InputError(f'{path}: a depth map is (height, width), this one is of shape {depth.shape}')
        return np.where(np.isfinite(depth) & (depth > 0), depth, 0).astype(np.float32)
    return read_uint16(path, 'depth', 'replace it').astype(np.float32) / 256


def write_regions(path: str | os.PathLike, regions: np.ndarray) -> None:
    """Write an (H, W) integer region map with ids 0..R−1 and 65535 for no region.

    Raises:
        InputError: an id does not fit.
    """
    if regions.min() < 0 or regions.max() > NO_REGION:
        raise InputError(
            f'{path}: region ids must lie in 0..{NO_REGION}, got {regions.min()}..{regions.max()}')
    write_png(path, regions.astype(np.uint16))


def read_regions(path: str | os.PathLike) -> np.ndarray:
    """Read an (H, W) int32 region map, 65535 where there is no region.

    Raises:
        InputError: the file is missing, empty, corrupt, or not 16-bit with one channel.
    """
    return read_uint16(path, 'region', 'make it again with tools/group_regions.py').astype(np.int32)


def find_files(root: str | os.PathLike, suffixes: Sequence[str] = IMAGE_SUFFIXES) -> list[Path]:
    """All files below ``root`` with one of the ``suffixes`` (in capitals or not), as sorted paths relative to it.

    Raises:
        InputError: the folder is missing or holds no such file.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f'{root}: no such folder')
    endings = tuple(suffix.lower() for suffix in suffixes)
    files = sorted(
        Path(folder, name).relative_to(root)
        for folder, _, names in os.walk(root, followlinks=True)
        for name in names
        if name.lower().endswith(endings) and not name.startswith('.'))
    if not files:
        raise InputError(f'{root}: holds no file that ends in {", ".join(suffixes)}')
    return files
