"""How a segmentor without labels is asked: at once or in windows, and whether its answer follows the edges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from mmdepthcp.evaluation.functional.crf import CRFSettings
from mmdepthcp.utils.errors import InputError

SHARPNESS = 2.
"""Factor of the cosines with the centres in the probabilities of clusters (Hamilton et al., ICLR 2022)."""


@dataclass(frozen=True)
class InferenceSettings:
    """Settings of ``test_cfg``.

    Attributes:
        mode: 'whole'; 'slide': features of overlapping windows, averaged where they overlap.
        crop_size, stride: (height, width) of the windows and of the steps between them, in pixels.
        crf: settings of a conditional random field (:class:`mmdepthcp.evaluation.functional.crf.CRFSettings`) that
            makes segments end at edges; None: none.
    """

    mode: str = 'whole'
    crop_size: tuple[int, int] | None = None
    stride: tuple[int, int] | None = None
    crf: CRFSettings | None = None

    def __post_init__(self) -> None:
        if self.mode not in ('whole', 'slide'):
            raise InputError(f"test_cfg.mode {self.mode!r}: must be 'whole' or 'slide'")
        if self.mode == 'slide' and (self.crop_size is None or self.stride is None):
            raise InputError("test_cfg: mode 'slide' needs crop_size and stride, (height, width) in pixels")

    @classmethod
    def of(cls, test_cfg: Mapping[str, Any] | None) -> InferenceSettings:
        """Those of a config."""
        settings = dict(test_cfg or {})
        if settings.get('crf') is not None:
            settings['crf'] = CRFSettings(**settings['crf'])
        return cls(**settings)


def slide(extract: Callable[[Tensor], Tensor], images: Tensor, crop_size: tuple[int, int],
          stride: tuple[int, int]) -> Tensor:
    """Maps (B, D, h, w) of images (B, 3, H, W) from windows, the mean where they overlap.

    Args:
        extract: gives the map of a window.
        images: all of one size; where they are smaller than a window, that is as small.
        crop_size: (height, width) of the windows.
        stride: (height, width) of the steps between them; the last windows end where the image does.

    Raises:
        InputError: windows do not begin at cells of the map.
    """
    sizes = tuple(images.shape[-2:])
    crop = [min(side, whole) for side, whole in zip(crop_size, sizes, strict=True)]
    starts = [sorted({*range(0, whole - side, step), whole - side})
              for whole, side, step in zip(sizes, crop, stride, strict=True)]
    total: Tensor | None = None
    for top in starts[0]:
        for left in starts[1]:
            maps = extract(images[..., top:top + crop[0], left:left + crop[1]])
            if total is None:
                cell = [side // cells for side, cells in zip(crop, maps.shape[-2:], strict=True)]
                if any(place % cell[axis] for axis in range(2) for place in starts[axis]):
                    raise InputError(f'test_cfg: windows begin at rows {starts[0]} and columns {starts[1]} of images '
                                     f'of size {sizes}; choose stride and crop_size (and size_divisor of the data '
                                     f'preprocessor) so that all are multiples of {cell}, the cells of the features')
                total = maps.new_zeros(*maps.shape[:2], *(whole // side for whole, side in zip(
                    sizes, cell, strict=True)))
                count = maps.new_zeros(total.shape[-2:])
            rows = slice(top // cell[0], top // cell[0] + maps.shape[-2])
            columns = slice(left // cell[1], left // cell[1] + maps.shape[-1])
            total[..., rows, columns] += maps
            count[rows, columns] += 1
    assert total is not None
    return total / count


def picture_of(image: Tensor, preprocessor: nn.Module, shown: tuple[float, float], size: tuple[int, int]) -> np.ndarray:
    """An image (H, W, 3) uint8 as it was before a preprocessor made it an input.

    Args:
        image: (3, h, w) input of a network.
        preprocessor: has ``mean`` and ``std``.
        shown: share of the height and of the width, from the top left, that is no padding.
        size: (H, W) of the result.
    """
    mean, deviation = (getattr(preprocessor, name, torch.tensor(default)).to(image).view(-1, 1, 1)
                       for name, default in (('mean', 0.), ('std', 1.)))
    whole = (image * deviation + mean).round().clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy()
    kept = whole[:round(whole.shape[0] * shown[0]), :round(whole.shape[1] * shown[1])]
    return cv2.resize(np.ascontiguousarray(kept), size[::-1], interpolation=cv2.INTER_LINEAR)
