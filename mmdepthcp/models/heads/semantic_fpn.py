"""The decoder of Semantic FPN without its classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmseg.models.decode_heads import FPNHead
from torch import Tensor

from mmdepthcp.registry import MODELS


@MODELS.register_module()
class SemanticFPNFeatures(FPNHead):
    """Semantic FPN's decoder (Kirillov et al., CVPR 2019) as a source of features.

    The parameters have the names of :class:`mmseg.models.decode_heads.FPNHead`, so mmseg's Semantic FPN
    loads them.

    Args:
        in_channels: channels of the feature pyramid's levels.
        channels: channels of the output.
        feature_strides: strides of the levels, powers of two, finest first.
        norm_cfg: normalisation of the convolutions.
        init_cfg: initialisation.
        kwargs: further arguments of mmseg's decode heads (``in_index``, ``conv_cfg``, ``act_cfg``,
            ``align_corners``).
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (256, 256, 256, 256),
        channels: int = 128,
        feature_strides: Sequence[int] = (4, 8, 16, 32),
        norm_cfg: dict | None = None,
        init_cfg: dict | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault('in_index', list(range(len(in_channels))))
        super().__init__(
            feature_strides=feature_strides, in_channels=list(in_channels), channels=channels, num_classes=1,
            out_channels=1, threshold=0.5, dropout_ratio=0, init_cfg=init_cfg,
            loss_decode=dict(type='mmseg.CrossEntropyLoss'),
            norm_cfg=norm_cfg or dict(type='GN', num_groups=32), **kwargs)
        del self.conv_seg, self.loss_decode

    def cls_seg(self, feat: Tensor) -> Tensor:
        """Return the features (B, channels, H / 4, W / 4) as they are."""
        return feat
