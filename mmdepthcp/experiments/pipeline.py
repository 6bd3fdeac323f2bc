"""Experiments of several stages: each stage one command, restartable, its time and command kept beside its results.

A config declares its stages as ``pipeline = [dict(name=..., tool='tools/x.py', args=[...], outputs=[...]), ...]``. In
``args`` and ``outputs``, ``{work_dir}``, ``{config}`` and ``{seed}`` are replaced. Settings after ``--cfg-options``
that hold a path are handed over in a file, ``<work_dir>/pipeline/options/<name>.json``, so that nothing in the name of
a folder is taken for a list or a number. A stage builds on all earlier ones, or only on those named in its key
``needs``; when its command or a config that it reads changes, it and all that builds on it have to run anew. The state
of each stage is a JSON file (its stamp) in ``<work_dir>/pipeline``, beside its log.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import Formatter
from typing import IO, Any

from mmdepthcp.config.loading import load_config
from mmdepthcp.config.overrides import parse_value
from mmdepthcp.utils.code_version import code_commit
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import read_json, write_json
from mmdepthcp.utils.processes import end_with_parent
from mmdepthcp.utils.resources import find_shipped, is_shipped_tool

KEYS = {'name', 'tool', 'args', 'outputs', 'needs'}
OPTIONS, OPTIONS_FILE = '--cfg-options', '--cfg-options-file'
LAST_LINES = 15
WAIT_SECONDS = 10.0
LOOKS = 6

FINISHED = 'finished'
INTERRUPTED = 'interrupted'
FAILED = 'failed'
CHANGED = 'changed'
WAITING = 'waiting'


class StageError(RuntimeError):
    """A stage failed; the message names its log and shows the log's last lines."""


@dataclass(frozen=True)
class Stage:
    """One command of an experiment.

    Attributes:
        name: unique name, also that of its stamp and log.
        command: the tool and its arguments, without the interpreter.
        outputs: files or folders that exist once the stage has finished.
        settings: a digest of every config that the command reads.
        needs: the stages that it builds on directly.
        data: words ``KEY=VALUE`` of the command that hold a path, each with its value in JSON.
    """

    name: str
    command: tuple[str, ...]
    outputs: tuple[str, ...]
    settings: str
    needs: frozenset[Stage] = frozenset()
    data: tuple[tuple[str, str], ...] = ()

    @cached_property
    def upstream(self) -> frozenset[Stage]:
        """All stages that it builds on, directly or through others."""
        return self.needs.union(*(stage.upstream for stage in self.needs))

    @cached_property
    def digest(self) -> str:
        """A digest of all that decides about its outputs: command and settings, here and in what it builds on."""
        parts = [*self.command, self.settings, *sorted(stage.digest for stage in self.needs)]
        return hashlib.sha256(os.fsencode('\0'.join(parts))).hexdigest()[:16]

    @property
    def text(self) -> str:
        """The command as a shell reads it."""
        return shlex.join(self.command)

    def command_line(self, work_dir: str | os.PathLike) -> list[str]:
        """The words to run it with; writes the file of settings that they name, if there is one."""
        tool, *words = self.command
        start = [sys.executable, str(find_shipped(tool))]
        if not self.data or not is_shipped_tool(tool):
            return [*start, *words]
        handed = dict(self.data)
        left = [word for word in words if word not in handed]
        flags = [index for index, word in enumerate(left) if word == OPTIONS]
        for index in reversed(flags):
            if left[index + 1:index + 2] == [] or left[index + 1].startswith('--'):
                del left[index]
        file = options_path(work_dir, self)
        write_json(file, {word.partition('=')[0]: json.loads(value) for word, value in handed.items()})
        return [*start, *left, OPTIONS_FILE, str(file)]

    @property
    def trains(self) -> bool:
        """Whether the tool can go on from a checkpoint."""
        return Path(self.command[0]).name == 'train.py'


def config_digest(paths: Sequence[str | os.PathLike]) -> str:
    """A digest of the settings in config files, without their own stages."""
    digest = hashlib.sha256()
    for path in paths:
        config = load_config(path)
        config.pop('pipeline', None)
        digest.update(repr(config.to_dict()).encode())
    return digest.hexdigest()[:16]


def fill(text: Any, values: Mapping[str, Any], where: str) -> str:
    """A text with values for its placeholders.

    Raises:
        InputError: there is no such placeholder; the message begins with ``where``.
    """
    try:
        return str(text).format_map(values)
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        raise InputError(f'{where}: only {", ".join(values)} may stand in braces, not {error}') from None


def _holds_path(text: str, values: Mapping[str, Any]) -> bool:
    return any(isinstance(values.get(name or ''), str) for _, name, _, _ in Formatter().parse(text))


def fill_args(args: Iterable[Any], values: Mapping[str, Any], where: str) -> tuple[list[str], dict[str, str]]:
    """Arguments of a tool with values for their placeholders.

    Args:
        args: the arguments; settings of a config follow on ``--cfg-options``.
        values: what stands for the placeholders; texts are paths.
        where: see :func:`fill`.

    Returns:
        The words; and of those of the settings that hold a path, the value in JSON. There the path is a text, whatever
        its characters.

    Raises:
        InputError: see :func:`fill`.
    """
    words, data, among_options = [], {}, False
    for arg in map(str, args):
        words.append(fill(arg, values, where))
        among_options = arg == OPTIONS or (among_options and not arg.startswith('--'))
        if among_options and '=' in arg and _holds_path(arg.partition('=')[2], values):
            data[words[-1]] = json.dumps(_filled_value(parse_value(arg.partition('=')[2]), values, where))
    return words, data


def _filled_value(value: Any, values: Mapping[str, Any], where: str) -> Any:
    if isinstance(value, (list, tuple)):
        return [_filled_value(item, values, where) for item in value]
    if not isinstance(value, str):
        return value
    filled = fill(value, values, where)
    return filled if _holds_path(value, values) else parse_value(filled)


def read_stages(declared: Any, config: str, work_dir: str, seed: int) -> list[Stage]:
    """Stages from the ``pipeline`` entry of a config.

    Args:
        declared: the entry.
        config: path of the config that the stages read as ``{config}``.
        work_dir: replaces ``{work_dir}``.
        seed: replaces ``{seed}``.

    Raises:
        InputError: the entry is missing or empty, a stage lacks a key, has an unknown one, or names a tool or an
            earlier stage that does not exist; two stages share a name.
    """
    if not declared:
        raise InputError(f'{config}: declares no stages; add pipeline = [dict(name=..., tool=..., args=[...]), ...]')
    values = {'work_dir': work_dir, 'config': config, 'seed': seed}
    stages: list[Stage] = []
    for number, entry in enumerate(declared, 1):
        where = f'{config}: stage {number} of the pipeline'
        unknown = set(entry) - KEYS
        if 'name' not in entry or 'tool' not in entry or unknown:
            raise InputError(f'{where}: needs name and tool, may have args and outputs'
                             + (f', not {", ".join(sorted(unknown))}' if unknown else ''))
        earlier = {stage.name: stage for stage in stages}
        if entry['name'] in earlier:
            raise InputError(f'{where}: the name {entry["name"]!r} is taken by an earlier stage')
        direct = entry.get('needs', earlier)
        if absent := [name for name in direct if name not in earlier]:
            raise InputError(f'{where}: needs {", ".join(absent)}, which is no earlier stage')
        if not find_shipped(entry['tool']).is_file():
            raise InputError(f'{where}: {entry["tool"]}: no such tool')
        args, data = fill_args(entry.get('args', ()), values, where)
        outputs = tuple(fill(output, values, where) for output in entry.get('outputs', ()))
        configs = [arg for arg in args if arg.endswith('.py') and find_shipped(arg).is_file()]
        needs = frozenset(earlier[name] for name in direct)
        stages.append(Stage(
            entry['name'], (entry['tool'], *args), outputs, config_digest(configs), needs, tuple(data.items())))
    return stages


def stamp_path(work_dir: str | os.PathLike, stage: Stage) -> Path:
    """Where the state of a stage is kept."""
    return Path(work_dir, 'pipeline', f'{stage.name}.json')


def options_path(work_dir: str | os.PathLike, stage: Stage) -> Path:
    """Where the settings of a stage are that are handed over as data."""
    return Path(work_dir, 'pipeline', 'options', f'{stage.name}.json')


def log_path(work_dir: str | os.PathLike, stage: Stage) -> Path:
    """Where the output of a stage is kept."""
    return Path(work_dir, 'pipeline', f'{stage.name}.log')


def _read_stamp(work_dir: str | os.PathLike, stage: Stage) -> dict[str, Any] | None:
    path = stamp_path(work_dir, stage)
    return read_json(path) if path.is_file() else None


def state_of(work_dir: str | os.PathLike, stage: Stage) -> str:
    """FINISHED, INTERRUPTED, FAILED, CHANGED (command or config differ, here or before) or WAITING (not started)."""
    stamp = _read_stamp(work_dir, stage)
    if stamp is None:
        return WAITING
    if stamp.get('digest') != stage.digest:
        return CHANGED
    if not stamp['finished']:
        return FAILED if stamp['failed'] else INTERRUPTED
    return FINISHED if all(Path(output).exists() for output in stage.outputs) else WAITING


def wait_for(work_dir: str | os.PathLike, stages: Iterable[Stage],
             at_work: Callable[[], bool] = lambda: True) -> dict[str, StageError]:
    """Wait until another process has run the stages.

    A stage is given up that stays failed for a minute, or unfinished while for a minute nobody is at work.

    Args:
        work_dir: the experiment's folder.
        stages: what to wait for.
        at_work: whether the other process is there, see :func:`mmdepthcp.utils.processes.is_claimed`.

    Returns:
        The stages that are not finished, and why.
    """
    failures: dict[str, StageError] = {}
    for stage in stages:
        seen_failed = seen_alone = 0
        while (state := state_of(work_dir, stage)) != FINISHED:
            if broken := [need.name for need in stage.needs if need.name in failures]:
                failures[stage.name] = StageError(f'not started, for {", ".join(sorted(broken))} failed')
                break
            seen_failed = seen_failed + 1 if state == FAILED else 0
            seen_alone = 0 if at_work() else seen_alone + 1
            if seen_failed > LOOKS:
                failures[stage.name] = StageError(f'failed in another process; its log is {log_path(work_dir, stage)}')
                break
            if seen_alone > LOOKS:
                failures[stage.name] = StageError(
                    f'{state}, and the process that runs it is gone; its log is {log_path(work_dir, stage)}; run the '
                    'same command again')
                break
            print(f'waiting for the process that runs {stage.name}', flush=True)
            time.sleep(WAIT_SECONDS)
    return failures


def commits_of(work_dir: str | os.PathLike, stages: Iterable[Stage]) -> list[str]:
    """The commits of this package that the finished ones among the stages were run with."""
    finished = (stage for stage in stages if state_of(work_dir, stage) == FINISHED)
    return sorted({(_read_stamp(work_dir, stage) or {})['commit'] for stage in finished})


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


@contextlib.contextmanager
def _ended_with_us(process: subprocess.Popen) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _stream(process: subprocess.Popen, log: IO[bytes]) -> None:
    assert process.stdout is not None
    while chunk := os.read(process.stdout.fileno(), 65536):
        log.write(chunk)
        log.flush()
        sys.stdout.buffer.write(chunk)
        sys.stdout.flush()


def run_stage(work_dir: str | os.PathLike, stage: Stage) -> float:
    """Run one stage, showing its output and keeping it in the log; return the seconds it took in all.

    A stage that was interrupted or has failed goes on: its outputs stay, and a training stage gets ``--resume``.
    Otherwise outputs inside the work dir are removed first, so that nothing of an earlier setting is taken for
    finished.

    Args:
        work_dir: the experiment's folder.
        stage: the stage.

    Raises:
        StageError: the tool failed, or did not write an output that it declares.
    """
    earlier = 0.0
    command = stage.command_line(work_dir)
    if state_of(work_dir, stage) in (INTERRUPTED, FAILED):
        earlier = (_read_stamp(work_dir, stage) or {})['seconds']
        if stage.trains:
            command.append('--resume')
    else:
        _remove_outputs(work_dir, stage)
    stamp: dict[str, Any] = {
        'name': stage.name, 'command': list(stage.command), 'digest': stage.digest, 'commit': code_commit(7),
        'seconds': earlier, 'finished': False, 'failed': False}
    write_json(stamp_path(work_dir, stage), stamp)
    log = log_path(work_dir, stage)
    start = time.monotonic()
    try:
        with open(log, 'ab' if earlier else 'wb') as sink, \
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 preexec_fn=functools.partial(end_with_parent, os.getpid()),
                                 env={**os.environ, 'PYTHONUNBUFFERED': '1'}) as process, \
                _ended_with_us(process):
            _stream(process, sink)
            code = process.wait()
        missing = [output for output in stage.outputs if not Path(output).exists()]
        stamp['finished'], stamp['failed'] = not code and not missing, bool(code or missing)
    finally:
        stamp['seconds'] = round(earlier + time.monotonic() - start, 3)
        write_json(stamp_path(work_dir, stage), stamp)
    if code:
        tail = log.read_text(errors='replace').splitlines()[-LAST_LINES:]
        raise StageError(f'stage {stage.name} failed with exit code {code}; its log is {log} and ends with\n'
                         + '\n'.join(f'    {line}' for line in tail))
    if missing:
        raise StageError(f'stage {stage.name} ended without writing {", ".join(missing)}; its log is {log}')
    return stamp['seconds']


def run_stages(work_dir: str | os.PathLike, stages: Sequence[Stage], only: Sequence[str] = (),
               first: str | None = None, keep_going: bool = False,
               failed: Mapping[str, StageError] | None = None) -> dict[str, StageError]:
    """Run the stages that are not finished, in order. A stage that runs anew makes those that build on it unfinished.

    Args:
        work_dir: the experiment's folder.
        stages: all stages of the experiment.
        only: run just the stages of these names, finished or not.
        first: run the stage of this name, finished or not, and all after it.
        keep_going: after a stage that failed go on with those that do not build on it.
        failed: stages that failed in another process; what builds on them is not started.

    Returns:
        The stages that failed or were not started because of that, and why; empty unless ``keep_going``.

    Raises:
        InputError: ``only`` or ``first`` names no stage.
        StageError: a stage failed; later ones were not started. Not with ``keep_going``.
    """
    failures = dict(failed or {})
    names = [stage.name for stage in stages]
    for name in [*only, *([first] if first else [])]:
        if name not in names:
            raise InputError(f'no stage {name!r}; the stages are {", ".join(names)}')
    for number, stage in enumerate(stages, 1):
        title = f'[{number}/{len(stages)}] {stage.name}'
        state = state_of(work_dir, stage)
        if only:
            wanted = stage.name in only
        elif first:
            wanted = number > names.index(first)
        else:
            wanted = state != FINISHED
        if not wanted:
            print(f'{title}: {state}, left as it is', flush=True)
            continue
        if broken := sorted(need.name for need in stage.needs if need.name in failures):
            failures[stage.name] = StageError(f'not started, for {", ".join(broken)} failed')
            continue
        if state not in (INTERRUPTED, FAILED):
            for later in stages[number:]:
                if stage in later.upstream:
                    stamp_path(work_dir, later).unlink(missing_ok=True)
        note = {INTERRUPTED: ' (going on)', FAILED: ' (going on)', CHANGED: ' (command or config changed)'}
        print(f'{title}: {stage.text}{note.get(state, "")}', flush=True)
        try:
            seconds = run_stage(work_dir, stage)
        except StageError as error:
            if not keep_going:
                raise
            failures[stage.name] = error
            print(f'{title}: failed', flush=True)
            continue
        print(f'{title}: done in {seconds:.1f} s', flush=True)
    return failures
