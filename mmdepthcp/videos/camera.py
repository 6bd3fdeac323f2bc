"""The focal length of a video's camera: from a field of view, a calibration beside the frames, EXIF, or the notes that
phones write into their files.
"""

from __future__ import annotations

import contextlib
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from mmdepthcp.geometry.cameras import Size, check_intrinsics, denormalise_intrinsics, read_intrinsics
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import write_json
from mmdepthcp.videos.reading import Source

FILM_DIAGONAL = math.hypot(36, 24)
"""Of a frame of 35 mm film, in millimetres."""
EXIF_IFD, EXIF_FILM_FOCAL_LENGTH = 0x8769, 0xA405
QUICKTIME_FILM_FOCAL_LENGTH = 'com.apple.quicktime.camera.focal_length.35mm_equivalent'
CALIBRATION = 'intrinsics.json'
MOST_NOTES = 1 << 20
"""Bytes of a box of notes that are read."""


def intrinsics_of_field_of_view(degrees: float, size: Size) -> np.ndarray:
    """Normalised intrinsics (3, 3) of a camera that sees a horizontal angle, with its axis in the middle.

    Args:
        degrees: The angle.
        size: (width, height) of the images, whose pixels are square.

    Raises:
        InputError: no pinhole camera has such an angle.

    Example:
        >>> intrinsics_of_field_of_view(90, (1280, 640))[[0, 1], [0, 1]].round(6).tolist()
        [0.5, 1.0]
    """
    if not 0 < degrees < 180:
        raise InputError(f'fov {degrees:g}: must be an angle between 0 and 180 degrees, across the width of the image')
    fx = 0.5 / math.tan(math.radians(degrees) / 2)
    return check_intrinsics((fx, fx * size[0] / size[1], 0.5, 0.5), f'fov {degrees:g}')


def intrinsics_of_film_focal_length(millimetres: float, size: Size) -> np.ndarray:
    """Normalised intrinsics (3, 3) of a lens that sees as much, along the diagonal, as one of this focal length does on
    35 mm film (CIPA DCG-001).

    Args:
        millimetres: The focal length.
        size: (width, height) of the images, whose pixels are square.

    Raises:
        InputError: no camera has such a focal length.

    Example:
        >>> intrinsics_of_film_focal_length(36, (36, 24))[[0, 1], [0, 1]].tolist()
        [1.0, 1.5]
    """
    pixels = millimetres / FILM_DIAGONAL * math.hypot(*size)
    return check_intrinsics((pixels / size[0], pixels / size[1], 0.5, 0.5), f'focal length {millimetres:g} mm')


def find_intrinsics(source: Source, size: Size, fov: float | None = None) -> tuple[np.ndarray, str] | None:
    """Normalised intrinsics (3, 3) of a source's upright frames and where they are from; None where nobody says.

    Args:
        source: A file or a folder of frames.
        size: (width, height) of the frames, whose pixels are square.
        fov: Horizontal field of view in degrees, which overrules what is found.

    Raises:
        InputError: ``fov`` or a calibration makes no sense.
    """
    if fov is not None:
        return intrinsics_of_field_of_view(fov, size), 'fov'
    if not source.frames:
        found, place = film_focal_length_of_video(source.path), 'notes in the file'
    else:
        above = source.path.relative_to(source.root)
        for folder in (source.root / each for each in (above, *above.parents)):
            if (folder / CALIBRATION).is_file():
                return read_intrinsics(folder / CALIBRATION, size), str(folder / CALIBRATION)
        found, place = film_focal_length_of_image(source.frames[0]), 'EXIF'
    if not found:
        return None
    try:
        return intrinsics_of_film_focal_length(found, size), f'{place}, {found:g} mm on 35 mm film'
    except InputError:
        return None


def film_focal_length_of_image(path: Path) -> float | None:
    """The focal length in millimetres, as on 35 mm film, that the EXIF data of an image tell."""
    try:
        with Image.open(path) as image:
            return float(image.getexif().get_ifd(EXIF_IFD).get(EXIF_FILM_FOCAL_LENGTH, 0)) or None
    except (OSError, SyntaxError, ValueError, TypeError, ZeroDivisionError):
        return None


def film_focal_length_of_video(path: Path) -> float | None:
    """The same that the notes of an MP4 or MOV tell, of the film or of a track (QuickTime metadata, key
    ``com.apple.quicktime.camera.focal_length.35mm_equivalent``, which iPhones write).
    """
    try:
        with open(path, 'rb') as file:
            for notes in _boxes(file, 0, path.stat().st_size, ('moov',)):
                for key, value in _quicktime_notes(notes):
                    if key == QUICKTIME_FILM_FOCAL_LENGTH:
                        return value
    except (OSError, struct.error, ValueError, IndexError):
        return None
    return None


def _boxes(file: BinaryIO, start: int, end: int, wanted: tuple[str, ...]) -> Iterator[bytes]:
    """Contents of the ``meta`` boxes of an MP4 or MOV, in ``moov`` and in its tracks."""
    while start + 8 <= end:
        file.seek(start)
        size, kind = struct.unpack('>I4s', file.read(8))
        head = 8
        if size == 1:
            size, head = struct.unpack('>Q', file.read(8))[0], 16
        size = size or end - start
        if size < head:
            return
        if kind == b'meta' and 'trak' in wanted and size <= MOST_NOTES:
            yield file.read(size - head)
        elif kind.decode('latin-1') in wanted:
            yield from _boxes(file, start + head, start + size, ('trak', 'udta'))
        start += size


def _parts(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of the boxes in a box."""
    while len(content) >= 8:
        size, kind = struct.unpack('>I4s', content[:8])
        if not 8 <= size <= len(content):
            return
        yield kind, content[8:size]
        content = content[size:]


def _quicktime_notes(meta: bytes) -> Iterator[tuple[str, float]]:
    """Keys and values of a ``meta`` box, those that are numbers or tell one."""
    boxes = dict(_parts(meta if meta[4:8] == b'hdlr' else meta[4:]))  # in MP4 a version and flags come first
    keys = [name.decode('utf-8', 'replace') for _, name in _parts(boxes.get(b'keys', b'')[8:])]
    for index, item in _parts(boxes.get(b'ilst', b'')):
        data = dict(_parts(item)).get(b'data', b'')
        key, kind, value = keys[int.from_bytes(index, 'big') - 1], int.from_bytes(data[:4], 'big'), data[8:]
        with contextlib.suppress(ValueError, struct.error):
            if kind == 1:
                yield key, float(value.decode())
            elif kind in (21, 22):
                yield key, int.from_bytes(value, 'big', signed=kind == 21)
            elif kind in (23, 24):
                yield key, struct.unpack('>f' if kind == 23 else '>d', value)[0]


def write_calibration(path: Path, intrinsics: np.ndarray, size: tuple[int, int]) -> None:
    """Write ``intrinsics.json`` for frames of ``size`` (width, height), see :func:`read_intrinsics`."""
    (fx, _, cx), (_, fy, cy), _ = denormalise_intrinsics(intrinsics, size).tolist()
    write_json(path, dict(fx=fx, fy=fy, cx=cx, cy=cy, width=size[0], height=size[1]))
