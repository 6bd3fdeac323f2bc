"""Running the command of one stage: its output in a log, its end and its time on record, nothing left behind."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from mmdepthcp.experiments.progress import write_out
from mmdepthcp.experiments.records import FAILED, INTERRUPTED, log_path, read_record, state_of, write_record
from mmdepthcp.experiments.stages import Stage
from mmdepthcp.utils.code_version import code_commit
from mmdepthcp.utils.processes import end_with_parent, owner

LAST_LINES = 15
PATIENCE = 10.0
"""Seconds that a command has to end after SIGTERM."""


class StageError(RuntimeError):
    """A stage failed; the message names its log and shows the log's last lines."""


class Commands:
    """The commands at work, in whatever threads; none of them outlives :meth:`end`."""

    def __init__(self) -> None:
        self.ending = False
        self._at_work: set[subprocess.Popen] = set()
        self._unrecorded = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def recorded(self) -> Iterator[None]:
        """A block that starts a command and writes down what became of it; :meth:`end` waits until it is left."""
        with self._changed:
            self._unrecorded += 1
        try:
            yield
        finally:
            with self._changed:
                self._unrecorded -= 1
                self._changed.notify_all()

    @contextlib.contextmanager
    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen]:
        """Start a command, whose output can be read; stop it if the block is left before its end.

        Raises:
            KeyboardInterrupt: all commands are being ended.
        """
        with self._changed:
            if self.ending:
                raise KeyboardInterrupt
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                preexec_fn=functools.partial(end_with_parent, os.getpid()),
                env={**os.environ, **owner(), 'PYTHONUNBUFFERED': '1', **environment})
            self._at_work.add(process)
        try:
            with process:
                try:
                    yield process
                finally:
                    _stop(process)
        finally:
            with self._changed:
                self._at_work.discard(process)

    def end(self) -> None:
        """Stop all commands, and wait until what became of them is on record."""
        with self._changed:
            self.ending = True
            for process in self._at_work:
                process.terminate()
            if not self._changed.wait_for(lambda: not self._unrecorded, PATIENCE):
                for process in self._at_work:
                    process.kill()
                self._changed.wait_for(lambda: not self._unrecorded, PATIENCE)


def _stop(process: subprocess.Popen) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()


def _stream(process: subprocess.Popen, log: IO[bytes], show: Callable[[bytes], None]) -> None:
    assert process.stdout is not None
    while chunk := os.read(process.stdout.fileno(), 65536):
        log.write(chunk)
        log.flush()
        show(chunk)
    show(b'')


def _remove_outputs(work_dir: str | os.PathLike, stage: Stage) -> None:
    inside = Path(work_dir).resolve()
    outputs = [Path(output) for output in stage.outputs]
    if stage.trains:  # nor may --resume find the checkpoints of an earlier setting
        outputs += [output.parent / 'last_checkpoint' for output in outputs]
    for output in outputs:
        if inside not in output.resolve().parents:
            continue
        if output.is_dir() and not output.is_symlink():
            shutil.rmtree(output)
        else:
            output.unlink(missing_ok=True)


def run_stage(work_dir: str | os.PathLike, stage: Stage, commands: Commands, launcher: Sequence[str] = (),
              environment: Mapping[str, str] | None = None, show: Callable[[bytes], None] = write_out) -> float:
    """Run one stage, keeping its output in the log; return the seconds it took in all.

    A stage that was interrupted or has failed goes on: its outputs stay, and a training stage gets ``--resume``.
    Otherwise outputs inside the work dir are removed first, so that nothing of an earlier setting is taken for
    finished.

    Args:
        work_dir: the experiment's folder.
        stage: the stage.
        commands: where its command is at work.
        launcher: words in front of the command, such as ``srun -n 1``.
        environment: variables for it beside the present ones.
        show: told its output as it comes, and nothing (``b''``) at its end.

    Raises:
        StageError: the tool failed, or did not write an output that it declares.
    """
    earlier = 0.0
    command = [*launcher, *stage.command_line(work_dir)]
    if state_of(work_dir, stage) in (INTERRUPTED, FAILED):
        earlier = (read_record(work_dir, stage) or {})['seconds']
        if stage.trains:
            command.append('--resume')
    else:
        _remove_outputs(work_dir, stage)
    commit = code_commit(7)
    log = log_path(work_dir, stage)
    start = time.monotonic()
    finished = failed = False
    with commands.recorded():
        write_record(work_dir, stage, commit, earlier)
        try:
            with open(log, 'ab' if earlier else 'wb') as sink, commands.start(command, environment or {}) as process:
                _stream(process, sink, show)
                code = process.wait()
                if commands.ending:
                    raise KeyboardInterrupt
            missing = [output for output in stage.outputs if not Path(output).exists()]
            finished, failed = not code and not missing, bool(code or missing)
        finally:
            seconds = earlier + time.monotonic() - start
            write_record(work_dir, stage, commit, seconds, finished, failed)
    if code:
        tail = log.read_text(errors='replace').splitlines()[-LAST_LINES:]
        raise StageError(f'stage {stage.name} failed with exit code {code}; its log is {log} and ends with\n'
                         + '\n'.join(f'    {line}' for line in tail))
    if missing:
        raise StageError(f'stage {stage.name} ended without writing {", ".join(missing)}; its log is {log}')
    return seconds
