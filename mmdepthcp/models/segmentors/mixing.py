"""How a segmentor that learns from images without labels mixes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmdepthcp.mixing import class_masks, depth_masks, normalised_disparity
from mmdepthcp.utils.errors import InputError

CHOICES = dict(type=('depth', 'class', None), norm=('image', 'crop', 'none'), source=('stored', 'online'))


@dataclass(frozen=True)
class Mixer:
    """Settings of ``mixer``.

    Attributes:
        type: 'depth', DepthMix: what is nearer is in front; 'class', ClassMix: half of the classes of one image over
            another; None: no mixing.
        margin: see :func:`mmdepthcp.mixing.depth_masks`.
        foreground: the same; a pair: drawn between them for each image.
        norm: what of disparity becomes 0 and 1: 'image', the least and the largest value of the whole image; 'crop', of
            what the network sees of it; 'none': it stays as it is, on one scale for all images.
        source: 'stored': disparity of ``gt_depth_map``, which ``LoadDisparity(as_field=True)`` loads; 'online': of the
            segmentor itself, in the same iteration.
    """

    type: str | None = 'depth'
    margin: float = 0.03
    foreground: float | tuple[float, float] = 0.
    norm: str = 'image'
    source: str = 'stored'

    def __post_init__(self) -> None:
        for key, choices in CHOICES.items():
            if getattr(self, key) not in choices:
                raise InputError(f'mixer.{key} {getattr(self, key)!r}: must be one of {choices}')
        if self.type == 'depth' and self.source == 'online' and self.norm == 'image':
            raise InputError("mixer: norm 'image' is of whole images, source 'online' sees crops; set norm='crop'")

    @classmethod
    def of(cls, settings: Mapping[str, Any] | None) -> Mixer:
        """Those of a config; None: no mixing.

        Raises:
            InputError: one is unknown.
        """
        settings = dict(type=None) if settings is None else dict(settings)
        unknown = settings.keys() - {field.name for field in fields(cls)}
        if unknown:
            raise InputError(f'mixer: unknown {", ".join(sorted(unknown))}; it takes '
                             f'{", ".join(field.name for field in fields(cls))}')
        return cls(**settings)

    @property
    def is_online(self) -> bool:
        """Whether it needs disparity of the segmentor."""
        return self.type == 'depth' and self.source == 'online'

    def masks(self, rng: np.random.Generator, labels: Tensor, data_samples: Sequence[BaseDataElement],
              online: Tensor | None = None) -> Tensor | None:
        """Where each image of a batch keeps its own pixel, (B, H, W) bool; None: everywhere.

        Args:
            rng: draws classes, or the least disparity of what is kept.
            labels: (B, H, W) pseudo-labels.
            data_samples: of the images.
            online: (B, H, W) disparity of the segmentor.

        Raises:
            InputError: samples have no disparity, or it is not known what it was in the whole image.
        """
        if self.type is None:
            return None
        if self.type == 'class':
            return class_masks(labels, rng)
        disparity = self.disparity(data_samples) if online is None else self._normalised(online, data_samples)
        foreground = torch.as_tensor(
            rng.uniform(*self.foreground, len(disparity)) if isinstance(self.foreground, Sequence) else self.foreground)
        return depth_masks(disparity, self.margin, foreground)

    def disparity(self, data_samples: Sequence[BaseDataElement]) -> Tensor:
        """Stored disparity of images, (B, H, W) in 0..1; see :meth:`masks`."""
        for sample in data_samples:
            if 'gt_depth_map' not in sample:
                raise InputError(f"{sample.get('img_path')}: has no disparity to mix by; add LoadDisparity(as_field="
                                 "True) to the pipeline of unlabelled images, or choose mixer=dict(type='class')")
        return self._normalised(torch.cat([sample.gt_depth_map.data for sample in data_samples]), data_samples)

    def _normalised(self, disparity: Tensor, data_samples: Sequence[BaseDataElement]) -> Tensor:
        if self.norm == 'none':
            return disparity
        if self.norm == 'crop':
            return normalised_disparity(disparity)
        for sample in data_samples:
            if 'disparity_range' not in sample:
                raise InputError(f"{sample.get('img_path')}: the range of its disparity is not known; load it with "
                                 "LoadDisparity(as_field=True), or set mixer.norm='crop'")
        low, high = disparity.new_tensor([sample.disparity_range for sample in data_samples]).unbind(1)
        return normalised_disparity(disparity, low, high)
