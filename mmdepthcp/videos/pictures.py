"""A picture to look at: some frames of every shot with their times, and where the bonnet was cut off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

THUMB_WIDTH, ACROSS, LINE = 240, 6, 18
MOST_SHOTS = 12
"""Of a source."""
MOST_ROWS = 16_000
"""Height of a picture, in pixels; JPEG ends at 65 535."""
RED, WHITE = (0, 0, 255), (255, 255, 255)


class Thumb(NamedTuple):
    """A small whole frame.

    Attributes:
        time: seconds from the beginning of the video.
        image: (h, 240, 3) uint8, BGR.
    """

    time: float
    image: np.ndarray


def to_thumb(time: float, image: np.ndarray) -> Thumb:
    """Shrink a frame, (H, W, 3) uint8."""
    height = max(1, round(THUMB_WIDTH * image.shape[0] / image.shape[1]))
    return Thumb(time, cv2.resize(image, (THUMB_WIDTH, height), interpolation=cv2.INTER_AREA))


class Thinned:
    """Items of a sequence of whatever length, evenly spread: when there are too many every second goes.

    Args:
        most: how many are wanted; fewer than four times as many are held.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._items: list = []
        self._step, self._seen = 1, 0

    def add(self, make: Callable[[], Any]) -> None:
        """Take what ``make`` gives, or pass it by."""
        if self._seen % self._step == 0:
            self._items.append(make())
            if len(self._items) == 4 * self.most:
                self._items, self._step = self._items[::2], 2 * self._step
        self._seen += 1

    def some(self) -> list:
        """As many as are wanted, if there were as many."""
        return evenly(self._items, self.most)


def evenly(items: Sequence, most: int) -> list:
    """At most so many of a list, evenly spread, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[index] for index in np.linspace(0, len(items) - 1, most).round().astype(int)]


def draw_shot(title: str, thumbs: Sequence[Thumb], bonnet: float) -> np.ndarray:
    """A row of the picture.

    Args:
        title: of the shot.
        thumbs: at most six, of one size.
        bonnet: share of the height below the red line.

    Returns:
        (18 + h, 1440, 3) uint8.
    """
    height = thumbs[0].image.shape[0]
    row = np.full((LINE + height, ACROSS * THUMB_WIDTH, 3), 32, np.uint8)
    _write(row, title, (4, LINE - 5))
    for index, thumb in enumerate(thumbs):
        part = row[LINE:, index * THUMB_WIDTH:(index + 1) * THUMB_WIDTH]
        part[:] = thumb.image
        if bonnet:
            line = min(height - 1, round(height * (1 - bonnet)))
            part[line:] //= 2
            part[max(0, line - 2):line] = RED
        minutes, seconds = divmod(thumb.time, 60)
        _write(part, f'{minutes:.0f}:{seconds:04.1f}', (4, 14))
    return row


def _write(image: np.ndarray, text: str, at: tuple[int, int]) -> None:
    plain = text.encode('ascii', 'replace').decode()
    for colour, width in (((0, 0, 0), 3), (WHITE, 1)):
        cv2.putText(image, plain, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, width, cv2.LINE_AA)


def stack(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of one width under each other, as many as have place."""
    heights = np.cumsum([len(row) for row in rows])
    return np.vstack([row for row, below in zip(rows, heights, strict=True) if below <= MOST_ROWS or row is rows[0]])
