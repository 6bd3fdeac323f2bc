"""Segmentation by the decoder of the depth network (Hoyer et al., CVPR 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from mmdepthcp.models.depth.decoder import DepthDecoder
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError


class DepthDecoderHead(BaseDecodeHead):
    """What decode heads have in common that are made of :class:`mmdepthcp.models.depth.DepthDecoder`.

    Args:
        decoder: one of them; the head sees the five features of its encoder.
        num_classes: number of classes.
        kwargs: further arguments of mmseg's decode heads (``loss_decode``, ``ignore_index``, ``align_corners``,
            ``init_cfg``).
    """

    def __init__(self, decoder: DepthDecoder, num_classes: int, init_cfg: dict | None = None, **kwargs: Any) -> None:
        levels = len(decoder.in_channels)
        super().__init__(
            in_channels=list(decoder.in_channels), in_index=list(range(levels)), input_transform='multiple_select',
            channels=decoder.channels[0], num_classes=num_classes, dropout_ratio=0, init_cfg=init_cfg, **kwargs)

    def check_features(self, features: Sequence[Tensor]) -> None:
        """Raise an InputError where an encoder gives other features than the decoder was made for."""
        given = [feature.shape[1] for feature in features]
        if given != self.in_channels:
            raise InputError(
                f'decode_head.decoder.in_channels is {tuple(self.in_channels)}, but the backbone gives {tuple(given)}: '
                'set it so, and take a backbone with five features, such as DepthResNet')


@MODELS.register_module()
class AsppUNetHead(DepthDecoderHead):
    """The depth network's decoder with a classifier in place of disparity (Hoyer et al., CVPR 2021).

    Features of the finest level, a 1×1 convolution to as many channels without bias, normalisation and activation, and
    a 1×1 convolution to the classes, at the size of the image. The only dropout is that of the decoder's ASPP.

    Args:
        decoder: config of a ``DepthDecoder``, which gets no convolutions to disparity. It starts from a depth network
            by ``init_cfg=dict(type='Pretrained', checkpoint=FILE, prefix='decode_head.')``.
        num_classes: number of classes.
        kwargs: see :class:`DepthDecoderHead`.
    """

    def __init__(self, decoder: dict, num_classes: int, init_cfg: dict | None = None, **kwargs: Any) -> None:
        built = MODELS.build({**decoder, 'sigmas': False})
        super().__init__(built, num_classes, init_cfg, **kwargs)
        self.decoder = built
        self.project = nn.Conv2d(self.channels, self.channels, 1, bias=False)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Logits (B, C, H, W) from the encoder's five features, finest first."""
        self.check_features(inputs)
        return self.cls_seg(self.project(self.decoder.levels(inputs)[0]))
