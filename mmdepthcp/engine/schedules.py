"""Settings that change in the course of a training, functions of the iteration alone: resuming needs nothing else."""

from __future__ import annotations


def decayed(value: float, factor: float, interval: int, iteration: int) -> float:
    """A value that is multiplied by ``factor`` after every ``interval`` iterations.

    Args:
        value: at the start.
        factor: of a change.
        interval: iterations between changes; 0: it never changes.
        iteration: from 0. A change made at the end of iteration k acts from k + 1 on.

    Example:
        >>> [round(decayed(0.19, 0.6, 250, iteration), 4) for iteration in (0, 250, 251, 501)]
        [0.19, 0.19, 0.114, 0.0684]
    """
    return value * factor ** (max(iteration - 1, 0) // interval) if interval else value


def shrunk(side: int, factor: float, interval: int, iteration: int, at_start: bool = False) -> int:
    """A side of a grid of points that becomes ⌊side · factor⌋ after every ``interval`` iterations.

    Args:
        side, factor, interval, iteration: see :func:`decayed`.
        at_start: whether it shrinks after the very first iteration too, as the published code of Sick et al. does.

    Example:
        >>> [shrunk(11, 0.9, 1000, iteration, at_start=True) for iteration in (0, 1, 1001, 2001)]
        [11, 9, 8, 7]
    """
    if not interval or not iteration:
        return side
    for _ in range((iteration - 1) // interval + at_start):
        side = int(side * factor)
    return side


def teacher_share(update: int, limit: float = 0.99) -> float:
    """What a teacher keeps of itself in an update, the rest comes from its student: min(1 − 1 / (t + 1), limit), so
    that it is the mean over all of its student's states until the limit is reached (Tarvainen & Valpola, "Mean teachers
    are better role models", NeurIPS 2017).

    Args:
        update: t, from 1.
        limit: in 0..1.

    Example:
        >>> [round(teacher_share(update), 4) for update in (1, 2, 3, 98, 99, 1000)]
        [0.5, 0.6667, 0.75, 0.9899, 0.99, 0.99]
    """
    return min(1 - 1 / (update + 1), limit)
