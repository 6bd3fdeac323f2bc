"""A depth network that learns from what another one sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmdepthcp.models.depth.network import DepthNetwork
from mmdepthcp.models.losses import berhu_loss
from mmdepthcp.registry import MODELS
from mmdepthcp.sampling import depth_error

LEARNT_ROWS = 0.9
"""Nothing is learnt of what lies below this share of the height: the own car."""


@MODELS.register_module()
class DepthRegressor(DepthNetwork):
    """A student of depth: it regresses the disparity of a teacher by the reverse Huber loss. Images on which it fails
    are difficult (Hoyer et al., "Three Ways to Improve Semantic Segmentation with Self-Supervised Depth Estimation",
    CVPR 2021).

    Args:
        backbone: config of the encoder, such as ``DepthResNet``.
        decode_head: config of the decoder, such as ``DepthDecoder``; of its four maps σ_0 is trained.
        flip_test: average the predictions of the image and of its mirror.
        data_preprocessor: config, default ``MonoDepthDataPreprocessor``.
    """

    def __init__(self, backbone: dict, decode_head: dict, **kwargs: Any) -> None:
        super().__init__(backbone, decode_head, **kwargs)
        self.decode_head.predict[1:].requires_grad_(False)

    def loss(self, inputs: dict[str, Tensor], data_samples: Sequence[BaseDataElement]) -> dict[str, Tensor]:
        """The loss of a batch, in float32 under mixed precision too.

        Args:
            inputs: see :meth:`forward`.
            data_samples: with ``gt_disparity``, see :class:`mmdepthcp.datasets.transforms.PackDisparity`.

        Returns:
            ``loss_depth``; for the log ``disparity_std``, the spread of σ_0 within an image.
        """
        sigmoid = self(inputs)[0]
        target = self._stacked(data_samples, 'data').to(sigmoid)
        mask = self._stacked(data_samples, 'known').to(sigmoid)
        mask[:, :, int(LEARNT_ROWS * mask.shape[2]):] = 0
        return dict(loss_depth=berhu_loss(sigmoid, target, mask),
                    disparity_std=sigmoid.detach().flatten(1).std(1).mean())

    @torch.no_grad()
    def difficulty(self, data: dict[str, Any]) -> Tensor:
        """The error E of images (:func:`mmdepthcp.sampling.depth_error`), (B,) float32.

        Args:
            data: whole images with their disparity, collated, as :meth:`test_step` takes them.
        """
        batch = self.data_preprocessor(data)
        sigmoid = self(batch['inputs'])[0]
        return depth_error(sigmoid[:, 0], self._stacked(batch['data_samples'], 'data')[:, 0].to(sigmoid))

    @staticmethod
    def _stacked(data_samples: Sequence[BaseDataElement], name: str) -> Tensor:
        return torch.stack([getattr(sample.gt_disparity, name) for sample in data_samples])
