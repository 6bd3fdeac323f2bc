"""What is known of the stages of an experiment: a JSON file for each in ``<work_dir>/pipeline``, beside its log."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmdepthcp.experiments.stages import Stage
from mmdepthcp.utils.fileio import read_json, write_json

FINISHED = 'finished'
INTERRUPTED = 'interrupted'
FAILED = 'failed'
CHANGED = 'changed'
WAITING = 'waiting'


def record_path(work_dir: str | os.PathLike, stage: Stage) -> Path:
    """Where the record of a stage is."""
    return Path(work_dir, 'pipeline', f'{stage.name}.json')


def log_path(work_dir: str | os.PathLike, stage: Stage) -> Path:
    """Where the output of a stage is kept."""
    return record_path(work_dir, stage).with_suffix('.log')


def read_record(work_dir: str | os.PathLike, stage: Stage) -> dict[str, Any] | None:
    """The record of a stage, None if it has never run or has to run anew: ``name``, ``command``, ``digest``,
    ``commit``, ``seconds``, ``finished``, ``failed``.
    """
    path = record_path(work_dir, stage)
    return read_json(path) if path.is_file() else None


def write_record(work_dir: str | os.PathLike, stage: Stage, commit: str, seconds: float, finished: bool = False,
                 failed: bool = False) -> None:
    """Write down where a stage stands; neither finished nor failed while it runs."""
    write_json(record_path(work_dir, stage), {
        'name': stage.name, 'command': list(stage.command), 'digest': stage.digest, 'commit': commit,
        'seconds': round(seconds, 3), 'finished': finished, 'failed': failed})


def state_of(work_dir: str | os.PathLike, stage: Stage) -> str:
    """FINISHED, INTERRUPTED, FAILED, CHANGED (command or config differ, here or before) or WAITING (not started)."""
    record = read_record(work_dir, stage)
    if record is None:
        return WAITING
    if record.get('digest') != stage.digest:
        return CHANGED
    if not record['finished']:
        return FAILED if record['failed'] else INTERRUPTED
    return FINISHED if all(Path(output).exists() for output in stage.outputs) else WAITING


def commits_of(work_dir: str | os.PathLike, stages: Iterable[Stage]) -> list[str]:
    """The commits of this package that the finished ones among the stages were run with."""
    finished = (stage for stage in stages if state_of(work_dir, stage) == FINISHED)
    return sorted({(read_record(work_dir, stage) or {})['commit'] for stage in finished})
