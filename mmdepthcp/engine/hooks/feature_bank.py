"""Labelled pixels for the k-NN probe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import PixelData
from torch import Tensor

from mmdepthcp.engine.hooks.pretrained_check import PretrainedCheckHook
from mmdepthcp.registry import HOOKS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.trees import progress_bar


def _nearest(labels: Tensor, size: Sequence[int]) -> Tensor:
    """Label maps (N, H, W) at another size."""
    return F.interpolate(labels[None].float(), size=tuple(size), mode='nearest-exact')[0].long()


@HOOKS.register_module()
class FeatureBankHook(Hook):
    """Fill the bank of :class:`mmdepthcp.models.probes.KNNHead` before testing.

    It takes pixels of the labelled images of ``bank_dataloader``, an entry of the config, and checks first that
    pretrained weights arrived (:class:`PretrainedCheckHook`).

    Args:
        pixels_per_image: how many labelled pixels of each image, drawn evenly on the raster of the features.
        seed: seed of the draw.

    Raises:
        InputError: the config has no ``bank_dataloader``, its images have no labelled pixel, or several processes
            are at work; before testing.
    """

    def __init__(self, pixels_per_image: int = 64, seed: int = 0) -> None:
        self.pixels_per_image = pixels_per_image
        self.seed = seed

    @torch.no_grad()
    def before_test(self, runner: Runner) -> None:
        """Fill the bank."""
        if get_world_size() > 1:
            raise InputError('the k-NN probe runs in one process: leave out --launcher')
        if 'bank_dataloader' not in runner.cfg:
            raise InputError('FeatureBankHook: the config has no bank_dataloader, the labelled images to compare with')
        PretrainedCheckHook().before_train(runner)
        model: Any = runner.model
        model.eval()
        model.decode_head.clear()
        generator = torch.Generator().manual_seed(self.seed)
        loader = runner.build_dataloader(runner.cfg.bank_dataloader, seed=self.seed)
        bar = progress_bar(len(loader))
        for batch in loader:
            for image, sample in zip(batch['inputs'], batch['data_samples'], strict=True):
                sample.gt_sem_seg = PixelData(data=_nearest(sample.gt_sem_seg.data, image.shape[-2:]))
            batch = model.data_preprocessor(batch, training=True)
            features = model.extract_feat(batch['inputs'])[0]
            labels = torch.stack([sample.gt_sem_seg.data for sample in batch['data_samples']])
            labels = _nearest(labels.squeeze(1), features.shape[-2:])
            for feature, label in zip(features, labels, strict=True):
                known = (label < model.decode_head.num_classes).nonzero()
                drawn = known[torch.randperm(len(known), generator=generator)[:self.pixels_per_image].to(known.device)]
                rows, columns = drawn.unbind(1)
                model.decode_head.remember(feature[:, rows, columns].T, label[rows, columns])
            bar.update()
        if not len(model.decode_head.bank):
            raise InputError('FeatureBankHook: the images of bank_dataloader have no labelled pixel')
        runner.logger.info(f'the bank holds {len(model.decode_head.bank)} labelled pixels')
