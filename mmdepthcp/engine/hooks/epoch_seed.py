"""Random numbers that depend on the epoch only."""

from __future__ import annotations

import random

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdepthcp.registry import HOOKS


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seed Python, NumPy and PyTorch from (seed, epoch, rank) before every training epoch.

    A training resumed after any epoch then draws the same numbers (dropout, stochastic depth, workers'
    seeds) as one that was never interrupted. The seed is the runner's (``randomness = dict(seed=...)``).
    """

    priority = 'VERY_HIGH'

    def before_train_epoch(self, runner: Runner) -> None:
        """Seed all generators."""
        state = np.random.SeedSequence([runner.seed, runner.epoch, get_rank()]).generate_state(3)
        random.seed(int(state[0]))
        np.random.seed(int(state[1]))  # noqa: NPY002  other packages draw from the global generator
        torch.manual_seed(int(state[2]))
