"""Random numbers that depend on the epoch only."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdepthcp.registry import HOOKS


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
        state = np.random.SeedSequence([runner.seed, runner.epoch, get_rank()]).generate_state(3)
        random.seed(int(state[0]))
        np.random.seed(int(state[1]))  # noqa: NPY002  other packages draw from the global generator
        torch.manual_seed(int(state[2]))

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seed all generators before the first iteration."""
        if batch_idx == 0:
            self.before_train_epoch(runner)
