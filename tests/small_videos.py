"""Small videos for tests: a textured wall that moves by, in whatever file."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

SIZE = 64, 48


def drive(count: int, seed: int = 0, speed: float = 1.) -> list[np.ndarray]:
    """(48, 64, 3) frames that move to the right by ``speed`` pixels each, another wall for each seed."""
    rng = np.random.default_rng(seed)
    wall = cv2.GaussianBlur(rng.normal(size=(SIZE[1], 1000, 3)), (0, 0), 2.5)
    wall = np.clip(110 + 40 * wall / wall.std(), 0, 255).astype(np.uint8)
    starts = (np.arange(count) * speed).round().astype(int)
    return [wall[:, start:start + SIZE[0]].copy() for start in starts]


def write_video(path: Path, frames: Sequence[np.ndarray], fps: float = 10, times: Sequence[float] | None = None,
                aspect: tuple[int, int] | None = None, pixels: str = 'yuv420p', codec: str = 'libx264',
                notes: dict | None = None) -> Path:
    """Write (H, W, 3) BGR frames with their ``times`` in seconds, by default ``1 / fps`` apart.

    MP4 and MOV have their index in front, so that what is left of a file that was cut off can be read.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {'movflags': 'faststart+use_metadata_tags'} if path.suffix.lower() in ('.mp4', '.mov') else {}
    height, width = frames[0].shape[:2] if frames else SIZE[::-1]
    with av.open(str(path), 'w', options=options) as file:
        file.metadata.update(notes or {})
        stream = file.add_stream(codec, rate=Fraction(fps).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        if times is not None:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        if codec == 'libx264':
            stream.options = {'crf': '4', 'g': '10'}
        else:
            stream.bit_rate = 2_000_000
        if aspect:
            stream.codec_context.sample_aspect_ratio = Fraction(*aspect)
        for index, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format='bgr24')
            if times is not None:
                frame.pts, frame.time_base = round(1000 * times[index]), Fraction(1, 1000)
            file.mux(stream.encode(frame))
        file.start_encoding()
        file.mux(stream.encode())
    return path


def turn(path: Path) -> None:
    """Have players of an MP4 or MOV turn it clockwise by a quarter, as of phones that were held upright."""
    content = path.read_bytes()
    place = content.index(b'tkhd') + 44
    matrix = struct.pack('>9i', 0, 1 << 16, 0, -(1 << 16), 0, 0, SIZE[1] << 16, 0, 1 << 30)
    path.write_bytes(content[:place] + matrix + content[place + len(matrix):])


def cut_off(path: Path, share: float = 0.6) -> None:
    """Keep the first part of a file."""
    content = path.read_bytes()
    path.write_bytes(content[:int(share * len(content))])


def write_folder(folder: Path, frames: Sequence[np.ndarray], name: str = '{:06d}.png') -> Path:
    """Write frames as images."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, frame in enumerate(frames):
        cv2.imwrite(str(folder / name.format(index)), frame)
    return folder
