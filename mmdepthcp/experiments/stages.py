"""Stages: what an experiment is made of, each one command."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mmdepthcp.utils.fileio import write_json
from mmdepthcp.utils.resources import find_shipped, is_shipped_tool

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
        reports: what the summary of the experiment takes from its scores: a key such as ``unsup.miou``, and the name
            of the score.
        processes: how many processes do it together, started by torchrun on this computer.
    """

    name: str
    command: tuple[str, ...]
    outputs: tuple[str, ...]
    settings: str
    needs: frozenset[Stage] = frozenset()
    data: tuple[tuple[str, str], ...] = ()
    reports: tuple[tuple[str, str], ...] = ()
    processes: int = 1

    @cached_property
    def upstream(self) -> frozenset[Stage]:
        """All stages that it builds on, directly or through others."""
        return self.needs.union(*(stage.upstream for stage in self.needs))

    @cached_property
    def digest(self) -> str:
        """A digest of all that decides about its outputs: command and settings, here and in what it builds on."""
        parts = [*self.command, self.settings, *sorted(stage.digest for stage in self.needs)]
        parts += [f'{self.processes} processes'] if self.trains and self.processes > 1 else []
        return hashlib.sha256(os.fsencode('\0'.join(parts))).hexdigest()[:16]

    @property
    def text(self) -> str:
        """The command as a shell reads it."""
        return shlex.join(self.command)

    def command_line(self, work_dir: str | os.PathLike) -> list[str]:
        """The words to run it with; writes the file of settings that they name, if there is one."""
        tool, *words = self.command
        start = [sys.executable, str(find_shipped(tool))]
        if self.processes > 1:
            start[1:1] = ['-m', 'torch.distributed.run', '--standalone', f'--nproc_per_node={self.processes}']
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
