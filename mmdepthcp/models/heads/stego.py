"""From frozen features to codes (STEGO: Hamilton et al., ICLR 2022)."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmdepthcp.registry import MODELS


@MODELS.register_module()
class STEGOHead(BaseModule):
    """Codes of features: a linear and a non-linear way, added.

    Args:
        in_channels: C, channels of the features.
        channels: d, channels of the codes.
        init_cfg: initialisation; default: PyTorch's of convolutions.
    """

    def __init__(self, in_channels: int, channels: int, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.channels = channels
        self.linear = nn.Conv2d(in_channels, channels, 1)
        self.nonlinear = nn.Sequential(
            nn.Conv2d(in_channels, in_channels, 1), nn.ReLU(), nn.Conv2d(in_channels, channels, 1))

    def forward(self, for_linear: Tensor, for_nonlinear: Tensor | None = None) -> Tensor:
        """Codes (B, d, h, w).

        Args:
            for_linear: features (B, C, h, w).
            for_nonlinear: the same with other channels dropped; default: the same.
        """
        return self.linear(for_linear) + self.nonlinear(for_linear if for_nonlinear is None else for_nonlinear)
