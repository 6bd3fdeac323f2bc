"""Dense features of any model with a backbone, for pictures."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmdepthcp.models.backbones import hypercolumns
from mmdepthcp.models.heads import SemanticFPNFeatures
from mmdepthcp.utils.errors import InputError

SOURCES = ('backbone', 'neck', 'decode_head')


@torch.no_grad()
def dense_features(model: Any, inputs: Tensor, source: str = 'backbone') -> Tensor:
    """Features (B, C, h, w) of normalised images (B, 3, H, W).

    Args:
        model: a model with ``backbone`` and perhaps ``neck`` and ``decode_head``: DepthCP, a segmentor of
            MMSegmentation, a detector of MMDetection.
        source: ``backbone``: hypercolumns of its stages; ``neck``: hypercolumns of its levels; ``decode_head``:
            what the decoder gives to its classifier (DepthCP).

    Raises:
        InputError: the model has no such part, or the part gives no features.
    """
    if source not in SOURCES or getattr(model, source, None) is None:
        raise InputError(f'{type(model).__name__} has no {source}; the sources are '
                         f'{", ".join(name for name in SOURCES if getattr(model, name, None) is not None)}')
    maps = model.backbone(inputs)
    if source == 'backbone':
        return hypercolumns(maps)
    maps = model.neck(maps) if getattr(model, 'neck', None) is not None else maps
    if source == 'neck':
        return hypercolumns(maps)
    if not isinstance(model.decode_head, SemanticFPNFeatures):
        raise InputError(f'{type(model.decode_head).__name__} gives class scores, not features; '
                         'choose backbone or neck')
    return model.decode_head(maps)
