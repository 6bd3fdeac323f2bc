"""Dense features of a network that does not learn any more."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from mmdepthcp.registry import MODELS


def hypercolumns(maps: Sequence[Tensor]) -> Tensor:
    """Maps (B, C_i, H_i, W_i), finest first, as one (B, ΣC_i, H_0, W_0), the coarser ones enlarged bilinearly.

    Hariharan et al., "Hypercolumns for object segmentation and fine-grained localization", CVPR 2015.
    """
    size = maps[0].shape[-2:]
    return torch.cat([
        level if level.shape[-2:] == size else F.interpolate(level, size=size, mode='bilinear', align_corners=False)
        for level in maps], dim=1)


@MODELS.register_module()
class FrozenFeatures(BaseModule):
    """A backbone of MMSegmentation's segmentors that gives one map of frozen features: the hypercolumns of a network.

    Without a neck these are the stages of the backbone, with a neck its levels, with a decoder what that makes of them.
    Nothing learns, batch norm keeps the statistics it came with.

    Args:
        backbone: a backbone with one or several outputs, finest first.
        neck: a feature pyramid.
        decode_head: a decoder from levels to one map, :class:`mmdepthcp.models.SemanticFPNFeatures`.
        pool: average so many by so many pixels of the map into one.
        init_cfg: initialisation; the parts may have their own.
    """

    def __init__(self, backbone: dict, neck: dict | None = None, decode_head: dict | None = None, pool: int = 1,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck) if neck else None
        self.decode_head = MODELS.build(decode_head) if decode_head else None
        self.pool = pool
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> FrozenFeatures:
        """Stay in evaluation mode."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, inputs: Tensor) -> tuple[Tensor]:
        """Features (B, C, h, w) of images (B, 3, H, W), as a tuple of one."""
        maps = self.backbone(inputs)
        if self.neck is not None:
            maps = self.neck(maps)
        features = hypercolumns(maps) if self.decode_head is None else self.decode_head(maps)
        return (F.avg_pool2d(features, self.pool) if self.pool > 1 else features,)
