"""The network that sees two frames and gives the camera's motion between them, and its intrinsics where asked
for."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmdepthcp.registry import MODELS

_OUTPUT_SCALE = 0.01


class PoseDecoder(nn.Module):
    """Motion from the coarsest features (Godard et al., ICCV 2019, supplementary material).

    Two motions of six numbers are given, of which the first is used, so that published weights fit.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, 256, 1), nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(256, 12, 1))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) to axis-angle and translation, each (B, 3) float32."""
        motion = _OUTPUT_SCALE * self.layers(features).float().mean((2, 3))[:, :6]
        return motion[:, :3], motion[:, 3:]


class IntrinsicsHead(nn.Module):
    """Pinhole intrinsics from the coarsest features (Gordon et al., "Depth from Videos in the Wild", ICCV
    2019).

    Focal lengths are softplus outputs times the image's width, so that pixels start square; the principal
    point is an offset from the centre in units of the image's size.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_channels, 4)
        nn.init.normal_(self.linear.weight, std=1e-3)
        nn.init.zeros_(self.linear.bias)

    def forward(self, features: Tensor, aspect: float) -> Tensor:
        """(B, C, H, W) and the image's width / height to normalised (B, 3, 3) float32 intrinsics."""
        raw = self.linear(features.mean((2, 3))).float()
        focal = F.softplus(raw[:, :2]) * raw.new_tensor([1, aspect])
        column = torch.cat([raw[:, 2:] + 0.5, torch.ones_like(raw[:, :1])], 1).unsqueeze(-1)
        return torch.cat([F.pad(torch.diag_embed(focal), (0, 0, 0, 1)), column], -1)


@MODELS.register_module()
class PoseNet(BaseModule):
    """Camera motion between two frames.

    Args:
        encoder: config of an encoder that takes two images stacked on the channel axis; its last output is
            used.
        in_channels: channels of that output.
        learn_intrinsics: also predict the camera's intrinsics.
    """

    def __init__(self, encoder: dict, in_channels: int = 512, learn_intrinsics: bool = False,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.encoder = MODELS.build(encoder)
        self.decoder = PoseDecoder(in_channels)
        self.intrinsics_head = IntrinsicsHead(in_channels) if learn_intrinsics else None

    def forward(self, pairs: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Motion from the first frame's camera to the second's.

        Args:
            pairs: two frames in temporal order stacked on the channel axis, (B, 6, H, W), normalised.

        Returns:
            axis-angle (B, 3) in radians, translation (B, 3), normalised intrinsics (B, 3, 3) or None.
        """
        features = self.encoder(pairs)[-1]
        intrinsics = None
        if self.intrinsics_head is not None:
            intrinsics = self.intrinsics_head(features, pairs.shape[-1] / pairs.shape[-2])
        return *self.decoder(features), intrinsics
