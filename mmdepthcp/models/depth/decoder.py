"""Decoders from image features to sigmoid disparity at four scales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmdepthcp.registry import MODELS

NUM_SCALES = 4


def _conv_block(in_channels: int, out_channels: int, norm_cfg: dict | None) -> nn.Sequential:
    """3x3 convolution over reflected borders, normalisation where asked for, ELU."""
    layers: list[nn.Module] = [
        nn.Conv2d(in_channels, out_channels, 3, padding=1, padding_mode='reflect', bias=norm_cfg is None)]
    if norm_cfg is not None:
        layers.append(build_norm_layer(norm_cfg, out_channels)[1])
    return nn.Sequential(*layers, nn.ELU(inplace=True))


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling with dropout (Chen et al., arXiv:1706.05587; as in Hoyer et al., CVPR
    2021).

    Args:
        in_channels: channels of the input.
        out_channels: channels of every branch and of the output.
        dilations: one 3x3 branch for each, beside a 1x1 branch and one of the global average.
        norm_cfg: normalisation after every convolution.
    """

    def __init__(self, in_channels: int, out_channels: int, dilations: Sequence[int], norm_cfg: dict) -> None:
        super().__init__()

        def block(channels: int, kernel_size: int = 1, dilation: int = 1) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(channels, out_channels, kernel_size, padding=dilation * (kernel_size // 2),
                          dilation=dilation, bias=False),
                build_norm_layer(norm_cfg, out_channels)[1], nn.ReLU(inplace=True))

        self.branches = nn.ModuleList([block(in_channels), *(block(in_channels, 3, d) for d in dilations)])
        self.pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), block(in_channels))
        self.bottleneck = nn.Sequential(block((len(dilations) + 2) * out_channels), nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H, W)."""
        pooled = F.interpolate(self.pooled(x), x.shape[-2:], mode='bilinear', align_corners=False)
        return self.bottleneck(torch.cat([*(branch(x) for branch in self.branches), pooled], 1))


@MODELS.register_module()
class DepthDecoder(BaseModule):
    """U-Net decoder to sigmoid disparity at four scales (Godard et al., ICCV 2019, section 4 and
    supplementary material).

    From the coarsest level to the finest: convolve, enlarge by nearest neighbours unless the map already has
    the size of the skip connection, join the skip connection, convolve.

    Args:
        in_channels: channels of the five encoder features, finest first.
        channels: channels of the decoder's levels, finest first. Hoyer et al. (CVPR 2021) take (64, 128, 128,
            256, 256).
        aspp_dilations: dilations of an ASPP module in place of the first convolution, None for none; Hoyer et
            al. take (6, 12, 18) on a dilated encoder.
        norm_cfg: normalisation between convolution and ELU, None for none.
        sigmas: whether it has the convolutions to sigmoid disparity; without them :meth:`levels` is of use alone.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (64, 64, 128, 256, 512),
        channels: Sequence[int] = (16, 32, 64, 128, 256),
        aspp_dilations: Sequence[int] | None = None,
        norm_cfg: dict | None = None,
        sigmas: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = tuple(in_channels)
        self.channels = tuple(channels)
        above = (*channels[1:], in_channels[-1])
        skips = (0, *in_channels[:-1])
        self.reduce = nn.ModuleList(_conv_block(above[i], channels[i], norm_cfg) for i in range(5))
        if aspp_dilations is not None:
            self.reduce[4] = ASPP(in_channels[-1], channels[4], aspp_dilations, norm_cfg or dict(type='BN'))
        self.fuse = nn.ModuleList(
            _conv_block(channels[i] + skips[i], channels[i], norm_cfg) for i in range(5))
        if sigmas:
            self.predict = nn.ModuleList(
                nn.Conv2d(channels[i], 1, 3, padding=1, padding_mode='reflect') for i in range(NUM_SCALES))

    def levels(self, features: Sequence[Tensor], start: tuple[int, Tensor] | None = None,
               until: int = 0) -> dict[int, Tensor]:
        """What the decoder's levels give, coarsest first.

        Args:
            features: the encoder's five features, finest first.
            start: a level and its output, to go on from; None for the encoder's coarsest features.
            until: the last level, 0..4.

        Returns:
            Level i → (B, channels[i], H / 2^i, W / 2^i), or the size of the encoder's feature i − 1 where that is
            coarser (dilated encoders).
        """
        above, x = start or (5, features[-1])
        outputs = {}
        for level in range(above - 1, until - 1, -1):
            x = self.reduce[level](x)
            skip = features[level - 1] if level else None
            if skip is None or x.shape[-1] < skip.shape[-1]:
                x = F.interpolate(x, scale_factor=2, mode='nearest')
            x = outputs[level] = self.fuse[level](x if skip is None else torch.cat([x, skip], 1))
        return outputs

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Sigmoid disparity from the encoder's five features.

        Returns:
            float32 maps in 0..1, larger is closer, of sizes (B, 1, H / 2^s, W / 2^s) for s = 0..3.
        """
        return self.sigmoids(self.levels(features))

    def sigmoids(self, outputs: Mapping[int, Tensor]) -> tuple[Tensor, ...]:
        """Sigmoid disparity from what the levels 0..3 gave, see :meth:`forward` and :meth:`levels`."""
        return tuple(self.predict[level](outputs[level]).float().sigmoid() for level in range(NUM_SCALES))
