"""Watch over the training of self-supervised depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdepthcp.registry import HOOKS

LOOKS = 2
"""How often in a row the direction has to be wrong."""


@HOOKS.register_module()
class MonoDepthWatchHook(Hook):
    """Say in words when depth training has failed: a loss that is not finite ends it, constant depth or a camera that
    does not move the way it looks bring a warning. It looks at what is logged as ``disparity_std`` and ``heading``, of
    several kinds of clips at the least.

    Args:
        interval: iterations between two looks.
        start: iterations before constant depth and a wrong direction are looked for; the first predictions are nearly
            constant.
        min_std: spread of σ_0 within an image below which depth counts as constant.
        min_heading: cosine of the direction of motion with that of the camera below which, at two looks in a row, it
            counts as wrong; None for cameras that do not look ahead.
    """

    priority = 'VERY_HIGH'

    def __init__(self, interval: int = 50, start: int = 5000, min_std: float = 1e-3,
                 min_heading: float | None = 0.5) -> None:
        self.interval = interval
        self.start = start
        self.min_std = min_std
        self.min_heading = min_heading
        self.collapsed = False
        self._astray = 0

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                         outputs: dict[str, torch.Tensor] | None = None) -> None:
        """Look at the logged values of this iteration.

        Raises:
            FloatingPointError: a loss is NaN or infinite.
        """
        if not outputs or not self.every_n_train_iters(runner, self.interval):
            return
        bad = [name for name, value in outputs.items() if 'loss' in name and not torch.isfinite(value)]
        if bad:
            raise FloatingPointError(
                f'iteration {runner.iter + 1}: {", ".join(bad)} not finite. Resume from the last checkpoint with a '
                'lower learning rate or another seed; if it comes back, look for frames or intrinsics that make '
                'no sense')
        spread = min(float(value) for name, value in outputs.items() if name.endswith('disparity_std'))
        collapsed = runner.iter + 1 >= self.start and spread < self.min_std
        if collapsed and not self.collapsed:
            runner.logger.warning(
                f'iteration {runner.iter + 1}: the predicted depth is constant (standard deviation of the disparity '
                f'within an image {spread:.1e}). Start again with model.scale_weight=0.05, which keeps the scale '
                'from drifting off, with another seed or a lower learning rate')
        self.collapsed = collapsed
        self._look_at_heading(runner, [float(value) for name, value in outputs.items() if name.endswith('heading')])

    def _look_at_heading(self, runner: Runner, headings: Sequence[float]) -> None:
        if self.min_heading is None or not headings or runner.iter + 1 < self.start:
            return
        self._astray = self._astray + 1 if min(headings) < self.min_heading else 0
        if self._astray == LOOKS:
            runner.logger.warning(
                f'iteration {runner.iter + 1}: the camera is taken to move elsewhere than it looks (cosine '
                f'{min(headings):.2f}), and depth is learnt to match. Where it looks ahead, start again with another '
                'seed, more clips, or pose_net.forward_start=0.015; where not, set min_heading=None')
