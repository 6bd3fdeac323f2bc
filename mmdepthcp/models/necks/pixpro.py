"""From feature maps to cells that are compared (Xie et al., "Propagate Yourself", CVPR 2021)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.views.pairs import LARGEST


@MODELS.register_module()
class PixelProjector(BaseModule):
    """1×1 convolution, normalisation, ReLU, 1×1 convolution, for every cell alone.

    Args:
        in_channels: of the features.
        hidden_channels: between the convolutions.
        channels: D.
        norm_cfg: default: batch normalisation.
        init_cfg: initialisation; default: PyTorch's of convolutions.
    """

    def __init__(self, in_channels: int, hidden_channels: int = 4096, channels: int = 256,
                 norm_cfg: dict | None = None, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.hidden = nn.Conv2d(in_channels, hidden_channels, 1)
        self.norm = build_norm_layer(norm_cfg or dict(type='BN'), hidden_channels)[1]
        self.out = nn.Conv2d(hidden_channels, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, D, h, w), of features (B, C, h, w)."""
        return self.out(F.relu(self.norm(self.hidden(features))))


@MODELS.register_module()
class PixelPropagation(BaseModule):
    """PixPro's pixel propagation module: every cell becomes the sum of all cells of its view, weighted by
    max(cosine, 0)^γ.

    Args:
        channels: D.
        gamma: γ.
        num_layers: of what is summed: 0, the cells as they are; 1, a 1×1 convolution of them; 2, two of them with
            normalisation and ReLU between.
        norm_value: bring what is summed to length 1 first, as the published code does and the paper does not say.
        norm_cfg: for two layers; default: batch normalisation.
        largest: numbers in the matrix of cosines that are held at once; what is more is computed again for the
            gradient.
        init_cfg: initialisation; default: PyTorch's of convolutions.

    Raises:
        InputError: there is no such number of layers.
    """

    def __init__(self, channels: int = 256, gamma: float = 2., num_layers: int = 1, norm_value: bool = True,
                 norm_cfg: dict | None = None, largest: int = LARGEST, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        if num_layers not in (0, 1, 2):
            raise InputError(f'PixelPropagation: num_layers {num_layers} must be 0, 1 or 2')
        self.gamma, self.norm_value, self.largest = gamma, norm_value, largest
        self.transform = [
            nn.Identity, lambda: nn.Conv2d(channels, channels, 1),
            lambda: PixelProjector(channels, channels, channels, norm_cfg)][num_layers]()

    def forward(self, cells: Tensor) -> Tensor:
        """(B, D, h, w) float32, of cells (B, D, h, w), in float32 under automatic mixed precision too."""
        values = self.transform(cells)
        with torch.autocast(cells.device.type, enabled=False):
            values = values.float().flatten(2).mT
            values = F.normalize(values, dim=2) if self.norm_value else values
            directions = F.normalize(cells.float().flatten(2).mT, dim=2)
            batch, number, _ = directions.shape
            step = max(1, self.largest // (batch * number))
            if step >= number:
                mixed = self._mixed(directions, directions, values)
            else:
                mixed = torch.cat([
                    checkpoint(self._mixed, part, directions, values, use_reentrant=False)
                    for part in directions.split(step, dim=1)], dim=1)
        return mixed.mT.unflatten(2, cells.shape[2:])

    def _mixed(self, part: Tensor, directions: Tensor, values: Tensor) -> Tensor:
        similarity = (part @ directions.mT).clamp(min=0)
        if self.gamma < 1:  # whose gradient at 0 is infinite
            similarity = similarity + 1e-6
        return similarity**self.gamma @ values
