"""Plans: the stages that a table takes, and the runs that are scored."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from mmdepthcp.config.loading import load_config, override_settings
from mmdepthcp.experiments.stages import OPTIONS, Stage, config_digest, fill, fill_args
from mmdepthcp.experiments.tables import Pretraining, Table, Task
from mmdepthcp.utils.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config

SMOKE_IMAGES = 2
SMOKE_ITERATIONS = 2


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
        config, options)`` train a model once and let ``{name}`` stand for its checkpoint. Each builds on those that it
        ``needs``, by default on all before it.
        """
        stages: list[Stage] = []
        for entry in self.table.prepare:
            where = f'{self.table.path}: prepare.{entry.get("name", len(stages))}'
            needs = frozenset(stage for stage in stages if stage.name in entry.get('needs', [stage.name]))
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
                  where: str, **values: Any) -> Stage:
        options = list(options)
        if self.smoke:
            options += smoke_options(self._config(path, options))
        output = f'{folder}/{final_checkpoint(self._config(path, options))}'
        command = ['tools/train.py', path, '--work-dir', folder]
        return self._stage(name, command, options, output, self._digests[path], needs, where, **values)

    def _stage(self, name: str, command: Sequence[str], options: Sequence[str], output: str, digest: str,
               needs: frozenset[Stage], where: str, **values: Any) -> Stage:
        """A stage with settings in which placeholders stand: the planner's, and those of the further ``values``."""
        words, data = fill_args([OPTIONS, *options] if options else [], {**self.values, **values}, where)
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
                f'{self.work_dir}/pretrain/{row}/{seed}', needs, where, seed=seed))
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
        path, options, parts, train = task.config, list(task.options), task.parts, task.train
        if task.own and pretraining.config is not None and self._can_be_tested(pretraining.config):
            path, options, parts, train = pretraining.config, list(pretraining.options), {}, False
        values = dict(seed=seed, **({'its_checkpoint': checkpoint} if checkpoint else {}))
        config = self._config(path, options)
        if pretraining.scorer is not None:
            command = [pretraining.scorer, path, '--json', out, '--seed', str(seed)]
            stage = self._stage(
                f'{name}-score', command, options, out, self._digests[path], needs, where, **values)
            return [stage], Cell(row, column, seed, fold, stage, out)
        options.append(f'randomness.seed={seed}')
        if task.folds > 1:
            options += fold_options(config, fold)
        stages = []
        scored = checkpoint if not parts else None
        if checkpoint and parts:
            options += init_options(pretraining, task)
        if train:
            stages.append(self._training(name, path, options, folder, needs, where, **values))
            scored = stages[0].outputs[0]
            needs |= {stages[0]}
        if self.smoke:
            options += smoke_options(config)
        command = ['tools/test.py', path, scored or 'none', '--work-dir', f'{folder}/score', '--out', out]
        stages.append(self._stage(
            f'{name}-score', command, options, out, self._digests[path], needs, where, **values))
        return stages, Cell(row, column, seed, fold, stages[-1], out)

    def _can_be_tested(self, path: str) -> bool:
        return self._config(path).get('test_evaluator') is not None
