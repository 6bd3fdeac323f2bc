"""Stages: what an experiment is made of, each one command.

A config declares its stages as ``pipeline = [dict(name=..., tool='tools/x.py', args=[...], outputs=[...]), ...]``. In
``args`` and ``outputs``, ``{work_dir}``, ``{config}`` and ``{seed}`` are replaced. Settings after ``--cfg-options``
that hold a path are handed over in a file, ``<work_dir>/pipeline/options/<name>.json``, so that nothing in the name of
a folder is taken for a list or a number. A stage builds on all earlier ones, or only on those named in its key
``needs``; when its command or a config that it reads changes, it and all that builds on it have to run anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import Formatter
from typing import Any

from mmdepthcp.config.loading import load_config
from mmdepthcp.config.overrides import parse_value
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import write_json
from mmdepthcp.utils.resources import find_shipped, is_shipped_tool

KEYS = {'name', 'tool', 'args', 'outputs', 'needs'}
OPTIONS, OPTIONS_FILE = '--cfg-options', '--cfg-options-file'


@dataclass(frozen=True)
class Stage:
    """One command of an experiment.

    Attributes:
        name: unique name, also that of its record and log.
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
        file = Path(work_dir, 'pipeline', 'options', f'{self.name}.json')
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
