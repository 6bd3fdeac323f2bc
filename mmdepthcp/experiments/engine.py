"""Running the stages of an experiment, several at once if need be, with `doit <https://pydoit.org>`_.

doit orders the stages, runs them in threads, and leaves out what builds on one that failed. What is finished is read
from the records of the stages (:mod:`mmdepthcp.experiments.records`): doit's own database is written when all has
ended, so that whatever a killed run had finished would be lost, and it does not know of commands that can go on.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from doit.control import TaskControl
from doit.dependency import Dependency
from doit.exceptions import BaseFail, TaskFailed, UnmetDependency
from doit.reporter import ConsoleReporter
from doit.runner import MThreadRunner, Runner
from doit.task import Task

from mmdepthcp.experiments.progress import Display, show_all, show_nothing
from mmdepthcp.experiments.records import CHANGED, FAILED, FINISHED, INTERRUPTED, record_path, state_of
from mmdepthcp.experiments.running import Commands, StageError, run_stage
from mmdepthcp.experiments.stages import Stage
from mmdepthcp.utils.errors import InputError

NOTES = {INTERRUPTED: ' (going on)', FAILED: ' (going on)', CHANGED: ' (command or config changed)'}


class _NoDatabase:
    """doit's database where the records of the stages are all there is to know."""

    def __init__(self, name: str, **_: Any) -> None:
        self.name = name

    def get(self, task_id: str, dependency: str) -> None:
        """Nothing is known."""

    def set(self, task_id: str, dependency: str, value: Any) -> None:
        """Nothing is kept."""

    def in_(self, task_id: str) -> bool:
        return False

    def remove(self, task_id: str) -> None:
        """Nothing is there."""

    remove_all = dump = lambda self: None


class _Reporter(ConsoleReporter):
    """Says which stage is where, and collects why stages failed."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        super().__init__(None, {})
        self.titles = titles
        self.errors: dict[str, Exception] = {}

    def execute_task(self, task: Task) -> None:
        """The stage says itself that it starts."""

    def skip_uptodate(self, task: Task) -> None:
        print(f'{self.titles[task.name]}: {FINISHED}, left as it is', flush=True)

    def add_success(self, task: Task) -> None:
        print(f'{self.titles[task.name]}: done in {task.values["seconds"]:.1f} s', flush=True)

    def add_failure(self, task: Task, fail: BaseFail) -> None:
        if isinstance(fail, UnmetDependency):
            failed = sorted(name for name in task.task_dep if name in self.errors)
            self.errors[task.name] = StageError(f'not started, for {", ".join(failed)} failed')
            return
        print(f'{self.titles[task.name]}: failed', flush=True)

    def complete_run(self) -> None:
        """All has been said."""


class _Seats:
    """Places for stages that run side by side, each with its part of the machine.

    Args:
        number: how many there are.
    """

    def __init__(self, number: int) -> None:
        devices = visible_devices() if number > 1 else []
        self._free: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
        for seat in range(number):
            share = {}
            if number > 1 and 'OMP_NUM_THREADS' not in os.environ:
                share['OMP_NUM_THREADS'] = str(max(1, len(os.sched_getaffinity(0)) // number))
            if devices:
                share['CUDA_VISIBLE_DEVICES'] = devices[seat % len(devices)]
            self._free.put(share)

    @contextlib.contextmanager
    def take(self) -> Iterator[dict[str, str]]:
        """Environment variables of a seat that is free."""
        seat = self._free.get()
        try:
            yield seat
        finally:
            self._free.put(seat)


def visible_devices() -> list[str]:
    """The GPUs that may be used, as ``CUDA_VISIBLE_DEVICES`` names them."""
    named = os.environ.get('CUDA_VISIBLE_DEVICES')
    if named is not None:
        return [name for name in named.split(',') if name]
    import torch

    return [str(index) for index in range(torch.cuda.device_count())]


@contextlib.contextmanager
def _ended_together(commands: Commands) -> Iterator[None]:
    """Take SIGTERM for Ctrl-C, and end all commands when the block is left."""
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, stop) if in_main else None
    try:
        yield
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, before)
        commands.end()


def _forget_what_builds_on(work_dir: str | os.PathLike, stage: Stage, stages: Sequence[Stage]) -> None:
    for later in stages:
        if stage in later.upstream:
            record_path(work_dir, later).unlink(missing_ok=True)


def run_stages(work_dir: str | os.PathLike, stages: Sequence[Stage], only: Sequence[str] = (),
               first: str | None = None, keep_going: bool = False, jobs: int = 1,
               launcher: Sequence[str] = (), display: Display | None = None) -> dict[str, Exception]:
    """Run the stages that are not finished. A stage that runs anew makes those that build on it unfinished.

    Args:
        work_dir: the experiment's folder.
        stages: all stages of the experiment, each after those that it builds on.
        only: run just the stages of these names, finished or not.
        first: run the stage of this name, finished or not, and all after it.
        keep_going: after a stage that failed go on with those that do not build on it.
        jobs: how many stages run at once. With several, their output goes to the logs alone, each has its own GPU
            where there are any, and its share of the cores unless ``OMP_NUM_THREADS`` is set.
        launcher: words in front of every command, such as ``srun -n 1``.
        display: shows what stages put out, beside their logs: called with the title of one, it gives a function that
            is told its output. By default all of it is shown where one stage runs at a time.

    Returns:
        The stages that failed or were not started because of that, and why; empty unless ``keep_going``.

    Raises:
        InputError: ``only`` or ``first`` names no stage.
        StageError: a stage failed; later ones were not started. Not with ``keep_going``.
    """
    display = display or (show_all if jobs == 1 else show_nothing)
    names = [stage.name for stage in stages]
    for name in [*only, *([first] if first else [])]:
        if name not in names:
            raise InputError(f'no stage {name!r}; the stages are {", ".join(names)}')
    forced = set(only) or (set(names[names.index(first):]) if first else set())
    chosen = forced or set(names)
    titles = {name: f'[{number}/{len(names)}] {name}' for number, name in enumerate(names, 1)}
    commands, seats, reporter = Commands(), _Seats(jobs), _Reporter(titles)

    def is_finished(stage: Stage) -> bool:
        return stage.name not in forced and state_of(work_dir, stage) == FINISHED

    def run(stage: Stage) -> Any:
        state = state_of(work_dir, stage)
        if state not in (INTERRUPTED, FAILED):
            _forget_what_builds_on(work_dir, stage, stages)
        print(f'{titles[stage.name]}: {stage.text}{NOTES.get(state, "")}', flush=True)
        with seats.take() as environment:
            try:
                return {'seconds': run_stage(
                    work_dir, stage, commands, launcher, environment, display(titles[stage.name]))}
            except Exception as error:
                reporter.errors[stage.name] = error
                return TaskFailed(str(error))

    tasks = [_task(stage, chosen, run, is_finished) for stage in stages if stage.name in chosen]
    for stage in stages:
        if stage.name not in chosen:
            print(f'{titles[stage.name]}: {state_of(work_dir, stage)}, left as it is', flush=True)
    control = TaskControl(tasks)
    control.process([task.name for task in tasks])
    options = dict(continue_=keep_going)
    database = Dependency(_NoDatabase, '')
    runner = Runner(database, reporter, **options) if jobs == 1 else MThreadRunner(
        database, reporter, num_process=jobs, **options)
    with _ended_together(commands):
        runner.run_all(control.task_dispatcher())
    if reporter.errors and not keep_going:
        raise next(iter(reporter.errors.values()))
    return reporter.errors


def _task(stage: Stage, chosen: set[str], run: Callable[[Stage], Any], is_finished: Callable[[Stage], bool]) -> Task:
    return Task(
        stage.name, [(run, [stage])], task_dep=[need.name for need in sorted(stage.needs, key=lambda need: need.name)
                                                if need.name in chosen],
        uptodate=[(is_finished, [stage])], io={'capture': False}, verbosity=0)
