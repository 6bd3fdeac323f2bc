"""Which frames of a video belong together: cuts, frames that stand still, frames that show nothing.

All measures see grey frames shrunk to a width of 160 pixels, and do not depend on exposure: brightness and contrast of
two frames are made equal before they are compared. Thresholds were chosen on street video with 10 frames a second
(KITTI, a motorway).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import cv2
import numpy as np

SMALL_WIDTH = 160
LEAST_CONTRAST, DARK = 3., 24.
"""Standard deviation of grey levels, and the level that 99 of 100 pixels of a black frame lie below."""
TEXTURED = 0.25
"""Share of pixels, those with the steepest edges, in which motion is looked for."""
LEAST_EDGE = 2.
"""Grey levels per pixel."""
STILL = 0.05
"""Motion in pixels of the small frame below which a camera stands still. Driving clips of KITTI and of a motorway: 0.17
and more; 0.10 and more at 9 km/h; 0.02 where a car waits and nothing passes it."""
NOISE = 1.
"""Pixels of the small frame over which the noise of the camera is averaged."""
SAME_SCENE = 0.5
"""Likeness below which a cut lies between two frames. KITTI: 99 % of successive frames lie above 0.79; of frames from
different places 95 % lie below 0.49."""
LONGEST_FOR_CUTS = 0.25
"""Seconds; frames further apart differ by motion as much as by cuts."""
GAP = 2.5
"""Time between frames, in intervals, from which on a new shot begins."""
WAIT = 5
"""Frames in a row that may stand still within a shot."""


def to_small_grey(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) BGR or (H, W) uint8 → (h, 160) uint8."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    height = max(8, round(SMALL_WIDTH * grey.shape[0] / grey.shape[1]))
    return cv2.resize(grey, (SMALL_WIDTH, height), interpolation=cv2.INTER_AREA)


def is_blank(grey: np.ndarray) -> bool:
    """Whether a small grey frame is black, or of one colour."""
    return bool(grey.std() < LEAST_CONTRAST or np.percentile(grey, 99) < DARK)


def _like_exposed(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two frames as float32 without noise, the second with mean and contrast of the first."""
    first, second = first.astype(np.float32), second.astype(np.float32)
    first, second = (cv2.GaussianBlur(frame, (0, 0), NOISE) for frame in (first, second))
    gain = first.std() / max(second.std(), 1e-3)
    return first, (second - second.mean()) * gain + first.mean()


def apparent_motion(first: np.ndarray, second: np.ndarray) -> float:
    """How far edges have moved between two small grey frames (h, w), in pixels: the median over the steepest of the
    change in grey level by its slope (normal flow), which tells small motions only; large ones come out near 1.
    """
    first, second = _like_exposed(first, second)
    middle = (first + second) / 2
    slope = np.hypot(cv2.Sobel(middle, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(middle, cv2.CV_32F, 0, 1, scale=1 / 8))
    steep = slope >= max(np.quantile(slope, 1 - TEXTURED), LEAST_EDGE)
    return float(np.median(np.abs(second - first)[steep] / slope[steep])) if steep.any() else 0.


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Correlation, -1..1, of two small grey frames (h, w) in structures of 3 to 16 pixels."""
    bands = [cv2.GaussianBlur(frame, (0, 0), 3) - cv2.GaussianBlur(frame, (0, 0), 16)
             for frame in (first.astype(np.float32), second.astype(np.float32))]
    norm = np.sqrt((bands[0] ** 2).sum() * (bands[1] ** 2).sum())
    return float((bands[0] * bands[1]).sum() / max(norm, 1e-6))


class Fate(Enum):
    """What becomes of a frame."""

    NEW_SHOT = 'new shot'
    KEPT = 'kept'
    STILL = 'still'
    BLACK = 'black'


@dataclass
class ShotSplitter:
    """Splits the frames of a video into shots, given one after the other.

    A frame that has not moved since the last that was kept is left out, and so is one that is black. A shot ends with a
    cut, a gap in time, black, or when the camera stands still for longer.

    Args:
        interval: seconds between frames.
    """

    interval: float
    _kept: np.ndarray | None = field(default=None, init=False)
    _last: np.ndarray | None = field(default=None, init=False)
    _time: float = field(default=0., init=False)
    _waited: int = field(default=0, init=False)

    def __call__(self, time: float, grey: np.ndarray) -> Fate:
        """What becomes of the frame at ``time`` seconds, given small and grey."""
        if is_blank(grey):
            self._kept = self._last = None
            return Fate.BLACK
        last, before = self._last, self._time
        self._last, self._time = grey, time
        starts = last is None or time - before > GAP * self.interval or (
            self.interval <= LONGEST_FOR_CUTS and likeness(last, grey) < SAME_SCENE)
        if not starts and self._kept is not None and apparent_motion(self._kept, grey) < STILL:
            self._waited += 1
            return Fate.STILL
        starts = starts or self._waited > WAIT
        self._kept, self._waited = grey, 0
        return Fate.NEW_SHOT if starts else Fate.KEPT
