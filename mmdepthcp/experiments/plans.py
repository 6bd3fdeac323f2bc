"""Plans: the stages that a table takes, and the runs that are scored."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from mmdepthcp.experiments.building import StageBuilder, fill
from mmdepthcp.experiments.stages import OPTIONS, Stage
from mmdepthcp.experiments.tables import Pretraining, Table, Task
from mmdepthcp.utils.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config

SMOKE_IMAGES = 2
SMOKE_ITERATIONS = 2
SMOKE_BATCH = 4


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


def _data_sets(node: Any, key: str) -> Iterator[str]:
    """Config keys of the innermost data sets below ``key``."""
    if isinstance(node, Mapping) and isinstance(node.get('dataset'), Mapping):
        yield from _data_sets(node['dataset'], f'{key}.dataset')
    elif isinstance(node, Mapping) and 'datasets' in node:
        for number, inner in enumerate(node['datasets']):
            yield from _data_sets(inner, f'{key}.datasets.{number}')
    elif isinstance(node, Mapping):
        yield key


def _metrics(evaluator: Any) -> set[str]:
    """Types of the metrics of an evaluator, without their scopes."""
    each = evaluator if isinstance(evaluator, (list, tuple)) else [evaluator] if evaluator else []
    return {str(metric['type']).rpartition('.')[2] for metric in each}


def smoke_options(config: Config) -> list[str]:
    """Settings that leave two iterations of training, two images to score, and two items for hooks that look at the
    training set before.
    """
    options = []
    for loader in ('val_dataloader', 'test_dataloader', 'bank_dataloader'):
        options += [f'{key}.indices={SMOKE_IMAGES}' for key in _data_sets(config.get(loader), loader)
                    if key != loader]
    if config.get('train_dataloader') is None:
        return options
    options.append('default_hooks.logger.interval=1')
    options += [f'custom_hooks.{number}.num_items={SMOKE_IMAGES}'
                for number, hook in enumerate(config.get('custom_hooks') or []) if 'num_items' in hook]
    if 'max_iters' in config.train_cfg:
        batch = min(config.train_dataloader.batch_size, SMOKE_BATCH)
        return [*options, f'train_cfg.max_iters={SMOKE_ITERATIONS}', f'train_dataloader.batch_size={batch}']
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
        values = {**table.stage_values, 'work_dir': self.work_dir}
        self.prepared: dict[str, Stage] = {}
        self.builder = StageBuilder(table.path, values, smoke_options if smoke else lambda config: [])

    def plan(self) -> Plan:
        """All stages, prepared ones first, and the runs that are scored.

        Raises:
            InputError: the table names a config, tool, placeholder or fold that does not exist.
        """
        prepare = self.builder.read(self.table.prepare, 'prepare')
        self.prepared = {stage.name: stage for stage in prepare}
        groups, cells = [], []
        for seed in self.table.seeds[:1] if self.smoke else self.table.seeds:
            for row, pretraining in self.table.pretrainings.items():
                if pretraining.obstacle() is None and self.table.columns(row):
                    stages, scored = self._group(row, seed, self._named(pretraining.needs))
                    groups.append(stages)
                    cells += scored
        wanted = frozenset().union(*(stage.upstream for group in groups for stage in group))
        return Plan([stage for stage in prepare if stage in wanted], groups, cells)

    def _group(self, row: str, seed: int, needs: frozenset[Stage]) -> tuple[list[Stage], list[Cell]]:
        pretraining = self.table.pretrainings[row]
        where = f'{self.table.path}: pretrainings.{row}'
        stages: list[Stage] = []
        checkpoint = pretraining.file
        if pretraining.checkpoint is not None:
            checkpoint = fill(pretraining.checkpoint, self.builder.values, where)
        if pretraining.config is not None and pretraining.scorer is None:
            stages.append(self.builder.training(
                f'pretrain-{row}-{seed}', pretraining.config, [*pretraining.options, f'randomness.seed={seed}'],
                f'{{work_dir}}/pretrain/{row}/{seed}', needs, where, seed=seed))
            checkpoint = stages[0].outputs[0]
            needs |= {stages[0]}
        cells = []
        for column in self.table.columns(row):
            for fold in range(1 if self.smoke else self.table.tasks[column].folds):
                more, cell = self._cell(row, column, seed, fold, checkpoint, needs)
                stages += more
                cells.append(cell)
        return stages, cells

    def _cell(self, row: str, column: str, seed: int, fold: int, checkpoint: str | None,
              needs: frozenset[Stage]) -> tuple[list[Stage], Cell]:
        pretraining, task = self.table.pretrainings[row], self.table.tasks[column]
        where = f'{self.table.path}: tasks.{column}'
        name = f'{column}-{row}-{seed}' + (f'-{fold}' if task.folds > 1 else '')
        folder = f'{{work_dir}}/{column}/{row}/{seed}' + (f'/{fold}' if task.folds > 1 else '')
        out = f'{folder}/scores.json'
        path = pretraining.scored_by.get(column, task.config)
        options, parts, train = list(task.options), task.parts, task.train
        if pretraining.config is not None and (
                pretraining.scorer is not None or (task.own and self._scores_alike(pretraining.config, task.config))):
            path, options, parts, train = pretraining.config, list(pretraining.options), {}, False
        values: dict[str, Any] = dict(seed=seed, **({'its_checkpoint': checkpoint} if checkpoint else {}))
        config = self.builder.config(path, options)
        if pretraining.scorer is not None:
            command = [pretraining.scorer, path, '--json', out, '--seed', str(seed)]
        else:
            options.append(f'randomness.seed={seed}')
            if task.folds > 1:
                options += fold_options(config, fold)
            if checkpoint and parts:
                options += init_options(pretraining, task)
            command = ['tools/test.py', path, 'none', '--work-dir', f'{folder}/score', '--out', out]
        needs |= self._named(task.needs)
        stages = []
        if pretraining.scorer is None:
            scored = checkpoint if not parts else None
            if train:
                stages.append(self.builder.training(name, path, options, folder, needs, where, **values))
                scored = stages[0].outputs[0]
                needs |= {stages[0]}
            command[2] = '{scored}' if scored else 'none'
            values['scored'] = scored
            if self.smoke:
                options += smoke_options(config)
        command += [OPTIONS, *options] if options else []
        stages.append(self.builder.command(f'{name}-score', command, [out], needs, where, **values))
        return stages, Cell(row, column, seed, fold, stages[-1], stages[-1].outputs[0])

    def _named(self, names: Iterable[str] | None) -> frozenset[Stage]:
        return frozenset(self.prepared[name] for name in (self.prepared if names is None else names))

    def _scores_alike(self, *paths: str) -> bool:
        """Whether configs are tested, with the same metrics."""
        one, other = (_metrics(self.builder.config(path).get('test_evaluator')) for path in paths)
        return bool(one) and one == other
