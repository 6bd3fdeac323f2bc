import logging
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmdepthcp.engine.hooks import EpochSeedHook, IterSeedHook, SwAVMonitorHook


def draws(seed, epoch):
    EpochSeedHook().before_train_epoch(SimpleNamespace(seed=seed, epoch=epoch))
    return global_draws()


def iteration_draws(seed, iteration):
    IterSeedHook().before_train_iter(SimpleNamespace(seed=seed, iter=iteration), iteration)
    return global_draws()


def global_draws():
    return random.random(), np.random.random(), torch.rand(1).item()  # noqa: NPY002


def test_epoch_seed_depends_on_seed_and_epoch_only():
    first = draws(3, 1)
    draws(3, 0)
    assert draws(3, 1) == first
    assert not set(draws(3, 2)) & set(first)
    assert not set(draws(4, 1)) & set(first)


def test_epoch_seed_differs_between_ranks(monkeypatch):
    first = draws(3, 1)
    monkeypatch.setattr('mmdepthcp.engine.hooks.seeds.get_rank', lambda: 1)
    assert not set(draws(3, 1)) & set(first)


def test_iteration_seed_depends_on_seed_and_iteration_only(monkeypatch):
    first = iteration_draws(3, 1)
    iteration_draws(3, 0)
    assert iteration_draws(3, 1) == first
    assert not set(iteration_draws(3, 2)) & set(first)
    assert not set(iteration_draws(4, 1)) & set(first)
    monkeypatch.setattr('mmdepthcp.engine.hooks.seeds.get_rank', lambda: 1)
    assert not set(iteration_draws(3, 1)) & set(first)


def run_monitor(ratios, caplog, interval=4):
    logger = logging.getLogger('test_hooks')
    hook = SwAVMonitorHook(interval=interval)
    with caplog.at_level('WARNING', logger=logger.name):
        for iteration, ratio in enumerate(ratios):
            outputs = dict(
                loss=torch.tensor(1.), region_to_lnk=torch.tensor(ratio), region_usage=torch.tensor(0.03))
            hook.after_train_iter(SimpleNamespace(iter=iteration, logger=logger), iteration, None, outputs)
    return [record.message for record in caplog.records]


def test_monitor_warns_when_the_loss_stays_at_ln_k(caplog):
    messages = run_monitor([1.0, 0.99, 1.01, 0.99], caplog)
    assert len(messages) == 1
    assert 'region loss stays at ln K: 0.998' in messages[0] and '3.0%' in messages[0]


@pytest.mark.parametrize('ratios', [[1.0, 1.0, 1.0], [1.0, 0.9, 0.8, 0.7]], ids=['too early', 'it learns'])
def test_monitor_is_silent(ratios, caplog):
    assert run_monitor(ratios, caplog) == []


def test_monitor_judges_each_interval_by_itself(caplog):
    assert len(run_monitor([0.5] * 4 + [1.0] * 4 + [0.5] * 4, caplog)) == 1
