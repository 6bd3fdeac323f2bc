"""What a model has to see of the data before it can be trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdepthcp.engine.models import plain_model
from mmdepthcp.registry import HOOKS
from mmdepthcp.utils.trees import progress_bar


@HOOKS.register_module()
class CalibrationHook(Hook):
    """Show images of the training set to a model that has a method ``calibrate`` and is not ``calibrated`` yet.

    What it finds lies in buffers of the model and in its checkpoints; a resumed training finds nothing anew.

    Args:
        num_items: how many items of the training set, drawn by the runner's seed.
    """

    priority = 'LOW'

    def __init__(self, num_items: int = 32) -> None:
        self.num_items = num_items

    def before_train(self, runner: Runner) -> None:
        """Calibrate; all ranks see the same items."""
        model = plain_model(runner)
        if model.calibrated:
            return
        model.calibrate(some_batches(runner, self.num_items))
        runner.logger.info(f'calibrated on {self.num_items} items; shifts: '
                           + ', '.join(f'{shift:.4f}' for shift in model.shifts.tolist()))


def some_batches(runner: Runner, num_items: int) -> Iterator[tuple[torch.Tensor, Any]]:
    """Inputs and data samples of items of the training set, drawn by the runner's seed, the same on all ranks."""
    dataset = runner.train_dataloader.dataset
    rng = np.random.default_rng([runner.seed, len(dataset)])
    chosen = rng.choice(len(dataset), min(num_items, len(dataset)), replace=False)
    bar = progress_bar(len(chosen))
    for index in chosen.tolist():
        batch = plain_model(runner).data_preprocessor(pseudo_collate([dataset[runner.seed, 0, index]]), training=True)
        bar.update()
        yield batch['inputs'], batch['data_samples']
