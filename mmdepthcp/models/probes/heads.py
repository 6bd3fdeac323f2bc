"""What is put on frozen features to see how much they tell of the classes."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from mmdepthcp.evaluation.functional.knn import knn_votes
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError


@MODELS.register_module()
class LinearProbeHead(BaseDecodeHead):
    """One linear classifier for every pixel, on standardised features: the only thing that learns.

    Args:
        in_channels: channels of the features.
        num_classes: number of classes.
        kwargs: further arguments of mmseg's decode heads.
    """

    def __init__(self, in_channels: int, num_classes: int, **kwargs: Any) -> None:
        kwargs.setdefault('loss_decode', dict(type='mmseg.CrossEntropyLoss'))
        super().__init__(in_channels=in_channels, channels=in_channels, num_classes=num_classes, dropout_ratio=0,
                         in_index=0, align_corners=False, **kwargs)
        self.standardise = nn.BatchNorm2d(in_channels, affine=False)

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Class scores (B, num_classes, h, w) of features (B, C, h, w)."""
        return self.cls_seg(self.standardise(self._transform_inputs(inputs)))


@MODELS.register_module()
class KNNHead(BaseDecodeHead):
    """The classes of the most similar pixels of labelled images vote; nothing learns.

    :class:`mmdepthcp.engine.hooks.FeatureBankHook` fills the bank of labelled pixels before testing.

    Args:
        in_channels: channels of the features.
        num_classes: number of classes.
        num_neighbours: how many of the bank vote.
        temperature: a neighbour of cosine c has the weight exp(c / temperature).
    """

    bank: Tensor
    bank_labels: Tensor

    def __init__(self, in_channels: int, num_classes: int, num_neighbours: int = 20,
                 temperature: float = 0.07) -> None:
        super().__init__(in_channels=in_channels, channels=in_channels, num_classes=num_classes, dropout_ratio=0,
                         in_index=0, align_corners=False, init_cfg=None,
                         loss_decode=dict(type='mmseg.CrossEntropyLoss'))
        del self.conv_seg, self.loss_decode
        self.num_neighbours = num_neighbours
        self.temperature = temperature
        self.clear()

    def clear(self) -> None:
        """Empty the bank."""
        self.register_buffer('bank', torch.empty(0, self.in_channels), persistent=False)
        self.register_buffer('bank_labels', torch.empty(0, dtype=torch.long), persistent=False)

    def remember(self, features: Tensor, labels: Tensor) -> None:
        """Put labelled pixels into the bank.

        Args:
            features: (N, C).
            labels: (N,) classes 0..num_classes−1.
        """
        self.bank = torch.cat([self.bank.to(features), F.normalize(features, dim=1)])
        self.bank_labels = torch.cat([self.bank_labels.to(labels), labels])

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Votes (B, num_classes, h, w), which sum to 1, for features (B, C, h, w).

        Raises:
            InputError: the bank is empty.
        """
        features = self._transform_inputs(inputs)
        if not len(self.bank):
            raise InputError('KNNHead: the bank holds no labelled pixel; add FeatureBankHook to custom_hooks')
        pixels = F.normalize(features.permute(0, 2, 3, 1).flatten(0, 2), dim=1)
        votes = knn_votes(pixels, self.bank, self.bank_labels, self.num_classes, self.num_neighbours,
                          self.temperature)
        batch, _, height, width = features.shape
        return votes.reshape(batch, height, width, self.num_classes).permute(0, 3, 1, 2)
