"""What labels can read in codes by one linear layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmdepthcp.models.ranks import mean_over_ranks
from mmdepthcp.registry import MODELS


def enlarged(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Maps (B, C, h, w) resized bilinearly to ``size`` = (H, W), as PyTorch's ``interpolate`` does without
    ``align_corners``: by two matrices, whose gradient is several times faster on a CPU.
    """
    wide = torch.promote_types(maps.dtype, torch.float32)  # before torch 2.2 there is no eye of bfloat16
    down, across = (
        F.interpolate(torch.eye(old, dtype=wide, device=maps.device)[None], new, mode='linear')[0].to(maps.dtype)
        for old, new in zip(maps.shape[-2:], size, strict=True))
    return down.T @ (maps @ across)


@MODELS.register_module()
class LinearProbe(BaseModule):
    """A linear classifier on codes, which get no gradient from it: what labels can read in them.

    Args:
        in_channels: d, channels of the codes.
        num_classes: number of classes.
        ignore_index: label of pixels that do not count.
        init_cfg: initialisation; default: PyTorch's of convolutions.
    """

    def __init__(self, in_channels: int, num_classes: int, ignore_index: int = 255,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.classifier = nn.Conv2d(in_channels, num_classes, 1)
        self.ignore_index = ignore_index

    def forward(self, codes: Tensor) -> Tensor:
        """Class scores (B, num_classes, h, w) of codes (B, d, h, w)."""
        return self.classifier(codes.detach())

    def loss(self, codes: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Mean cross entropy of the labelled pixels of all ranks, as ``loss_linear``.

        Args:
            codes: (B, d, h, w).
            labels: (B, H, W) int64.
        """
        scores = enlarged(self(codes), labels.shape[-2:])
        losses = F.cross_entropy(scores, labels, ignore_index=self.ignore_index, reduction='sum')
        share = mean_over_ranks((labels != self.ignore_index).float()) * labels.numel()
        return dict(loss_linear=losses / share.clamp_min(1))
