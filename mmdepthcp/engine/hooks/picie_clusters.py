"""The clusters of an epoch of PiCIE."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdepthcp.engine.models import plain_model
from mmdepthcp.registry import HOOKS
from mmdepthcp.utils.trees import progress_bar


@HOOKS.register_module()
class PiCIEClusterHook(Hook):
    """At the begin of every epoch have :class:`mmdepthcp.models.PiCIE` cluster the pixels of the training set, with the
    views that the epoch has.

    Args:
        interval: iterations of an epoch; None: as many as it takes to see the training set once.
        first_batches: see :meth:`mmdepthcp.models.PiCIE.find_clusters`.
    """

    def __init__(self, interval: int | None = None, first_batches: int = 20) -> None:
        self.interval, self.first_batches = interval, first_batches

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Find the clusters where an epoch begins; a resumed training has those of its epoch."""
        loader: Any = runner.train_dataloader
        interval = self.interval or max(1, len(loader.dataset) // (loader.batch_size * get_world_size()))
        epoch, step = divmod(runner.iter, interval)
        if step:
            return
        model: Any = plain_model(runner)
        settings = {**runner.cfg.train_dataloader, 'persistent_workers': False, 'drop_last': True,
                    'sampler': dict(type='mmdepthcp.EpochSampler', shuffle=True)}
        loader = Runner.build_dataloader(settings, seed=runner.seed)
        loader.sampler.set_epoch(epoch)

        def batches() -> Iterator[dict]:
            bar = progress_bar(len(loader))
            for batch in loader:
                yield model.data_preprocessor(batch, training=True)
                bar.update()

        model.find_clusters(batches, (runner.seed or 0) + epoch, self.first_batches)
        shares = (model.counts[0] / model.counts[0].sum()).sort(descending=True).values.tolist()
        runner.logger.info(f'epoch {epoch + 1}: of the pixels of the first view, the clusters have '
                           f'{", ".join(f"{share:.1%}" for share in shares)}')
