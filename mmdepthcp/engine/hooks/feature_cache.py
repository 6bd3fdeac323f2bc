"""Whether features that are kept are those of the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdepthcp.engine.models import plain_model
from mmdepthcp.registry import HOOKS
from mmdepthcp.utils.digests import digest_of_settings, digest_of_weights
from mmdepthcp.utils.errors import InputError


@HOOKS.register_module()
class FeatureCacheHook(Hook):
    """Refuse to train on kept features (``cache`` of :class:`mmdepthcp.datasets.NeighbourPairDataset`) of another
    backbone, other weights or another view than those of the config; does nothing where none are kept.

    Raises:
        InputError: they are others, at the start of training.
    """

    priority = 'HIGH'

    def before_train(self, runner: Runner) -> None:
        """Compare keys."""
        pairs: Any = runner.train_dataloader.dataset
        if getattr(pairs, 'cache', None) is None:
            return
        key = self.key(runner.cfg.train_dataloader.dataset.dataset, runner.cfg.model, pairs.names, plain_model(runner))
        if pairs.cache.key != key:
            raise InputError(
                f'{pairs.cache.folder}: keeps the features of another backbone, other weights, another view or other '
                'images; make others with tools/cache_features.py, or leave train_dataloader.dataset.cache out')

    @staticmethod
    def key(dataset: Any, model_config: Any, names: Sequence[str], model: Any) -> str:
        """What features depend on, as a digest.

        Args:
            dataset: config of the images and of what is loaded with them.
            model_config: of the model; its backbone and preprocessing count.
            names: of the images.
            model: the model, with its weights.
        """
        return digest_of_settings(dataset, model_config['backbone'], model_config.get('data_preprocessor'), names,
                                  digest_of_weights(model.backbone))
