"""Tables that compare pretrainings: what a config file declares.

A table is a config file with ``title``, ``seeds``, ``prepare``, ``pretrainings`` and ``tasks``; see ``configs/tables``
and :class:`Pretraining`, :class:`Task`. In options ``{work_dir}``, ``{seed}`` and the names of the trainings of
``prepare``, which stand for their checkpoints, are replaced.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from mmdepthcp.config.loading import load_config
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.scores import PERCENT

T = TypeVar('T')


@dataclass(frozen=True)
class Pretraining:
    """A row: where the weights come from. Without ``config``, ``checkpoint`` and ``file`` they are random.

    Attributes:
        label: what the table calls it.
        init: what its pretraining starts from; a column of the table if any row says it.
        trained_on: what the table says that it was trained on.
        config: config of the pretraining, run once for every seed.
        options: settings changed in it, as for ``--cfg-options``.
        checkpoint: checkpoint that a stage of ``prepare`` leaves, in place of a pretraining.
        file: a checkpoint that the user brings; the row is not available where it is missing.
        bare: whether the names in the checkpoint have no prefix, as in files of torchvision.
        parts: parts of the network that the checkpoint holds: ``backbone``, ``neck``, ``decode_head``.
        tasks: names of the tasks that it takes part in; all by default.
        needs: names of the entries of ``prepare`` that it builds on; all by default.
        scored_by: configs of its own network in place of those of tasks, by the names of these.
        scorer: a tool that scores without weights, called ``TOOL CONFIG --json OUT --seed SEED
            [--cfg-options ...]`` with ``config`` and ``options``, or those of the task where there is no ``config``.
    """

    label: str
    init: str = ''
    trained_on: str = '–'
    config: str | None = None
    options: tuple[str, ...] = ()
    checkpoint: str | None = None
    file: str | None = None
    bare: bool = False
    parts: tuple[str, ...] = ('backbone',)
    tasks: tuple[str, ...] | None = None
    needs: tuple[str, ...] | None = None
    scored_by: Mapping[str, str] = field(default_factory=dict)
    scorer: str | None = None

    @property
    def title(self) -> str:
        """What tells the row from all others, in few words."""
        details = [text for text in (self.init, self.trained_on) if text not in ('', '–')]
        return self.label + (f' ({", ".join(details)})' if details else '')

    def obstacle(self) -> str | None:
        """Why the row cannot be run; None if it can."""
        return f'{self.file}: no such file' if self.file is not None and not Path(self.file).is_file() else None


@dataclass(frozen=True)
class Score:
    """A number that a task is judged by.

    Attributes:
        key: its name in the scores of ``tools/test.py``.
        label: what the table calls it.
        unit: in which unit the table shows it.
        optional: whether rows may come without it, as models without a linear probe do.
    """

    key: str
    label: str
    unit: str = PERCENT
    optional: bool = False


@dataclass(frozen=True)
class Task:
    """A column: what a pretraining is judged by.

    Attributes:
        label: what the table calls it.
        config: config that is trained and scored.
        scores: what is shown.
        parts: which parts of the network can be filled, and the config key of each, as ``{'backbone':
            'model.backbone'}``; empty: the checkpoint of the pretraining is scored as it is.
        train: whether it has to be trained before it is scored.
        options: settings changed in the config.
        folds: number of folds to average over, chosen by ``subset.fold`` of the data sets.
        own: whether a pretraining whose own config is tested with the metrics of this one is scored by that, as it is.
        needs: names of the entries of ``prepare`` that it builds on, beside those of the pretraining.
    """

    label: str
    config: str
    scores: tuple[Score, ...]
    parts: Mapping[str, str] = field(default_factory=dict)
    train: bool = True
    options: tuple[str, ...] = ()
    folds: int = 1
    own: bool = False
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A declared comparison; see the module.

    Attributes:
        path: its config file.
        title: its headline.
        seeds: seeds of pretraining and fine-tuning.
        prepare: stages that come first, as far as rows need them; see :mod:`mmdepthcp.experiments.building`.
        stage_values: what stands in braces there.
        pretrainings, tasks: rows and columns by name.
    """

    path: str
    title: str
    seeds: tuple[int, ...]
    prepare: tuple[dict, ...]
    stage_values: Mapping[str, Any]
    pretrainings: Mapping[str, Pretraining]
    tasks: Mapping[str, Task]

    def columns(self, row: str) -> list[str]:
        """Names of the tasks that a pretraining takes part in."""
        chosen = self.pretrainings[row].tasks
        return [column for column in self.tasks if chosen is None or column in chosen]


def _record(kind: type[T], where: str, entry: Mapping[str, Any]) -> T:
    known = {item.name: item for item in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(entry) - set(known)):
        raise InputError(f'{where}: {", ".join(unknown)} unknown; the keys are {", ".join(known)}')
    required = {name for name, item in known.items() if item.default is MISSING and item.default_factory is MISSING}
    if missing := sorted(required - set(entry)):
        raise InputError(f'{where}: {", ".join(missing)} missing')
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()})


def _check_names(names: Any, known: Any, where: str, what: str) -> None:
    if absent := [str(name) for name in names or () if name not in known]:
        raise InputError(f'{where}: {", ".join(absent)} unknown; {what} {", ".join(map(str, known))}')


def read_table(path: str | os.PathLike) -> Table:
    """A table from its config file.

    Raises:
        InputError: the file is missing or no table: a key is unknown or missing, or an entry names a task or an entry
            of ``prepare`` that does not exist.
    """
    config = load_config(path).to_dict()
    for key in ('title', 'seeds', 'pretrainings', 'tasks'):
        if not config.get(key):
            raise InputError(f'{path}: declares no {key}; a table has title, seeds, prepare, pretrainings and tasks')
    tasks = {}
    for name, entry in config['tasks'].items():
        where = f'{path}: tasks.{name}'
        scores = tuple(_record(Score, f'{where}.scores', score) for score in entry.get('scores', ()))
        tasks[name] = _record(Task, where, {**entry, **({'scores': scores} if scores else {})})
    pretrainings = {
        name: _record(Pretraining, f'{path}: pretrainings.{name}', entry)
        for name, entry in config['pretrainings'].items()}
    prepared = [entry.get('name') for entry in config.get('prepare', ())]
    for name, task in tasks.items():
        _check_names(task.needs, prepared, f'{path}: tasks.{name}.needs', 'prepare has')
    for name, pretraining in pretrainings.items():
        where = f'{path}: pretrainings.{name}'
        _check_names(pretraining.tasks, tasks, f'{where}.tasks', 'the tasks are')
        _check_names(pretraining.needs, prepared, f'{where}.needs', 'prepare has')
        _check_names(pretraining.scored_by, tasks, f'{where}.scored_by', 'the tasks are')
    return Table(str(path), config['title'], tuple(config['seeds']), tuple(config.get('prepare', ())),
                 config.get('stage_values', {}), pretrainings, tasks)
