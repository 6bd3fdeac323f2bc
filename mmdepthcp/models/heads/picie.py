"""PiCIE's decoder (Cho et al., CVPR 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmdepthcp.registry import MODELS


@MODELS.register_module()
class SummedPyramidHead(BaseModule):
    """Four 1×1 convolutions, summed from the coarsest level to the finest, without norm and activation.

    Args:
        in_channels: of the levels, finest first.
        channels: D.
        init_cfg: initialisation; default: PyTorch's of convolutions.
    """

    def __init__(self, in_channels: Sequence[int] = (64, 128, 256, 512), channels: int = 128,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.channels = channels
        self.lateral = nn.ModuleList(nn.Conv2d(size, channels, 1) for size in in_channels)

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """(B, D, h, w) at the size of the finest level, of levels (B, C, h, w), finest first."""
        found, *others = [layer(level) for layer, level in zip(self.lateral[::-1], levels[::-1], strict=True)]
        for level in others:
            found = level + F.interpolate(found, level.shape[-2:], mode='bilinear')
        return found
