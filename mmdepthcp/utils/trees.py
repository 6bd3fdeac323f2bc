"""Work over whole trees of files: restart, shards, processes, progress, failures by file."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO, TypeVar

from mmdepthcp.utils.errors import InputError, speech
from mmdepthcp.utils.processes import end_with_parent

if TYPE_CHECKING:
    from mmengine.utils import ProgressBar

T = TypeVar('T')


class Failure(NamedTuple):
    """A file that could not be processed, and why."""

    path: str
    message: str


def parse_shard(text: str) -> tuple[int, int]:
    """Read ``'i/n'`` (shard i of n, i = 0..n−1) as ``(i, n)``; an argparse type.

    Raises:
        argparse.ArgumentTypeError: the text is no such pair.
    """
    try:
        index, count = (int(part) for part in text.split('/'))
    except ValueError:
        index, count = -1, 0
    if not 0 <= index < count:
        raise argparse.ArgumentTypeError(f"'{text}' is not a shard; write i/n with i = 0..n-1, such as 0/4")
    return index, count


def default_shard() -> tuple[int, int]:
    """The shard of this process, by the variables of torchrun or srun; (0, 1) elsewhere."""
    for rank, world_size in (('RANK', 'WORLD_SIZE'), ('SLURM_PROCID', 'SLURM_STEP_NUM_TASKS')):
        if rank in os.environ and world_size in os.environ:
            return int(os.environ[rank]), int(os.environ[world_size])
    return 0, 1


def local_device(name: str | None = None) -> str:
    """The device that this process works on.

    Several processes of one machine (torchrun, srun) share its GPUs by their numbers on it, also where the user asks
    for ``'cuda'``.

    Args:
        name: what the user asks for; by default a GPU, if there is one.
    """
    import torch

    if name is None:
        name = 'cuda' if torch.cuda.is_available() else 'cpu'
    rank = next((os.environ[key] for key in ('LOCAL_RANK', 'SLURM_LOCALID') if os.environ.get(key)), None)
    if name == 'cuda' and rank is not None and torch.cuda.device_count():
        return f'cuda:{int(rank) % torch.cuda.device_count()}'
    return name


def select_files(files: Sequence[T], is_done: Callable[[T], bool],
                 shard: tuple[int, int] = (0, 1)) -> list[T]:
    """The files of shard ``(i, n)``, every n-th from the i-th on, that are not done yet.

    The shards are cut before finished files are left out, so that they stay the same after a restart.
    """
    index, count = shard
    if count > 1:
        print(f'shard {index} of {count}: {len(files[index::count])} of {len(files)} files')
    return [file for file in files[index::count] if not is_done(file)]


def describe_error(error: Exception) -> str:
    """The words for a failure list: the message, led by the type unless it is meant for the user
    (InputError).
    """
    return str(error) if isinstance(error, InputError) else f'{type(error).__name__}: {error}'


class WorkerKilled(RuntimeError):
    """A process that did part of the work was killed from outside."""


def start_worker(parent: int | None = None) -> None:
    """Begin as one of several processes that share the cores: with one thread for the numeric libraries, and to end
    with the process that started this one, whose id is ``parent``, if known.
    """
    end_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    use_one_thread()


def use_one_thread() -> None:
    """Let the numeric libraries of this process use one thread; for processes that share the cores."""
    import cv2
    import threadpoolctl

    cv2.setNumThreads(0)
    threadpoolctl.threadpool_limits(1)
    if 'torch' in sys.modules:
        sys.modules['torch'].set_num_threads(1)


def _attempt(worker: Callable[[T], object], file: T) -> Failure | None:
    try:
        worker(file)
    except Exception as error:
        return Failure(str(file), describe_error(error))
    return None


def _run(worker: Callable[[T], object], files: Sequence[T], num_workers: int) -> Iterable[Failure | None]:
    if num_workers < 2:
        yield from (_attempt(worker, file) for file in files)
        return
    context = multiprocessing.get_context()
    parent = os.getpid() if context.get_start_method() == 'fork' else None
    with ProcessPoolExecutor(num_workers, context, start_worker, (parent,)) as pool:
        try:
            for future in as_completed([pool.submit(_attempt, worker, file) for file in files]):
                yield future.result()
        except BrokenProcessPool:
            raise WorkerKilled('a worker process was killed, most often for want of memory; use fewer workers. '
                               'Finished files are kept: run the same command again') from None
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


LINE_EVERY = 30.0
"""Seconds between the lines of progress in a log file."""


def progress_bar(total: int, file: TextIO | None = None) -> ProgressBar:
    """MMEngine's progress bar with rate and time left, redrawn at most 100 times; where no terminal shows it, a line
    now and then and one at the end.

    Args:
        total: how many there are to do.
        file: where it is printed; default the standard output. A quiet program prints it nowhere.
    """
    from mmengine.utils import ProgressBar

    stream = sys.stdout if file is None or speech.quiet else file
    on_terminal = stream.isatty()

    class SparseProgressBar(ProgressBar):
        waiting = 0
        said = 0.

        def start(self) -> None:
            self.file = stream if on_terminal else _Lines(stream)
            super().start()

        def update(self, num_tasks: int = 1) -> None:
            self.waiting += num_tasks
            done = self.completed + self.waiting
            elapsed = self.timer.since_start()
            due = self.waiting >= max(1, total // 100) if on_terminal else elapsed - self.said >= LINE_EVERY
            if due or done >= total > self.completed:
                super().update(self.waiting)
                self.waiting, self.said = 0, elapsed
                if on_terminal and done >= total:
                    stream.write('\n')

    return SparseProgressBar(total, file=stream)


class _Lines:
    """A stream that MMEngine's bar is printed to: of every update a line, nothing of the empty bar at the start."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        if text.startswith('\r'):
            self.stream.write(text.partition('] ')[2] + '\n')

    def flush(self) -> None:
        self.stream.flush()


def track(items: Sequence[T], file: TextIO | None = None) -> Iterator[T]:
    """The items one after the other, with a :func:`progress_bar`."""
    bar = progress_bar(len(items), file)
    for item in items:
        yield item
        bar.update()


def process_tree(files: Sequence[T], worker: Callable[[T], object], num_workers: int = 0,
                 desc: str = '') -> list[Failure]:
    """Call ``worker(file)`` for every file and show progress; go on after a file that fails.

    Args:
        files: What is left to do (see :func:`select_files`); relative paths, or anything whose ``str`` names
            a file.
        worker: Does one file and writes its result; picklable (a module's function, ``functools.partial`` of
            one, an instance of a module's class) when processes are used. What it returns is ignored.
        num_workers: Number of processes; 0 and 1 work in this process.
        desc: What is being done, for the line above the bar.

    Returns:
        The failures, sorted by file.

    Raises:
        WorkerKilled: a worker process was killed.
    """
    if not files:
        return []
    if desc:
        print(f'{desc}: {len(files)} files')
    bar = progress_bar(len(files))
    failures = []
    for failure in _run(worker, files, num_workers):
        if failure is not None:
            failures.append(failure)
        bar.update()
    return sorted(failures)


def report_failures(failures: Sequence[Failure], total: int) -> int:
    """Print the failures by file to stderr; return the exit code of the tool, 1 if there are any, else 0."""
    for failure in failures:
        print(f'FAILED {failure.path}: {failure.message}', file=sys.stderr)
    if failures:
        print(f'{len(failures)} of {total} files failed; run the same command again once they are mended: '
              'finished files are skipped', file=sys.stderr)
    return int(bool(failures))


def image_key(path: str | os.PathLike) -> str:
    """The name of an image in the exports: its relative path without the suffix, '/' between folders."""
    return Path(path).with_suffix('').as_posix()
