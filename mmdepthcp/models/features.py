"""Dense features of any model with a backbone: for pictures, for distances between images."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmdepthcp.models.backbones import hypercolumns
from mmdepthcp.models.depth import DepthNetwork
from mmdepthcp.models.heads import SemanticFPNFeatures
from mmdepthcp.utils.errors import InputError

SOURCES = ('backbone', 'neck', 'decode_head')
STAGE = re.compile('stage([1-4])')
DECODER = re.compile('decoder([0-4])')


@torch.no_grad()
def dense_features(model: Any, inputs: Tensor | Mapping[str, Tensor], source: str = 'backbone') -> Tensor:
    """Features (B, C, h, w) of images.

    Args:
        model: a model with ``backbone`` and perhaps ``neck`` and ``decode_head``: DepthCP, a depth network, a segmentor
            of MMSegmentation, a detector of MMDetection.
        inputs: what its data preprocessor gives: normalised images (B, 3, H, W), those of a depth network under
            ``network`` as (B, 1, 3, H, W).
        source: ``backbone``: hypercolumns of its stages; ``stage4`` .. ``stage1``: one of them, the last, the one
            before it and so on, in a ResNet at 1/32, 1/16, 1/8 and 1/4 of the size; ``neck``: hypercolumns of its
            levels; ``decode_head``: what the decoder gives to its classifier (DepthCP); ``decoder0`` .. ``decoder4``: a
            level of the decoder of a depth network, at 1 / 2^level of the size.

    Raises:
        InputError: the model has no such part, or the part gives no features.
    """
    images = inputs if isinstance(inputs, Tensor) else inputs['network'][:, 0]
    if stage := STAGE.fullmatch(source):
        maps = model.backbone(images)
        place = 5 - int(stage[1])
        if place > len(maps):
            raise InputError(f'{type(model.backbone).__name__} gives {len(maps)} map(s), of which the last is stage4; '
                             f'there is no {source}')
        return maps[-place]
    level = DECODER.fullmatch(source)
    if isinstance(model, DepthNetwork):
        if level is None and source != 'backbone':
            raise InputError(f'{type(model).__name__} has no {source}; the sources are backbone, decoder0 .. decoder4')
        maps = model.backbone(images)
        return hypercolumns(maps) if level is None else model.decode_head.levels(maps, until=int(level[1]))[
            int(level[1])]
    if source not in SOURCES or getattr(model, source, None) is None:
        raise InputError(f'{type(model).__name__} has no {source}; the sources are '
                         f'{", ".join(name for name in SOURCES if getattr(model, name, None) is not None)}')
    maps = model.backbone(images)
    if source == 'backbone':
        return hypercolumns(maps)
    maps = model.neck(maps) if getattr(model, 'neck', None) is not None else maps
    if source == 'neck':
        return hypercolumns(maps)
    if not isinstance(model.decode_head, SemanticFPNFeatures):
        raise InputError(f'{type(model.decode_head).__name__} gives class scores, not features; '
                         'choose backbone or neck')
    return model.decode_head(maps)


def without_padding(features: Tensor, image: Sequence[int], padded: Sequence[int]) -> Tensor:
    """The part of features (..., h, w) that shows the image, of shape (..., H, W), which was padded to the right and
    below to another shape.
    """
    rows, columns = (round(size * own / whole) for size, own, whole in zip(
        features.shape[-2:], image[-2:], padded[-2:], strict=True))
    return features[..., :rows, :columns]
