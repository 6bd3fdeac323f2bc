"""Watch over the training of self-supervised depth."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdepthcp.registry import HOOKS


@HOOKS.register_module()
class MonoDepthWatchHook(Hook):
    """Say in words when depth training has failed: a loss that is not finite ends it, constant depth brings
    a warning. It looks at what is logged as ``disparity_std``, of several kinds of clips at the least.

    Args:
        interval: iterations between two looks.
        start: iterations before constant depth is looked for; the first predictions are nearly constant.
        min_std: spread of σ_0 within an image below which depth counts as constant.
    """

    priority = 'VERY_HIGH'

    def __init__(self, interval: int = 50, start: int = 5000, min_std: float = 1e-3) -> None:
        self.interval = interval
        self.start = start
        self.min_std = min_std
        self.collapsed = False

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
                f'within an image {spread:.1e}). Start again with another seed or a lower '
                'learning rate of pose_net')
        self.collapsed = collapsed
