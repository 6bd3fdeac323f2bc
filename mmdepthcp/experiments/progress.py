"""What is shown of the output of stages while they run: all, nothing, or one line that says how far they are."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable

Display = Callable[[str], Callable[[bytes], None]]
"""Called with the title of a stage, it gives what is told the stage's output, and ``b''`` at its end."""

EPOCHS = re.compile(r'Epoch\(train\)\s+\[(\d+)\]\[\s*(\d+)/(\d+)\].*?eta: ((?:\d+ days?, )?[\d:]+)\s+time: ([\d.]+)')
ITERATIONS = re.compile(r'Iter\(train\)\s+\[\s*(\d+)/(\d+)\].*?eta: ((?:\d+ days?, )?[\d:]+)\s+time: ([\d.]+)')
FILES = re.compile(r'(\d+)/(\d+), ([\d.]+) task/s, elapsed: \S+, ETA:\s*(\d+)s')


def write_out(chunk: bytes) -> None:
    """Write to the standard output as it is."""
    sys.stdout.buffer.write(chunk)
    sys.stdout.flush()


def show_all(title: str) -> Callable[[bytes], None]:
    """A display that shows everything."""
    return write_out


def show_nothing(title: str) -> Callable[[bytes], None]:
    """A display that shows nothing."""
    return lambda chunk: None


def how_far(line: str) -> str | None:
    """What a line of output says about how far a training or a tool is, with rate and time left; None if nothing.

    Args:
        line: of the log of a training of MMEngine, or of its progress bar.

    Example:
        >>> how_far('[>>> ] 25/100, 5.0 task/s, elapsed: 5s, ETA:    15s')
        '25/100, 5.0 a second, 0:00:15 left'
    """
    if found := EPOCHS.search(line):
        epoch, done, count, left, seconds = found.groups()
        return f'epoch {epoch}, {done}/{count}, {float(seconds):.2f} s an iteration, {left} left'
    if found := ITERATIONS.search(line):
        done, count, left, seconds = found.groups()
        return f'{done}/{count}, {float(seconds):.2f} s an iteration, {left} left'
    if found := FILES.search(line):
        done, count, rate, left = found.groups()
        minutes, seconds = divmod(int(left), 60)
        return f'{done}/{count}, {rate} a second, {minutes // 60}:{minutes % 60:02d}:{seconds:02d} left'
    return None


def show_progress(title: str) -> Callable[[bytes], None]:
    """A display that keeps one line of a terminal up to date."""
    rest = ''

    def feed(chunk: bytes) -> None:
        nonlocal rest
        width = shutil.get_terminal_size().columns - 1
        if not chunk:
            sys.stdout.write(f'\r{"":<{width}}\r')
            return
        *lines, rest = re.split(r'[\r\n]', rest + chunk.decode(errors='replace'))
        news = [text for line in [*lines, rest] if (text := how_far(line))]
        if news:
            line = f'{title}: {news[-1]}'[:width]
            sys.stdout.write(f'\r{line:<{width}}\r')
            sys.stdout.flush()

    return feed
