"""The order in time of frames, from their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from mmdepthcp.utils.errors import InputError

DIGITS = re.compile(r'[0-9]+')
SECONDS = re.compile(r'(?<![0-9.])([0-9]{9,})\.([0-9]{1,9})(?![0-9])')
"""A time stamp in seconds with a fraction: 1305031102.175304."""
CLOCK = re.compile(r'(?<![0-9])((?:19|20)[0-9]{2})([-_.])([01][0-9])\2([0-3][0-9])[-_.T ]([0-2][0-9])([-_.])'
                   r'([0-5][0-9])\6([0-5][0-9])(?:[-_.]([0-9]{1,9}))?(?![0-9])')
"""Date and time of day with signs between all their parts: 2016_12_01_13_30_48_287."""
MOST_CAMERAS, CAMERA_DIGITS = 8, 2


class FrameClip(NamedTuple):
    """Frames that belong together.

    Attributes:
        name: what their names have in common.
        frames: number in time → name.
    """

    name: str
    frames: dict[int, str]


@dataclass
class _Column:
    """A number in the names of one kind.

    Attributes:
        first: index of its first group of digits in the name.
        last: index of its last one, another for times that are written with signs between.
        values: its value in each name.
        digits: most digits of a value.
    """

    first: int
    last: int
    values: list[int]
    digits: int

    @property
    def distinct(self) -> int:
        return len(set(self.values))


def clips_by_name(stems: Sequence[str]) -> tuple[list[FrameClip], list[str]]:
    """Which files of one folder are the frames of one clip, and their order in time.

    Names belong together that differ in numbers only. If one of these numbers varies, it counts the frames. If
    several do, the last one counts them and the others tell clips apart (``<drive>_<sequence>_<frame>``), unless
    several grow together: then the first one counts. Time stamps in seconds with a fraction, and date and time of
    day, are one number, in nanoseconds.

    Args:
        stems: different names, without suffix.

    Returns:
        The clips, and the names without such a number: those alone in their kind, or all where most of them are.

    Raises:
        InputError: two names have the same number, or it cannot be told which number counts frames: the last one may
            count cameras or images of a pair.
    """
    kinds: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for stem in sorted(stems):
        kinds[tuple(DIGITS.split(stem))].append(stem)
    alone = [stem for members in kinds.values() if len(members) == 1 for stem in members]
    if 2 * len(alone) > len(stems):
        return [], sorted(stems)
    return [clip for members in kinds.values() if len(members) > 1 for clip in _clips_of_kind(members)], alone


def _clips_of_kind(stems: list[str]) -> list[FrameClip]:
    columns = _columns(stems)
    varying = [column for column in columns if column.distinct > 1]
    time, telling_apart = _time(stems, varying) if len(varying) > 1 else ((varying or columns)[-1], [])
    clips: dict[tuple[int, ...], dict[int, str]] = defaultdict(dict)
    for index, stem in enumerate(stems):
        frames = clips[tuple(column.values[index] for column in telling_apart)]
        other = frames.setdefault(time.values[index], stem)
        if other != stem:
            raise InputError(f'{other} and {stem} are both frame {time.values[index]} of a clip; remove or rename one')
    return [FrameClip(_name_without(time, next(iter(frames.values()))), frames) for frames in clips.values()]


def _columns(stems: list[str]) -> list[_Column]:
    """The numbers in names of one kind."""
    tokens = [DIGITS.findall(stem) for stem in stems]
    columns = [_Column(index, index, [int(token) for token in group], max(map(len, group)))
               for index, group in enumerate(zip(*tokens, strict=True))]
    for pattern, value in ((SECONDS, _nanoseconds), (CLOCK, _clock_nanoseconds)):
        matches = [pattern.search(stem) for stem in stems]
        ranges = {(len(DIGITS.findall(stem[:match.start()])), len(DIGITS.findall(match[0])))
                  for stem, match in zip(stems, matches, strict=True) if match}
        if all(matches) and len(ranges) == 1:
            (first, count), = ranges
            times = [value(*match.groups()) for match in matches if match]
            if pattern is CLOCK and _counts_behind_the_clock([match[0] for match in matches if match]):
                continue
            merged = _Column(first, first + count - 1, times, max(len(str(time)) for time in times))
            columns = [column for column in columns if not first <= column.first < first + count]
            return sorted([*columns, merged], key=lambda column: column.first)
    return columns


def _counts_behind_the_clock(texts: list[str]) -> bool:
    """Whether what follows the seconds counts frames rather than parts of a second: it grows by one or in length."""
    behind = [DIGITS.findall(text)[6:] for text in texts]
    if not all(behind):
        return any(behind)
    numbers = sorted({int(digits) for digits, in behind})
    return len({len(digits) for digits, in behind}) > 1 or 1 in (two - one for one, two in pairwise(numbers))


def _nanoseconds(seconds: str, fraction: str) -> int:
    return int(seconds) * 10**9 + int(fraction.ljust(9, '0'))


def _clock_nanoseconds(year: str, _: str, month: str, day: str, hour: str, __: str, minute: str, second: str,
                       fraction: str | None) -> int:
    days = (int(year) * 12 + int(month)) * 31 + int(day)  # all that counts is the order
    seconds = ((days * 24 + int(hour)) * 60 + int(minute)) * 60 + int(second)
    return _nanoseconds(str(seconds), fraction or '0')


def _time(stems: list[str], varying: list[_Column]) -> tuple[_Column, list[_Column]]:
    """The number that counts frames, and those that tell clips apart, where several vary."""
    unique = [column for column in varying if column.distinct == len(stems)]
    if len(unique) > 1 or (unique and unique[0] is not varying[-1]):
        time, others = unique[0], [column for column in varying if column not in unique]
        ranks = sorted(range(len(stems)), key=time.values.__getitem__)
        together = all(column.values[one] < column.values[two] for column in unique for one, two in pairwise(ranks))
        if together and not any(_may_count_cameras(column) for column in others):
            return time, [column for column in others if _is_in_blocks(column, ranks)]
    else:
        time, others = varying[-1], varying[:-1]
        groups = len(set(zip(*(column.values for column in others), strict=True)))
        most = max(column.distinct for column in others)
        pairs = _may_count_cameras(time) and (time.distinct == 2 or most > time.distinct)
        if groups < len(stems) and not pairs:
            return time, others
    raise InputError(f'{stems[0]}, {stems[1]}: which number in such names counts frames cannot be told, for the '
                     'last one may stand for a camera or an image of a pair; give every camera and clip a folder of '
                     'its own (links will do), where only the number of the frame varies')


def _may_count_cameras(column: _Column) -> bool:
    return column.digits <= CAMERA_DIGITS and column.distinct <= MOST_CAMERAS


def _is_in_blocks(column: _Column, order: list[int]) -> bool:
    """Whether equal values of a column lie side by side in an order of the names."""
    return sum(column.values[one] != column.values[two] for one, two in pairwise(order)) == column.distinct - 1


def _name_without(time: _Column, stem: str) -> str:
    spans = [match.span() for match in DIGITS.finditer(stem)]
    around = stem[:spans[time.first][0]].rstrip('_-. '), stem[spans[time.last][1]:].lstrip('_-. ')
    return '_'.join(filter(None, around))
