"""Taking times and memory, and keeping them as JSON and CSV."""

from __future__ import annotations

import csv
import ctypes
import gc
import importlib.metadata
import multiprocessing
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import atomic_path


class Timing(NamedTuple):
    """Median and quartiles of repeated runs, in seconds."""

    median_s: float
    q1_s: float
    q3_s: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Timing:
        """From the seconds of single runs, at least one."""
        q1, median, q3 = np.percentile(seconds, [25, 50, 75])
        return cls(float(median), float(q1), float(q3))

    def per(self, count: int) -> Timing:
        """The same for one of ``count`` things that were done in each run."""
        return Timing(*(seconds / count for seconds in self))


@dataclass(frozen=True)
class Measurement:
    """One row of the results.

    Attributes:
        name: what was measured.
        settings: sizes and options that it was measured with.
        median_s, q1_s, q3_s: seconds, median and quartiles.
        plain_median_s: the plain version's median, where there is one.
        ratio: ``plain_median_s / median_s``.
        peak_mb: peak memory in MiB; what it counts depends on the benchmark and is said there.
        figures: whatever else was measured.
        threads: threads that the numeric libraries might use.
        seed: of everything random.
        commit: of the code, with ``-dirty`` if tracked files differed from it.
        machine: processor, cores, GPU, versions.
    """

    name: str
    settings: dict[str, Any]
    median_s: float
    q1_s: float
    q3_s: float
    plain_median_s: float | None = None
    ratio: float | None = None
    peak_mb: float | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    threads: int = 1
    seed: int = 0
    commit: str = ''
    machine: str = ''

    @classmethod
    def of(cls, name: str, settings: dict[str, Any], timing: Timing, plain: Timing | None = None,
           **kwargs: Any) -> Measurement:
        """A row from timings; ``kwargs`` are further attributes."""
        plain_median = None if plain is None else plain.median_s
        ratio = None if plain is None else plain.median_s / timing.median_s
        return cls(name, settings, *timing, plain_median_s=plain_median, ratio=ratio, **kwargs)

    @property
    def key(self) -> tuple:
        """What a newer row has in common with the one that it replaces in a CSV file."""
        return self.name, _words(self.settings), self.threads, self.machine


def _words(values: Mapping[str, Any]) -> str:
    return '; '.join(f'{name}={_cell(value)}' for name, value in values.items())


def _cell(value: Any) -> str:
    if value is None:
        return ''
    if isinstance(value, Mapping):
        return _words(value)
    return f'{value:.4g}' if isinstance(value, float) else str(value)


def _schedule(repeats: Mapping[str, int]) -> list[str]:
    """Names in an order that spreads the runs of each evenly over the whole."""
    return [name for _, name in sorted(
        ((run + 0.5) / count, name) for name, count in repeats.items() for run in range(count))]


def time_side_by_side(
        calls: Mapping[str, Callable[[], Any]], repeats: Mapping[str, int], warmup: int = 1,
        synchronise: Callable[[], Any] = lambda: None) -> dict[str, Timing]:
    """Time several functions in turn, so that what else the machine does strikes all alike.

    Args:
        calls: the functions by name.
        repeats: timed runs of each.
        warmup: runs of each before, not timed.
        synchronise: waits until the device has finished; called before and after every run.
    """
    for _ in range(warmup):
        for call in calls.values():
            call()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for name in _schedule(repeats):
        synchronise()
        start = time.perf_counter()
        calls[name]()
        synchronise()
        seconds[name].append(time.perf_counter() - start)
    return {name: Timing.of(values) for name, values in seconds.items()}


class StageClock:
    """Seconds of the stages of a step, step by step.

    Args:
        synchronise: waits until the device has finished.
    """

    def __init__(self, synchronise: Callable[[], Any] = lambda: None) -> None:
        self.synchronise = synchronise
        self.steps: list[dict[str, float]] = []

    def new_step(self) -> None:
        """Count what follows as the next step."""
        self.steps.append({})

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Add the time of the block to ``stage``; stages inside of it count for themselves only."""
        self.synchronise()
        step, start = self.steps[-1], time.perf_counter()
        inner = sum(step.values())
        yield
        self.synchronise()
        inside = sum(step.values()) - inner
        step[stage] = step.get(stage, 0.0) + time.perf_counter() - start - inside

    def watch(self, owner: Any, method: str, stage: str) -> None:
        """From now on count the time of ``owner.method`` as ``stage``."""
        function = getattr(owner, method)

        def watched(*args: Any, **kwargs: Any) -> Any:
            with self(stage):
                return function(*args, **kwargs)

        setattr(owner, method, watched)

    def medians(self, skip: int = 0) -> dict[str, float]:
        """Median seconds of each stage over the steps from the ``skip``-th on."""
        steps = self.steps[skip:]
        stages = dict.fromkeys(stage for step in steps for stage in step)
        return {stage: float(np.median([step.get(stage, 0.0) for step in steps])) for stage in stages}

    def total(self, skip: int = 0) -> Timing:
        """Of whole steps, from the ``skip``-th on."""
        return Timing.of([sum(step.values()) for step in self.steps[skip:]])


def _process_mb(file: str, names: str, process: int | str = 'self') -> float:
    found = re.findall(rf'^(?:{names}):\s+(\d+) kB', Path('/proc', str(process), file).read_text(), re.MULTILINE)
    return sum(map(int, found)) / 1024


def peak_of_this_process() -> float:
    """Largest resident size of this process so far in MiB."""
    return _process_mb('status', 'VmHWM')


def private_memory(process: int) -> float:
    """MiB of a process that it shares with no other."""
    return _process_mb('smaps_rollup', 'Private_Clean|Private_Dirty', process)


def _measure_peak(make: Callable[..., Callable[[], Any]], args: tuple, threads: int) -> float:
    set_threads(threads)
    call = make(*args)
    call()  # compiled kernels and libraries are not what the call itself takes
    gc.collect()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
        Path('/proc/self/clear_refs').write_text('5')  # forgets the peak so far
    before = _process_mb('status', 'VmRSS')
    call()
    return max(peak_of_this_process() - before, 0.0)


def _keep_quiet() -> None:
    """Drop what the mm* packages print at import."""
    sys.stdout = open(os.devnull, 'w')


def measure_peak(make: Callable[..., Callable[[], Any]], *args: Any, threads: int = 1) -> float:
    """MiB that a call adds to a fresh process at its peak (Linux only).

    Args:
        make: a module's function; ``make(*args)`` prepares the input and returns the call to measure.
        args: arguments that can be pickled.
        threads: see :func:`set_threads`.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context('forkserver'), _keep_quiet) as pool:
        return pool.submit(_measure_peak, make, args, threads).result()


def set_threads(threads: int) -> None:
    """Let the numeric libraries of this process use so many threads."""
    import cv2
    import threadpoolctl

    cv2.setNumThreads(0 if threads == 1 else threads)
    threadpoolctl.threadpool_limits(threads)
    if 'torch' in sys.modules:
        sys.modules['torch'].set_num_threads(threads)


def _processor() -> str:
    with suppress(OSError):
        found = re.search(r'model name\s*: (.+)', Path('/proc/cpuinfo').read_text())
        if found:
            return re.sub(r'\s+', ' ', found[1].replace('Processor', '')).strip()
    return platform.processor() or platform.machine()


def describe_machine(device: str = 'cpu') -> str:
    """Processor, cores, GPU if ``device`` is one, and the versions that matter."""
    parts = [_processor(), f'{len(os.sched_getaffinity(0))} cores']
    if device != 'cpu':
        import torch

        parts.append(torch.cuda.get_device_name(device))
    parts.append(f'Python {platform.python_version()}')
    for package in ('torch', 'numba'):
        with suppress(importlib.metadata.PackageNotFoundError):
            parts.append(f'{package} {importlib.metadata.version(package)}')
    return ', '.join(parts)


def growth_exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Slope of the straight line through (log size, log value): 1 where the value grows in proportion."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def as_table(rows: Iterable[Measurement]) -> str:
    """The rows in words, one block each."""
    lines = []
    for row in rows:
        parts = [f'{row.median_s:.4g} s ({row.q1_s:.4g} to {row.q3_s:.4g})']
        if row.plain_median_s is not None:
            parts.append(f'plain {row.plain_median_s:.4g} s, ratio {row.ratio:.3g}')
        if row.peak_mb is not None:
            parts.append(f'peak {row.peak_mb:.0f} MiB')
        lines += [f'{row.name}  [{_words(row.settings)}; threads={row.threads}]', f'    {", ".join(parts)}']
        if row.figures:
            lines.append(f'    {_words(row.figures)}')
    return '\n'.join(lines)


COLUMNS = tuple(column.name for column in fields(Measurement))


def write_rows(rows: Sequence[Measurement], path: str | os.PathLike) -> None:
    """Put rows into a CSV file: those that measured the same on the same machine are replaced, others kept."""
    path = Path(path)
    table = {row.key: {name: _cell(value) for name, value in asdict(row).items()} for row in rows}
    kept = {}
    if path.exists():
        for row in read_rows(path):
            key = row['name'], row['settings'], int(row['threads']), row['machine']
            kept[key] = row
    with atomic_path(path) as aside, aside.open('w', newline='') as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator='\n')
        writer.writeheader()
        writer.writerows({**kept, **table}.values())


def read_rows(path: str | os.PathLike) -> list[dict[str, str]]:
    """The rows of such a CSV file, as text.

    Raises:
        InputError: the file is missing or has other columns.
    """
    try:
        with Path(path).open(newline='') as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except FileNotFoundError:
        raise InputError(f'{path}: no such file') from None
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise InputError(f'{path}: holds no results of python -m benchmarks (its columns differ); name another file')
    return rows
