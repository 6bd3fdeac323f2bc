"""The network that sees two frames and gives the camera's motion between them, and its focal length where asked
for."""

from __future__ import annotations

import math
from typing import cast

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError

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

    def start_ahead(self, distance: float) -> None:
        """Make the motion before training one straight ahead: what was in front is ``distance`` nearer after it."""
        with torch.no_grad():
            cast(nn.Conv2d, self.layers[-1]).bias[5] -= distance / _OUTPUT_SCALE  # type: ignore[index]

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) to axis-angle and translation, each (B, 3) float32."""
        motion = _OUTPUT_SCALE * self.layers(features).float().mean((2, 3))[:, :6]
        return motion[:, :3], motion[:, 3:]


class IntrinsicsHead(nn.Module):
    """Focal length from the coarsest features (after Gordon et al., "Depth from Videos in the Wild", ICCV 2019).

    Video tells focal length only where the camera turns, so what is not known better is assumed: pixels are square and
    the principal point is the image's centre, which leaves one number, and that starts at the focal length of a usual
    field of view. Four numbers are given, of which the first is used, so that earlier weights fit.

    Args:
        in_channels: channels of the features.
        prior: focal length in units of the image's width, where training starts.
    """

    def __init__(self, in_channels: int, prior: float) -> None:
        super().__init__()
        self.prior = prior
        self.linear = nn.Linear(in_channels, 4)
        nn.init.normal_(self.linear.weight, std=1e-3)
        nn.init.zeros_(self.linear.bias)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to focal lengths in units of the image's width, (B,) float32."""
        return self.prior * self.linear(features.mean((2, 3)))[:, 0].float().exp()


@MODELS.register_module()
class PoseNet(BaseModule):
    """Camera motion between two frames.

    Args:
        encoder: config of an encoder that takes two images stacked on the channel axis; its last output is
            used.
        in_channels: channels of that output.
        learn_intrinsics: also predict the camera's focal length.
        field_of_view: of a usual camera, horizontal, degrees: 48.7 in Cityscapes, 81.5 in KITTI.
        prior_weight: how strongly the focal length is held there; see :meth:`prior_loss`.
        forward_start: how far the camera goes ahead between two frames before anything is learnt, in the units of
            depth, which starts at about 0.2. From 0 on, a network may come upon another direction that explains a part
            of what is seen, and stay there.
    """

    def __init__(self, encoder: dict, in_channels: int = 512, learn_intrinsics: bool = False,
                 field_of_view: float = 50., prior_weight: float = 0.05, forward_start: float = 0.,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.encoder = MODELS.build(encoder)
        self.decoder = PoseDecoder(in_channels)
        if forward_start:
            self.decoder.start_ahead(forward_start)
        if not (0 < field_of_view < 180 and prior_weight >= 0):
            raise InputError(
                f'pose_net: field_of_view must lie between 0 and 180 degrees and prior_weight be at least 0, got '
                f'{field_of_view} and {prior_weight}')
        self.prior = 0.5 / math.tan(math.radians(field_of_view) / 2)
        self.intrinsics_head = IntrinsicsHead(in_channels, self.prior) if learn_intrinsics else None
        self.prior_weight = prior_weight

    def forward(self, pairs: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Motion from the first frame's camera to the second's.

        Args:
            pairs: two frames in temporal order stacked on the channel axis, (B, 6, H, W), normalised.

        Returns:
            axis-angle (B, 3) in radians, translation (B, 3), focal length in units of the image's width (B,) or None.
        """
        features = self.encoder(pairs)[-1]
        focal = None if self.intrinsics_head is None else self.intrinsics_head(features)
        return *self.decoder(features), focal

    def prior_loss(self, focal: Tensor) -> Tensor:
        """prior_weight · log(f / f₀)², f₀ = 1 / (2 tan(field_of_view / 2)), of predicted focal lengths, any shape."""
        return self.prior_weight * (focal / self.prior).log().square()
