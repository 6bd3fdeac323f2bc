"""Watch what STEGO and DepthG learn: the similarities of features that they follow, and those of codes."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdepthcp.engine.hooks.calibration import some_batches
from mmdepthcp.engine.models import plain_model
from mmdepthcp.registry import HOOKS
from mmdepthcp.visualization.similarities import draw_similarities

SHOWN = 100_000
QUANTILES = (0.05, 0.5, 0.95)


@HOOKS.register_module()
class SimilarityHistogramHook(Hook):
    """Log how the similarities of features and of codes are distributed, for an image with itself, with a neighbour and
    with another one, and draw them: as ``similarities`` among the pictures of the visualizer.

    Codes learn where features have similarities on both sides of the shift b, and codes of the same image lie apart
    from those of others in the end. A shift at the end of a histogram makes a term that only attracts or only repels.

    Args:
        interval: iterations between two looks; the first is taken before training.
        num_items: how many items of the training set, drawn by the runner's seed.
    """

    priority = 'VERY_LOW'

    def __init__(self, interval: int = 100, num_items: int = 32) -> None:
        self.interval, self.num_items = interval, num_items
        self._items: list[tuple[torch.Tensor, dict]] = []

    def before_train(self, runner: Runner) -> None:
        """Look once before training."""
        if runner.iter == 0:
            self._look(runner, 0)

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                         outputs: dict | None = None) -> None:
        """Look every ``interval`` iterations."""
        if self.every_n_train_iters(runner, self.interval):
            self._look(runner, runner.iter + 1)

    def _look(self, runner: Runner, iteration: int) -> None:
        model = plain_model(runner)
        if not self._items:  # the backbone stays as it is, and so do its features
            self._items = [(model.raw_pairs(inputs, known), {**known, 'are_features': True})
                           for inputs, known in some_batches(runner, self.num_items)]
        found = {
            name: tuple(values.flatten()[::1 + values.numel() // SHOWN].float().cpu() for values in pair)
            for name, pair in model.similarities(self._items).items()}
        shifts = dict(zip(found, model.shifts.tolist(), strict=True))
        for name, pair in found.items():
            of_features, of_codes = (', '.join(f'{value:.2f}' for value in torch.quantile(
                values, torch.tensor(QUANTILES)).tolist()) for values in pair)
            above = (pair[0] > shifts[name]).float().mean().item()
            runner.logger.info(f'similarities, {name}: features {of_features} (5 %, 50 %, 95 %), {above:.0%} above the '
                               f'shift {shifts[name]:.3f}; codes {of_codes}')
        picture = draw_similarities({name: tuple(values.numpy() for values in pair) for name, pair in found.items()},
                                    shifts)
        runner.visualizer.add_image('similarities', picture, iteration)
