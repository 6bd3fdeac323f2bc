"""A training that goes on does so with its own weights and with the settings of the config."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmdepthcp.engine.models import plain_model
from mmdepthcp.registry import HOOKS
from mmdepthcp.utils.checkpoint import check_fit
from mmdepthcp.utils.errors import InputError

COUNTERS = {'optimizer', 'last_step', '_global_step', '_last_value', 'verbose'}
"""What a scheduler knows about where it is, rather than about where it goes."""
OF_VERSIONS = {'foreach', 'maximize', 'capturable', 'differentiable', 'fused', 'decoupled_weight_decay'}
"""Settings of optimisers that come and go with versions of PyTorch."""


def _settings(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in group.items() if key != 'params'} for group in groups]


def _schedule(runner: Runner) -> list[dict[str, Any]]:
    return [{'kind': type(scheduler).__name__, **{
        key: value for key, value in vars(scheduler).items() if key not in COUNTERS}}
        for scheduler in runner.param_schedulers or ()]


def _kinds(group: Mapping[str, Any]) -> set[str]:
    return {key for key in group if not key.startswith('initial_')} - OF_VERSIONS - {'params'}


@HOOKS.register_module()
class ResumeHook(Hook):
    """Check the checkpoint that a training goes on from, and follow the config where the two differ.

    MMEngine takes weights that do not fit without an error, and takes learning rate, weight decay and schedule from the
    checkpoint, whatever the config says. With this hook the config holds: the rates are those that a training with
    these settings has at this iteration. What changes is logged.

    Raises:
        InputError: weights or optimiser do not fit; the schedule changes and depends on scores of validation.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """Note what the config says."""
        if isinstance(runner.optim_wrapper, OptimWrapper):
            self.wanted = _settings(runner.optim_wrapper.optimizer.param_groups)
            self.schedule = _schedule(runner) if isinstance(runner.param_schedulers or [], list) else None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check that weights and optimiser fit."""
        if not runner._resume or not isinstance(runner.optim_wrapper, OptimWrapper):
            return
        where = runner._load_from or runner.work_dir
        model = plain_model(runner)
        check_fit(model, {name.removeprefix('module.'): tensor for name, tensor in checkpoint['state_dict'].items()},
                  where)
        self.schedulers = len(checkpoint.get('param_schedulers') or ())
        groups, wanted = checkpoint['optimizer'].get('param_groups', []), runner.optim_wrapper.optimizer.param_groups
        sizes = [[len(group['params']) for group in side] for side in (groups, wanted)]
        kinds = [[_kinds(group) for group in side] for side in (groups, wanted)]
        if sizes[0] != sizes[1] or kinds[0] != kinds[1]:
            what = 'groups of parameters' if sizes[0] != sizes[1] else 'settings'
            raise InputError(
                f'{where}: its optimiser has other {what} than {type(runner.optim_wrapper.optimizer).__name__} of the '
                f'config; use the config of that training, or start from its weights: --cfg-options load_from={where}')

    def before_train(self, runner: Runner) -> None:
        """Follow the config."""
        schedule = getattr(self, 'schedule', None)
        if not runner._resume or not runner.iter or schedule is None:
            return
        groups = runner.optim_wrapper.optimizer.param_groups
        scheduled = {entry['param_name'] for entry in schedule}
        changes = list(dict.fromkeys(_follow(groups, self.wanted, scheduled)))
        if _schedule(runner) != schedule or self.schedulers != len(schedule):
            changes.append('the schedule (param_scheduler)')
        if not changes:
            return
        if any(getattr(scheduler, 'need_val_args', False) for scheduler in runner.param_schedulers or ()):
            raise InputError(f'{runner.cfg.filename}: {", ".join(changes)} differs from the checkpoint, and the '
                             'schedule depends on scores of validation, so that it cannot be caught up; keep the '
                             f'settings, or start anew from the weights: load_from={runner._load_from}')
        if runner.param_schedulers:
            self._catch_up(runner, scheduled)
        rates = sorted({float(f'{group["lr"]:.4g}') for group in groups if 'lr' in group})
        runner.logger.warning(f'goes on with the settings of the config where the checkpoint has others: '
                              f'{", ".join(changes)}; learning rate now {", ".join(map(str, rates[:3]))}')

    def _catch_up(self, runner: Runner, scheduled: set[str]) -> None:
        """Bring fresh schedulers to where they would be at this iteration."""
        optimizer = runner.optim_wrapper.optimizer
        for group, wanted in zip(optimizer.param_groups, self.wanted, strict=True):
            for name in scheduled & wanted.keys():
                group[name] = group[f'initial_{name}'] = wanted[f'initial_{name}']
        schedulers = runner.build_param_scheduler(copy.deepcopy(runner.cfg.param_scheduler))
        optimizer._global_step = runner.iter  # steps were made, so that no scheduler warns of none
        by_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
        ends = {round(runner.iter * number / runner.epoch) for number in range(1, runner.epoch + 1)} if by_epoch else ()
        for iteration in range(1, runner.iter + 1):
            for scheduler in schedulers:
                if not scheduler.by_epoch:
                    scheduler.step()
            if iteration in ends:
                for scheduler in schedulers:
                    if scheduler.by_epoch:
                        scheduler.step()
        runner.param_schedulers = schedulers


def _follow(groups: list[dict[str, Any]], wanted: list[dict[str, Any]], scheduled: set[str]) -> Iterator[str]:
    """Set what is not scheduled as wanted; yield what differed, scheduled or not, in words."""
    for group, settings in zip(groups, wanted, strict=True):
        for key, value in settings.items():
            if key.startswith('initial_') or key in OF_VERSIONS:
                continue
            first = f'initial_{key}' if key in scheduled else key
            if group.get(first) != settings.get(first):
                yield f'{key} {group.get(first)} → {settings.get(first)}'
            if key not in scheduled:
                group[key] = value
