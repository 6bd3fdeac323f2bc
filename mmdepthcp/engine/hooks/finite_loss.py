"""A training whose loss is no number any more ends."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdepthcp.registry import HOOKS


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Look at the losses every few iterations, and at the end of an epoch; ``tools/train.py`` adds it to all trainings.

    Args:
        interval: iterations from one look to the next; each waits for the device.

    Raises:
        FloatingPointError: a loss is NaN or infinite.
    """

    def __init__(self, interval: int = 10) -> None:
        self.interval = interval

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                         outputs: dict[str, Any] | None = None) -> None:
        """Look at the logged values of this iteration."""
        if not self.every_n_train_iters(runner, self.interval) and not self.end_of_epoch(
                runner.train_dataloader, batch_idx):
            return
        bad = [name for name, value in (outputs or {}).items()
               if 'loss' in name and not torch.isfinite(torch.as_tensor(value)).all()]
        if bad:
            raise FloatingPointError(
                f'iteration {runner.iter + 1}: {", ".join(bad)} not finite. Resume from the last checkpoint with a '
                'lower learning rate, a longer warm-up, or without --amp; if it comes back, look for inputs that make '
                'no sense')
