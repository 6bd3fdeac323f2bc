"""Depth and segmentation by two decoders that tell each other what they see (Hoyer et al., CVPR 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmdepthcp.models.heads.aspp_unet import DepthDecoderHead
from mmdepthcp.registry import MODELS

MIDDLE = 2
"""Level of the decoders at which they exchange, with stride 4."""

Levels = dict[int, Tensor]


class AttentionGate(nn.Module):
    """What one task hands to the other: F(x) ⊙ σ(A(x)), F and A being 3×3 convolutions without bias (Xu et al.,
    "PAD-Net", CVPR 2018). A starts with zeros, so that every gate is half open.

    Args:
        channels: of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.features = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.attention = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        nn.init.zeros_(self.attention.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same shape."""
        return self.features(x) * self.attention(x).sigmoid()


class PADOutputs(NamedTuple):
    """What both tasks find in a batch of images.

    Attributes:
        logits: of the classes, (B, C, H, W), after the exchange.
        middle: of the classes, (B, C, H / 4, W / 4), before it.
        sigmoids: σ_0..σ_3, sigmoid disparity (B, 1, H / 2^s, W / 2^s), of which the two finer ones come after it.
    """

    logits: Tensor
    middle: Tensor
    sigmoids: tuple[Tensor, ...]


@MODELS.register_module()
class PADHead(DepthDecoderHead):
    """A decoder for depth and one for segmentation on one encoder, in exchange at a quarter of the image's size (Hoyer
    et al., CVPR 2021, after PAD-Net, Xu et al., CVPR 2018).

    Up to level 2 the decoders run by themselves, to g_D and g_S. Then g_S + gate(g_D) and g_D + gate(g_S) take their
    places, and both run on to level 0. As a decode head it gives segmentation alone: :meth:`forward`.

    Args:
        decoder: config of the ``DepthDecoder`` of which each task has one, that of segmentation without the
            convolutions to disparity. Both start from a depth network by ``init_cfg=dict(type='Pretrained',
            checkpoint=FILE, prefix='decode_head.')``.
        num_classes: number of classes.
        kwargs: see :class:`DepthDecoderHead`. ``align_corners`` says how the logits before the exchange are brought to
            the size of the labels (published: True).
    """

    def __init__(self, decoder: dict, num_classes: int, init_cfg: dict | None = None, **kwargs: Any) -> None:
        depth, segmentation = (MODELS.build({**decoder, 'sigmas': sigmas}) for sigmas in (True, False))
        super().__init__(depth, num_classes, init_cfg, **kwargs)
        self.depth_decoder, self.segmentation_decoder = depth, segmentation
        channels = depth.channels[MIDDLE]
        self.depth_to_segmentation = AttentionGate(channels)
        self.segmentation_to_depth = AttentionGate(channels)
        self.conv_middle = nn.Conv2d(channels, num_classes, 1)

    def _to_the_middle(self, features: Sequence[Tensor]) -> tuple[Levels, Levels]:
        self.check_features(features)
        depth, segmentation = (decoder.levels(features, until=MIDDLE)
                               for decoder in (self.depth_decoder, self.segmentation_decoder))
        return depth, segmentation

    def _logits(self, features: Sequence[Tensor], depth: Levels, segmentation: Levels) -> Tensor:
        told = segmentation[MIDDLE] + self.depth_to_segmentation(depth[MIDDLE])
        return self.cls_seg(self.segmentation_decoder.levels(features, (MIDDLE, told))[0])

    def _sigmoids(self, features: Sequence[Tensor], depth: Levels, segmentation: Levels) -> tuple[Tensor, ...]:
        told = depth[MIDDLE] + self.segmentation_to_depth(segmentation[MIDDLE])
        return self.depth_decoder.sigmoids({**depth, **self.depth_decoder.levels(features, (MIDDLE, told))})

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Logits (B, C, H, W) after the exchange, from the encoder's five features, finest first."""
        return self._logits(inputs, *self._to_the_middle(inputs))

    def disparities(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """σ_0..σ_3, see :class:`PADOutputs`, from the encoder's five features, finest first."""
        return self._sigmoids(features, *self._to_the_middle(features))

    def tasks(self, features: Sequence[Tensor]) -> PADOutputs:
        """All that both tasks find, from the encoder's five features, finest first."""
        depth, segmentation = self._to_the_middle(features)
        return PADOutputs(self._logits(features, depth, segmentation), self.conv_middle(segmentation[MIDDLE]),
                          self._sigmoids(features, depth, segmentation))

    def loss(self, inputs: Sequence[Tensor], batch_data_samples: list[SegDataSample], train_cfg: Any = None
             ) -> dict[str, Tensor]:
        """See :meth:`segmentation_losses`."""
        return self.segmentation_losses(self.tasks(inputs), batch_data_samples)

    def segmentation_losses(self, found: PADOutputs, batch_data_samples: list[SegDataSample]) -> dict[str, Tensor]:
        """Half the loss of the logits after the exchange, ``loss_ce`` by default, and half that of those before it,
        ``loss_ce_middle``; and for the log ``acc_seg``.
        """
        final = self.loss_by_feat(found.logits, batch_data_samples)
        middle = self.loss_by_feat(found.middle, batch_data_samples)
        losses = {name: value / 2 if 'loss' in name else value for name, value in final.items()}
        losses.update({f'{name}_middle': value / 2 for name, value in middle.items() if 'loss' in name})
        return losses
