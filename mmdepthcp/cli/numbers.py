"""Numbers on the command line, with the range that makes sense; argparse names the option when one lies outside."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Any

MOST_SEED = 2**32 - 1


def whole(least: int = 0, most: int | None = None) -> Callable[[str], int]:
    """An argparse type: whole numbers from ``least`` on, to ``most`` if there is one."""
    span = f'from {least} on' if most is None else f'in {least}..{most}'

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f'expected a whole number {span}, got {text!r}')
        return value

    return read


def above(least: float = 0.) -> Callable[[str], float]:
    """An argparse type: finite numbers above ``least``."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value > least):
            raise argparse.ArgumentTypeError(f'expected a number above {least:g}, got {text!r}')
        return value

    return read


def number(text: str) -> float:
    """An argparse type: finite numbers."""
    try:
        return above(-math.inf)(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f'expected a number, got {text!r}') from None


class Size(argparse.Action):
    """Of an option for width and height: no more pixels than are read of an image."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
                 option_string: str | None = None) -> None:
        from mmdepthcp.utils.images import MAX_IMAGE_PIXELS

        width, height = values
        if width * height > MAX_IMAGE_PIXELS:
            raise argparse.ArgumentError(self, f'expected a size of at most {MAX_IMAGE_PIXELS} pixels, the largest '
                                               f'that is read again, got {width}x{height}')
        setattr(namespace, self.dest, (width, height))


def seed(text: str) -> int:
    """An argparse type: seeds, 0..2³²−1."""
    return whole(0, MOST_SEED)(text)
