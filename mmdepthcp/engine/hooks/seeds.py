"""Random numbers that depend on the epoch, or the iteration, only."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdepthcp.registry import HOOKS


def seed_all(seed: int, number: int) -> None:
    """Seed the generators of Python, NumPy and PyTorch from the seed of a run, the number of its epoch or iteration,
    and the rank.
    """
    state = np.random.SeedSequence([seed, number, get_rank()]).generate_state(3)
    random.seed(int(state[0]))
    np.random.seed(int(state[1]))  # noqa: NPY002  other packages draw from the global generator
    torch.manual_seed(int(state[2]))


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seed Python, NumPy and PyTorch from (seed, epoch, rank) in every training epoch.

    A training resumed after any epoch then draws the same numbers (dropout, stochastic depth) as one that was never
    interrupted, whatever the number of workers. Seeds before the epoch, for data that is loaded in this process, and
    again before the first iteration, as starting workers draws a number itself. The seed is the runner's
    (``randomness = dict(seed=...)``). To resume exactly with gradient accumulation, the iterations of an epoch have to
    be a multiple of ``accumulative_counts``: a checkpoint holds no gradients.
    """

    priority = 'VERY_HIGH'

    def before_train_epoch(self, runner: Runner) -> None:
        """Seed all generators."""
        seed_all(runner.seed, runner.epoch)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seed all generators before the first iteration."""
        if batch_idx == 0:
            self.before_train_epoch(runner)


@HOOKS.register_module()
class IterSeedHook(Hook):
    """Seed Python, NumPy and PyTorch from (seed, iteration, rank) before every iteration of training.

    For trainings that count iterations: resumed after any of them, they draw the same numbers in the model (dropout,
    the boxes that Mask R-CNN learns from) as ones that were never interrupted. What :class:`EpochSeedHook` says of
    gradient accumulation holds here too; the data draws from its own numbers, see
    :class:`mmdepthcp.datasets.EndlessSampler`.
    """

    priority = 'VERY_HIGH'

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seed all generators."""
        seed_all(runner.seed, runner.iter)
