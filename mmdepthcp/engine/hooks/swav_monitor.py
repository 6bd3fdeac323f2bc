"""Watch whether swapped prediction learns."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdepthcp.registry import HOOKS

SUFFIX = '_to_lnk'


@HOOKS.register_module()
class SwAVMonitorHook(Hook):
    """Warn when a swapped-prediction loss stays at ln K, the loss of a model that predicts nothing.

    Reads ``<level>_to_lnk`` (loss / ln K) and ``<level>_usage`` from what the model logs.

    Args:
        interval: iterations over which the loss is averaged before it is judged, again and again.
        threshold: share of ln K from which on the mean counts as no learning.
    """

    def __init__(self, interval: int = 1000, threshold: float = 0.98) -> None:
        self.interval = interval
        self.threshold = threshold
        self._seen: dict[str, list[float]] = defaultdict(list)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None,
    ) -> None:
        """Collect the loss, judge it every ``interval`` iterations."""
        for name, value in (outputs or {}).items():
            if name.endswith((SUFFIX, '_usage')):
                self._seen[name].append(float(value))
        if not self.every_n_train_iters(runner, self.interval):
            return
        means = {name: sum(values) / len(values) for name, values in self._seen.items()}
        self._seen.clear()
        for name, ratio in means.items():
            if name.endswith(SUFFIX) and ratio >= self.threshold:
                level = name.removesuffix(SUFFIX)
                usage = means[f'{level}_usage']
                runner.logger.warning(
                    f'the {level} loss stays at ln K: {ratio:.3f} of it on average over the last iterations, with '
                    f'{usage:.1%} of the prototypes in effective use. The model does not learn. Usual causes: a '
                    'learning rate too high (features collapse: usage near 0 %) or too low, more prototypes than '
                    'the samples can fill, views that share nothing (see them with tools/browse_dataset.py)')
