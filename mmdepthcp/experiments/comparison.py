"""Tables that compare pretrainings: every pretraining × task × seed, run as stages, gathered as means and deviations.

A table is a config file with ``title``, ``seeds``, ``prepare``, ``pretrainings`` and ``tasks``; see ``configs/tables``
and :class:`Pretraining`, :class:`Task`. In options and arguments ``{work_dir}`` and the names of the trainings among
the entries of ``prepare``, which stand for their checkpoints, are replaced.
"""

from __future__ import annotations

import copy
import csv
import io
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from mmdepthcp.config.loading import load_config, override_settings
from mmdepthcp.experiments.pipeline import FINISHED, OPTIONS, Stage, config_digest, fill, fill_args, state_of
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import atomic_path, read_json
from mmdepthcp.utils.markdown import escape_markdown, table_row

if TYPE_CHECKING:
    from mmengine.config import Config

T = TypeVar('T')

SMOKE_IMAGES = 2
SMOKE_ITERATIONS = 2
NOT_DONE, NOT_APPLICABLE, NOT_AVAILABLE = '…', '–', 'n/a'


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
        scorer: a tool that scores without weights, called ``TOOL CONFIG --json OUT --seed SEED
            [--cfg-options ...]`` with config and options of the task; its scores are fractions, their names in small
            letters.
        unavailable: why the row cannot be run yet.
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
    scorer: str | None = None
    unavailable: str | None = None

    @property
    def title(self) -> str:
        """What tells the row from all others, in few words."""
        details = [text for text in (self.init, self.trained_on) if text not in ('', NOT_APPLICABLE)]
        return self.label + (f' ({", ".join(details)})' if details else '')

    def obstacle(self) -> str | None:
        """Why the row cannot be run; None if it can."""
        if self.unavailable is None and self.file is not None and not Path(self.file).is_file():
            return f'{self.file}: no such file'
        return self.unavailable


@dataclass(frozen=True)
class Score:
    """A number that a task is judged by.

    Attributes:
        key: its name in the scores of ``tools/test.py``, without a prefix such as ``coco/``.
        label: what the table calls it.
        scale: factor for the table, 100 for fractions.
    """

    key: str
    label: str
    scale: float = 1.0


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
    """

    label: str
    config: str
    scores: tuple[Score, ...]
    parts: Mapping[str, str] = field(default_factory=dict)
    train: bool = True
    options: tuple[str, ...] = ()
    folds: int = 1


@dataclass(frozen=True)
class Table:
    """A declared comparison; see the module.

    Attributes:
        path: its config file.
        title: its headline.
        seeds: seeds of pretraining and fine-tuning.
        prepare: stages that come first; see :meth:`Planner.prepare`.
        pretrainings, tasks: rows and columns by name.
    """

    path: str
    title: str
    seeds: tuple[int, ...]
    prepare: tuple[dict, ...]
    pretrainings: Mapping[str, Pretraining]
    tasks: Mapping[str, Task]

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Names of pretrainings and tasks that belong together."""
        for row, pretraining in self.pretrainings.items():
            for column in self.tasks:
                if pretraining.tasks is None or column in pretraining.tasks:
                    yield row, column


class Cell(NamedTuple):
    """One scored run.

    Attributes:
        row, column: names of pretraining and task.
        seed, fold: of the run.
        stage: the stage that scores it.
        scores: the file that this stage writes.
    """

    row: str
    column: str
    seed: int
    fold: int
    stage: Stage
    scores: str


class Plan(NamedTuple):
    """What has to be run.

    Attributes:
        prepare: stages that come first, as far as others build on them.
        groups: stages that belong together, one list for each pretraining and seed.
        cells: the scored runs.
    """

    prepare: list[Stage]
    groups: list[list[Stage]]
    cells: list[Cell]

    @property
    def stages(self) -> list[Stage]:
        """All stages in order."""
        return [*self.prepare, *(stage for group in self.groups for stage in group)]


def _record(kind: type[T], where: str, entry: Mapping[str, Any]) -> T:
    known = {item.name: item for item in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(entry) - set(known)):
        raise InputError(f'{where}: {", ".join(unknown)} unknown; the keys are {", ".join(known)}')
    required = {name for name, item in known.items() if item.default is MISSING and item.default_factory is MISSING}
    if missing := sorted(required - set(entry)):
        raise InputError(f'{where}: {", ".join(missing)} missing')
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()})


def read_table(path: str | os.PathLike) -> Table:
    """A table from its config file.

    Raises:
        InputError: the file is missing or no table: a key is unknown or missing, or a row names a task or an entry
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
    for name, pretraining in pretrainings.items():
        if absent := [task for task in pretraining.tasks or () if task not in tasks]:
            raise InputError(f'{path}: pretrainings.{name}.tasks: {", ".join(absent)} unknown; '
                             f'the tasks are {", ".join(tasks)}')
        prepared = [entry.get('name') for entry in config.get('prepare', ())]
        if absent := [stage for stage in pretraining.needs or () if stage not in prepared]:
            raise InputError(f'{path}: pretrainings.{name}.needs: {", ".join(absent)} unknown; '
                             f'prepare has {", ".join(map(str, prepared))}')
    return Table(str(path), config['title'], tuple(config['seeds']), tuple(config.get('prepare', ())),
                 pretrainings, tasks)


def final_checkpoint(config: Config) -> str:
    """Name of the checkpoint at the end of a training."""
    settings = config.train_cfg
    if 'max_epochs' in settings:
        return f'epoch_{settings.max_epochs}.pth'
    return f'iter_{settings.max_iters}.pth'


def _data_sets(node: Any, key: str) -> Iterator[str]:
    """Config keys of the innermost data sets below ``key``."""
    if isinstance(node, Mapping) and isinstance(node.get('dataset'), Mapping):
        yield from _data_sets(node['dataset'], f'{key}.dataset')
    elif isinstance(node, Mapping) and 'datasets' in node:
        for number, inner in enumerate(node['datasets']):
            yield from _data_sets(inner, f'{key}.datasets.{number}')
    elif isinstance(node, Mapping):
        yield key


def smoke_options(config: Config) -> list[str]:
    """Settings that leave two iterations of training and two images to score."""
    options = []
    for loader in ('val_dataloader', 'test_dataloader', 'bank_dataloader'):
        options += [f'{key}.indices={SMOKE_IMAGES}' for key in _data_sets(config.get(loader), loader)
                    if key != loader]
    if config.get('train_dataloader') is None:
        return options
    options.append('default_hooks.logger.interval=1')
    if 'max_iters' in config.train_cfg:
        return [*options, f'train_cfg.max_iters={SMOKE_ITERATIONS}']
    loader = config.train_dataloader
    images = SMOKE_ITERATIONS * loader.batch_size * loader.dataset.get('num_images', 1)
    options += [f'{key}.indices={images}' for key in _data_sets(loader, 'train_dataloader')]
    return [*options, 'train_cfg.max_epochs=1', 'train_cfg.val_interval=2']


def fold_options(config: Config, fold: int) -> list[str]:
    """Settings that choose a fold in all data sets that have folds.

    Raises:
        InputError: none has.
    """
    options = []
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader', 'bank_dataloader'):
        settings = config.get(loader)
        if settings and 'fold' in (settings.dataset.get('subset') or {}):
            options.append(f'{loader}.dataset.subset.fold={fold}')
    if not options:
        raise InputError('no data set of the config has a subset with a fold')
    return options


def init_options(pretraining: Pretraining, task: Task) -> list[str]:
    """Settings that fill the parts of a task's network from ``{its_checkpoint}``."""
    options = []
    for part, key in task.parts.items():
        if part in pretraining.parts:
            options += [f'{key}.init_cfg.type=Pretrained', f'{key}.init_cfg.checkpoint={{its_checkpoint}}']
            options += [] if pretraining.bare else [f'{key}.init_cfg.prefix={part}.']
    return options


class Planner:
    """Lays out the stages of a table.

    Args:
        table: the table.
        work_dir: where everything goes.
        smoke: two iterations of every training and two images for every score, first seed and fold only.
    """

    def __init__(self, table: Table, work_dir: str | os.PathLike, smoke: bool = False) -> None:
        self.table = table
        self.work_dir = str(work_dir)
        self.smoke = smoke
        self.values = {'work_dir': self.work_dir}
        self._configs: dict[str, Config] = {}
        self._digests: dict[str, str] = {}

    def plan(self) -> Plan:
        """All stages, prepared ones first, and the runs that are scored.

        Raises:
            InputError: the table names a config, tool, placeholder or fold that does not exist.
        """
        prepare = self.prepare()
        groups, cells = [], []
        for seed in self.table.seeds[:1] if self.smoke else self.table.seeds:
            for row, pretraining in self.table.pretrainings.items():
                if pretraining.obstacle() is None and any(name == row for name, _ in self.table.pairs()):
                    stages, scored = self._group(row, seed, self._needs(prepare, pretraining))
                    groups.append(stages)
                    cells += scored
        wanted = frozenset().union(*(stage.upstream for group in groups for stage in group))
        return Plan([stage for stage in prepare if stage in wanted], groups, cells)

    @staticmethod
    def _needs(prepare: Iterable[Stage], pretraining: Pretraining) -> frozenset[Stage]:
        wanted = pretraining.needs
        return frozenset(stage for stage in prepare if wanted is None or stage.name in wanted)

    def prepare(self) -> list[Stage]:
        """The stages that come first: entries ``dict(name, tool, args, outputs)`` run a tool, entries ``dict(name,
        config, options)`` train a model once and let ``{name}`` stand for its checkpoint. Each builds on all before it.
        """
        stages: list[Stage] = []
        for entry in self.table.prepare:
            where = f'{self.table.path}: prepare.{entry.get("name", len(stages))}'
            needs = frozenset(stages)
            if 'config' in entry:
                folder = f'{self.work_dir}/{entry["name"]}'
                stage = self._training(entry['name'], entry['config'], entry.get('options', ()), folder, needs, where)
                self.values[entry['name']] = stage.outputs[0]
            else:
                args, data = fill_args(entry.get('args', ()), self.values, where)
                outputs = tuple(fill(output, self.values, where) for output in entry.get('outputs', ()))
                stage = Stage(entry['name'], (entry['tool'], *args), outputs, '', needs, tuple(data.items()))
            stages.append(stage)
        return stages

    def _config(self, path: str, options: Sequence[str] = ()) -> Config:
        """A config with settings overridden, in which placeholders may stand."""
        if path not in self._configs:
            self._configs[path] = load_config(path)
            self._digests[path] = config_digest([path])
        config = copy.deepcopy(self._configs[path])
        override_settings(config, options, path)
        return config

    def _training(self, name: str, path: str, options: Iterable[str], folder: str, needs: frozenset[Stage],
                  where: str, checkpoint: str | None = None) -> Stage:
        options = list(options)
        if self.smoke:
            options += smoke_options(self._config(path, options))
        output = f'{folder}/{final_checkpoint(self._config(path, options))}'
        command = ['tools/train.py', path, '--work-dir', folder]
        return self._stage(name, command, options, output, self._digests[path], needs, where, checkpoint)

    def _stage(self, name: str, command: Sequence[str], options: Sequence[str], output: str, digest: str,
               needs: frozenset[Stage], where: str, checkpoint: str | None) -> Stage:
        """A stage with settings in which ``{its_checkpoint}`` and the planner's placeholders stand."""
        values = {**self.values, **({'its_checkpoint': checkpoint} if checkpoint else {})}
        words, data = fill_args([OPTIONS, *options] if options else [], values, where)
        return Stage(name, (*command, *words), (output,), digest, needs, tuple(data.items()))

    def _group(self, row: str, seed: int, needs: frozenset[Stage]) -> tuple[list[Stage], list[Cell]]:
        pretraining = self.table.pretrainings[row]
        where = f'{self.table.path}: pretrainings.{row}'
        stages: list[Stage] = []
        checkpoint = pretraining.file
        if pretraining.checkpoint is not None:
            checkpoint = fill(pretraining.checkpoint, self.values, where)
        if pretraining.config is not None:
            stages.append(self._training(
                f'pretrain-{row}-{seed}', pretraining.config, [*pretraining.options, f'randomness.seed={seed}'],
                f'{self.work_dir}/pretrain/{row}/{seed}', needs, where))
            checkpoint = stages[0].outputs[0]
            needs |= {stages[0]}
        cells = []
        for wanted, column in self.table.pairs():
            if wanted == row:
                folds = 1 if self.smoke else self.table.tasks[column].folds
                for fold in range(folds):
                    more, cell = self._cell(row, column, seed, fold, checkpoint, needs)
                    stages += more
                    cells.append(cell)
        return stages, cells

    def _cell(self, row: str, column: str, seed: int, fold: int, checkpoint: str | None,
              needs: frozenset[Stage]) -> tuple[list[Stage], Cell]:
        pretraining, task = self.table.pretrainings[row], self.table.tasks[column]
        where = f'{self.table.path}: tasks.{column}'
        name = f'{column}-{row}-{seed}' + (f'-{fold}' if task.folds > 1 else '')
        folder = f'{self.work_dir}/{column}/{row}/{seed}' + (f'/{fold}' if task.folds > 1 else '')
        out = f'{folder}/scores.json'
        options = [*task.options, f'randomness.seed={seed}']
        config = self._config(task.config, options)
        if task.folds > 1:
            options += fold_options(config, fold)
        if pretraining.scorer is not None:
            command = [pretraining.scorer, task.config, '--json', out, '--seed', str(seed)]
            stage = self._stage(
                f'{name}-score', command, task.options, out, self._digests[task.config], needs, where, None)
            return [stage], Cell(row, column, seed, fold, stage, out)
        stages = []
        scored = checkpoint if not task.parts else None
        if checkpoint and task.parts:
            options += init_options(pretraining, task)
        if task.train:
            stages.append(self._training(name, task.config, options, folder, needs, where, checkpoint))
            scored = stages[0].outputs[0]
            needs |= {stages[0]}
        if self.smoke:
            options += smoke_options(config)
        command = ['tools/test.py', task.config, scored or 'none', '--work-dir', f'{folder}/score', '--out', out]
        stages.append(self._stage(
            f'{name}-score', command, options, out, self._digests[task.config], needs, where, checkpoint))
        return stages, Cell(row, column, seed, fold, stages[-1], out)


class Measured(NamedTuple):
    """One score of one run, in the table's scale."""

    row: str
    column: str
    label: str
    seed: int
    fold: int
    value: float


def _value(scores: Mapping[str, Any], key: str, path: str) -> float:
    found = {name.rpartition('/')[2]: value for name, value in scores.items()}
    if key not in found:
        raise InputError(f'{path}: holds no score {key}, only {", ".join(scores)}')
    return float(found[key])


def gather(table: Table, cells: Iterable[Cell], work_dir: str | os.PathLike) -> list[Measured]:
    """The scores of the runs that are finished.

    Raises:
        InputError: a file of scores lacks the score that the table names.
    """
    measured = []
    for cell in cells:
        if state_of(work_dir, cell.stage) == FINISHED:
            found = read_json(cell.scores)
            scored_apart = table.pretrainings[cell.row].scorer is not None
            for score in table.tasks[cell.column].scores:
                if scored_apart:
                    value = 100 * _value(found, score.key.lower(), cell.scores)
                else:
                    value = score.scale * _value(found, score.key, cell.scores)
                measured.append(Measured(cell.row, cell.column, score.label, cell.seed, cell.fold, value))
    return measured


class Summary(NamedTuple):
    """Mean and sample deviation over seeds of the mean over folds; no deviation for one seed.

    Attributes:
        mean, deviation: in the table's scale.
        seeds: how many seeds are complete.
    """

    mean: float
    deviation: float
    seeds: int


def summarise(measured: Iterable[Measured], row: str, column: str, label: str, folds: int = 1) -> Summary | None:
    """What the runs of a cell say; None if no seed has all its folds."""
    by_seed: dict[int, dict[int, float]] = {}
    for item in measured:
        if (item.row, item.column, item.label) == (row, column, label):
            by_seed.setdefault(item.seed, {})[item.fold] = item.value
    means = [mean(values.values()) for values in by_seed.values() if len(values) == folds]
    if not means:
        return None
    return Summary(mean(means), stdev(means) if len(means) > 1 else math.nan, len(means))


def format_summary(summary: Summary | None) -> str:
    """``21.4 ± 0.8``, without the deviation for one seed."""
    if summary is None:
        return NOT_DONE
    return f'{summary.mean:.1f}' + ('' if math.isnan(summary.deviation) else f' ± {summary.deviation:.1f}')


def markdown(table: Table, measured: Sequence[Measured], seeds: int, folds: bool = True, note: str = '') -> str:
    """The table in the layout of the paper: pretraining, perhaps what it starts from, what it was trained on, one
    column for each task.

    Args:
        table: what is compared.
        measured: scores found.
        seeds: how many seeds a complete cell has.
        folds: whether a complete cell has all folds of its task.
        note: a last line.
    """
    starts = any(pretraining.init for pretraining in table.pretrainings.values())
    heads = ['pretraining', *(['init'] if starts else []), 'trained on', *(
        f'{task.label}, {" / ".join(score.label for score in task.scores)}' for task in table.tasks.values())]
    lines = [f'# {escape_markdown(table.title)}', '', table_row(heads), table_row(['---'] * len(heads))]
    pairs, incomplete, unavailable = set(table.pairs()), [], []
    for row, pretraining in table.pretrainings.items():
        obstacle = pretraining.obstacle()
        texts = [pretraining.label, *([pretraining.init or NOT_APPLICABLE] if starts else []), pretraining.trained_on]
        short = []
        for column, task in table.tasks.items():
            if (row, column) not in pairs:
                texts.append(NOT_APPLICABLE)
            elif obstacle is not None:
                texts.append(NOT_AVAILABLE)
            else:
                found = [summarise(measured, row, column, score.label, task.folds if folds else 1)
                         for score in task.scores]
                texts.append(' / '.join(map(format_summary, found)))
                done = min(item.seeds if item else 0 for item in found)
                if done < seeds:
                    short.append(f'{task.label} {done}')
        if obstacle is not None:
            unavailable.append(f'{pretraining.title}: {obstacle}')
        if short:
            incomplete.append(f'{pretraining.title}: {", ".join(short)}')
        lines.append(table_row(texts))
    lines += ['', f'Mean{" ± sample standard deviation" if seeds > 1 else ""} over {seeds} seed(s).']
    if unavailable:
        lines += ['', 'Not available: ' + escape_markdown('; '.join(unavailable)) + '.']
    if incomplete:
        lines += ['', f'Seeds done where not all {seeds} are: ' + escape_markdown('; '.join(incomplete)) + '.']
    return '\n'.join([*lines, *(['', note] if note else [])]) + '\n'


def comma_separated(measured: Iterable[Measured]) -> str:
    """One line for every score of every run."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(['pretraining', 'task', 'score', 'seed', 'fold', 'value'])
    writer.writerows([*item[:-1], f'{item.value:.4f}'] for item in measured)
    return text.getvalue()


def bar_plot(table: Table, measured: Sequence[Measured], path: str | os.PathLike, folds: bool = True) -> None:
    """A picture: one panel for each score of each task, one bar with its deviation for each pretraining."""
    from matplotlib.figure import Figure

    panels = [(column, task, score) for column, task in table.tasks.items() for score in task.scores]
    figure = Figure(figsize=(2 + 2.6 * len(panels), 1.2 + 0.34 * len(table.pretrainings)), layout='constrained')
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    labels = [item.title for item in table.pretrainings.values()]
    for axis, (column, task, score) in zip(axes, panels, strict=True):
        for position, row in enumerate(table.pretrainings):
            found = summarise(measured, row, column, score.label, task.folds if folds else 1)
            if found is not None:
                error = None if math.isnan(found.deviation) else found.deviation
                axis.barh(position, found.mean, xerr=error, color='#2f6fb5', capsize=3)
        axis.set_yticks(range(len(labels)), labels)
        axis.set_xlabel(f'{task.label}\n{score.label}')
        axis.spines[['top', 'right']].set_visible(False)
    axes[0].invert_yaxis()
    with atomic_path(path) as aside:
        figure.savefig(aside, dpi=120)
