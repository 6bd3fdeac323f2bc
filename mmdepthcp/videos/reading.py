"""Frames of video files and of folders, one after the other: upright, with square pixels, about as many a second as
are wanted.

Decoded by OpenCV's FFmpeg, which comes with every OpenMMLab environment.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mmdepthcp.geometry.cameras import SAME_ASPECT
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import read_image
from mmdepthcp.utils.walks import IMAGE_SUFFIXES, walk

VIDEO_SUFFIXES = ('.mp4', '.mov', '.avi', '.mkv', '.m4v', '.webm')
LOST_SECONDS, LOST_FRAMES = 0.5, 3
"""By how much a video has to end before the time that its header tells to count as cut off."""
MOST_RATE = 1000.
ERRORS = 2
"""OpenCV's level of the log that has errors alone."""
os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')  # what it complains of is counted and said here


@dataclass(frozen=True)
class Source:
    """A video.

    Attributes:
        name: in names of files; no two of a list have the same.
        path: the file, or the folder of the frames.
        frames: of a folder, in their order; of a file none.
        root: the folder that the user named, or the file's own.
    """

    name: str
    path: Path
    frames: tuple[Path, ...]
    root: Path

    def state(self) -> dict[str, int]:
        """Size and time of change, by which a source that was changed is known.

        Raises:
            OSError: a file cannot be read.
        """
        states = [os.stat(path) for path in self.frames or (self.path,)]
        return dict(files=len(states), bytes=sum(state.st_size for state in states),
                    changed=max(state.st_mtime_ns for state in states))


class TimedFrame(NamedTuple):
    """A frame.

    Attributes:
        time: in seconds from the beginning of the video.
        image: (H, W, 3) uint8, BGR.
    """

    time: float
    image: np.ndarray


def natural_key(name: str) -> tuple[tuple[int, str], ...]:
    """Sorts names by the numbers in them.

    Example:
        >>> sorted(['frame12', 'frame2'], key=natural_key)
        ['frame2', 'frame12']
    """
    return tuple((int(part), '') if part.isdigit() else (-1, part) for part in re.split('([0-9]+)', name))


def find_sources(paths: Sequence[str | os.PathLike], leave_out: Sequence[str | os.PathLike] = ()) -> list[Source]:
    """The videos of a list of files and folders, in this order, each once.

    Below a folder every video file is one, and so is every folder with images, in the natural order of their names.
    Hidden files, folders of systems and what tools of this package made stay out.

    Args:
        paths: video files, folders of frames, folders that hold such.
        leave_out: folders to pass by.

    Raises:
        InputError: there is no such file or folder, a folder cannot be read or holds neither videos nor images, or
            a file is an image.
    """
    found: dict[str, tuple[Path, tuple[Path, ...], Path]] = {}
    for path in map(Path, paths):
        if path.is_dir():
            inside = list(_inside(path, leave_out))
            if not inside:
                raise InputError(f'{path}: holds neither videos ({", ".join(VIDEO_SUFFIXES)}) nor images; name files '
                                 'of another ending one by one')
        elif not path.exists():
            raise InputError(f'{path}: no such file or folder')
        elif path.suffix.lower() in IMAGE_SUFFIXES:
            raise InputError(f'{path}: is one image; name a video, or the folder of the frames')
        else:
            inside = [(path, (), path.parent)]
        for each in inside:
            found.setdefault(os.path.realpath(each[0]), each)
    names = _different_names([path for path, _, _ in found.values()])
    return [Source(name, *parts) for name, parts in zip(names, found.values(), strict=True)]


def _inside(root: Path, leave_out: Sequence[str | os.PathLike]) -> Iterator[tuple[Path, tuple[Path, ...], Path]]:
    try:
        folders = walk(root, leave_out).folders
    except OSError as error:
        raise InputError(f'{error.filename}: cannot be read ({error.strerror}); make it readable, or move it out of '
                         f'{root}') from None
    for folder, names in folders:
        for name in sorted(names, key=natural_key):
            if name.lower().endswith(VIDEO_SUFFIXES) and not name.startswith('.'):
                yield folder / name, (), root
        images = [name for name in names if name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith('.')]
        if images:
            yield folder, tuple(folder / name for name in sorted(images, key=natural_key)), root


def _different_names(paths: Sequence[Path]) -> list[str]:
    """Names for files and folders that differ without regard to capitals: their own, or where several have the same
    with those of the folders above, and where that does not help with numbers.
    """
    parts = [(*path.absolute().parts[1:-1], path.stem if path.is_file() else path.name) for path in paths]
    depths = [1] * len(parts)

    def name(index: int) -> str:
        words = re.sub(r'[^\w.-]+', '_', '_'.join(parts[index][-depths[index]:])).lstrip('.-')
        return words or 'video'

    while True:
        names = [name(index) for index in range(len(parts))]
        counts = Counter(each.lower() for each in names)
        again = [index for index, each in enumerate(names)
                 if counts[each.lower()] > 1 and depths[index] < len(parts[index])]
        if not again:
            break
        for index in again:
            depths[index] += 1
    taken: set[str] = set()
    for index, each in enumerate(names):
        number, free = 1, each
        while free.lower() in taken:
            number += 1
            free = f'{each}-{number}'
        taken.add(free.lower())
        names[index] = free
    return names


def pick_step(rate: float, fps: float) -> int:
    """Which frames of a video of ``rate`` frames a second to take, every n-th, for about ``fps`` a second.

    Example:
        >>> [pick_step(rate, 10) for rate in (60, 25, 12, 2)]
        [6, 2, 1, 1]
    """
    return max(1, round(rate / fps))


class FrameReader:
    """Reads frames of a source about ``1 / fps`` seconds apart: every n-th of its rate, told by their time stamps.

    Frames are turned upright, brought to square pixels and shrunk to ``max_side``. What cannot be decoded is left
    out; where a video ends before the time that its header tells, ``lost`` counts the frames that are missing.

    Args:
        source: the video.
        fps: frames wanted a second.
        max_side: longest side of frames, in pixels.
        folder_fps: frames a second of folders; None: ``fps``.

    Attributes:
        rate: frames a second of the source, 0 where the file does not say.
        interval: seconds between frames that are read.
        rotation: degrees clockwise by which frames were turned.
        expected: frames that the header tells.
        read: frames that were decoded so far.
        lost: frames that could not be.

    Raises:
        InputError: the file is missing, empty or no video that can be read.
    """

    def __init__(self, source: Source, fps: float, max_side: int, folder_fps: float | None = None) -> None:
        self.source, self.max_side = source, max_side
        self.read = self.lost = 0
        self.rotation = 0
        self._aspect = 1.
        self._first: tuple[int, int] | None = None
        self._size: tuple[int, int] | None = None
        if source.frames:
            self.rate, self.expected = folder_fps or fps, len(source.frames)
        else:
            self._capture = _open(source.path)
            rate = self._capture.get(cv2.CAP_PROP_FPS)
            self.rate = rate if 0 < rate <= MOST_RATE else 0.
            self.expected = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
            self.rotation = int(self._capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360
            across, down = (self._capture.get(key) for key in (cv2.CAP_PROP_SAR_NUM, cv2.CAP_PROP_SAR_DEN))
            if across > 0 and down > 0:
                self._aspect = down / across if self.rotation % 180 else across / down
        step = pick_step(self.rate, fps)
        self.interval = step / self.rate if self.rate else 1 / fps
        self.end = 0.

    @property
    def duration(self) -> float:
        """Seconds that the source takes, by its header."""
        return self.expected / self.rate if self.rate else 0.

    @property
    def picks(self) -> int:
        """About how many frames will be read."""
        return max(1, round(self.duration / self.interval))

    def __iter__(self) -> Iterator[TimedFrame]:
        due = 0.
        slack = min(0.5 / self.rate if self.rate else self.interval, self.interval) / 2
        frames = self._of_folder() if self.source.frames else self._of_file()
        for time, decode in frames:
            if time < due - slack:
                continue
            image = decode()
            if image is None or not self._fits(image):
                self.lost += 1
                continue
            due = (due if time - due < self.interval / 2 else time) + self.interval
            yield TimedFrame(time, self._shaped(image))

    def _of_file(self):
        last = -1.
        try:
            while self._capture.grab():
                time = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                if not last < time < last + 1e6:  # some files have no time stamps
                    time = last + 1 / self.rate if self.rate and self.read else self.read * self.interval
                last = time
                self.read += 1
                yield time, self._retrieve
        finally:
            self._capture.release()
        self.end = last + (1 / self.rate if self.rate else 0)
        missing = self.duration - self.end
        if self.read and self.rate and missing > max(LOST_SECONDS, LOST_FRAMES / self.rate):
            self.lost += round(missing * self.read / self.end)

    def _retrieve(self) -> np.ndarray | None:
        good, image = self._capture.retrieve()
        return image if good else None

    def _of_folder(self):
        for index, path in enumerate(self.source.frames):
            self.read += 1
            self.end = (index + 1) / self.rate
            yield index / self.rate, lambda path=path: self._read(path)

    def _read(self, path: Path) -> np.ndarray | None:
        try:
            return read_image(path)
        except InputError:
            self.read -= 1
            return None

    def _fits(self, image: np.ndarray) -> bool:
        """Whether a frame has the aspect of the first."""
        height, width = image.shape[:2]
        self._first = self._first or (width, height)
        return abs(width * self._first[1] / (height * self._first[0]) - 1) < SAME_ASPECT

    def _shaped(self, image: np.ndarray) -> np.ndarray:
        """A frame with square pixels, no larger than wanted; all frames in the size of the first."""
        if self._size is None:
            height, width = image.shape[:2]
            shown = width * max(self._aspect, 1), height * max(1 / self._aspect, 1)
            scale = min(1., self.max_side / max(shown))
            self._size = max(1, round(shown[0] * scale)), max(1, round(shown[1] * scale))
        if self._size == image.shape[1::-1]:
            return image
        shrinks = self._size[0] <= image.shape[1] and self._size[1] <= image.shape[0]
        return cv2.resize(image, self._size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _open(path: Path) -> cv2.VideoCapture:
    try:
        size = os.stat(path).st_size
    except OSError as error:
        raise InputError(f'{path}: cannot be read ({error.strerror})') from None
    if size == 0:
        raise InputError(f'{path}: the file is empty; copy it again')
    if cv2.CAP_FFMPEG not in cv2.videoio_registry.getStreamBackends():
        raise InputError(f'{path}: this build of OpenCV reads no videos (it has no FFmpeg); pip install opencv-python, '
                         'or give a folder of frames')
    level = cv2.getLogLevel()
    cv2.setLogLevel(ERRORS)  # its warning is said better below
    try:
        with open(path, 'rb') as file:  # OpenCV gets no name: some are not UTF-8
            capture = cv2.VideoCapture(f'/proc/self/fd/{file.fileno()}', cv2.CAP_FFMPEG)
    finally:
        cv2.setLogLevel(level)
    if not capture.isOpened():
        raise InputError(f'{path}: not a readable video: cut off before its index, as recordings are that were not '
                         'ended, or of a kind that OpenCV does not read; convert it to MP4 (ffmpeg -i FILE NEW.mp4), '
                         'or leave it out')
    return capture
