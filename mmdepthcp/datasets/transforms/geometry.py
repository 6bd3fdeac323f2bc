"""mmseg's flips, resizing and crops, with everything that lies beside the image.

Under these names a config in this package's scope would get mmcv's classes, which leave depth as it is while the image
is flipped, or none at all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.datasets.transforms import RandomCrop as MMSegRandomCrop
from mmseg.datasets.transforms import RandomFlip as MMSegRandomFlip
from mmseg.datasets.transforms import Resize as MMSegResize
from PIL import Image

from mmdepthcp.datasets.transforms.loading import resize_image, resized_disparity
from mmdepthcp.registry import TRANSFORMS
from mmdepthcp.utils.errors import InputError

MAPS = ('disparity', 'disparity_valid', 'regions', 'gt_depth_map')
"""What may lie beside an image, each (h, w)."""


@contextlib.contextmanager
def _maps_as_fields(results: dict[str, Any]) -> Iterator[None]:
    """Count the maps among the ``seg_fields``, which mmseg's transforms treat as labels, without interpolation."""
    fields = results.setdefault('seg_fields', [])
    added = [key for key in MAPS if key in results and key not in fields]
    logical = [key for key in added if results[key].dtype == bool]
    fields.extend(added)
    for key in logical:  # OpenCV knows no such type
        results[key] = results[key].astype(np.uint8)
    yield
    for key in logical:
        results[key] = results[key].astype(bool)
    results['seg_fields'] = [key for key in results['seg_fields'] if key not in added]


@TRANSFORMS.register_module()
class RandomFlip(MMSegRandomFlip):
    """mmseg's ``RandomFlip``, which flips disparity, depth and regions too."""

    def transform(self, results: dict) -> dict:
        with _maps_as_fields(results):
            return super().transform(results)


@TRANSFORMS.register_module()
class Resize(MMSegResize):
    """mmseg's ``Resize``, which brings disparity, depth and regions to the same raster too, nearest pixel."""

    def transform(self, results: dict) -> dict:
        with _maps_as_fields(results):
            return super().transform(results)


@TRANSFORMS.register_module()
class RandomCrop(MMSegRandomCrop):
    """mmseg's ``RandomCrop``, which crops disparity, depth and regions too.

    Raises:
        InputError: one of them has another raster than the image.
    """

    def transform(self, results: dict) -> dict:
        for key in MAPS:
            if key in results and results[key].shape[:2] != results['img'].shape[:2]:
                raise InputError(f'{results.get("img_path")}: {key} is of shape {results[key].shape[:2]}, the image '
                                 f'{results["img"].shape[:2]}; bring them to one raster before RandomCrop, with '
                                 'ResizeStreet or Resize')
        with _maps_as_fields(results):
            return super().transform(results)


@TRANSFORMS.register_module()
class CentreSquare(BaseTransform):
    """The largest square in the middle of an image, with all that lies beside it, at a given size: the view of STEGO
    (Hamilton et al., ICLR 2022), in training and in its scores.

    The short side is brought to ``size``, the long one in proportion, rounded down; then the ends of the long one are
    cut off. Labels take the same square and size, so that scores are those of the square. Disparity is averaged over
    known pixels.

    Args:
        size: side of the square, in pixels.
        nearest: give each pixel of the image and of disparity the nearest one as Pillow does, like the published code,
            in place of averages.
    """

    def __init__(self, size: int, nearest: bool = False) -> None:
        self.size, self.nearest = int(size), nearest

    def transform(self, results: dict) -> dict:
        height, width = results['img'].shape[:2]
        short = min(height, width)
        scale = (self.size * width // short, self.size * height // short)
        left, top = ((side - self.size + 1) // 2 for side in scale)
        smooth = {} if self.nearest else dict(
            img=resize_image(results['img'], scale), **resized_disparity(results, scale))
        for key in [key for key in ('img', 'gt_seg_map', *MAPS) if key in results]:
            resized = smooth[key] if key in smooth else np.asarray(
                Image.fromarray(results[key]).resize(scale, Image.Resampling.NEAREST))
            results[key] = resized[top:top + self.size, left:left + self.size]
        results['img_shape'] = results['ori_shape'] = (self.size, self.size)
        return results


@TRANSFORMS.register_module()
class ResizeShortSide(BaseTransform):
    """Bring the short side of an image to a size, the long one in proportion, rounded; labels keep their raster.

    Args:
        size: in pixels.
    """

    def __init__(self, size: int) -> None:
        self.size = int(size)

    def transform(self, results: dict) -> dict:
        height, width = results['img'].shape[:2]
        scale = (round(self.size * width / min(height, width)), round(self.size * height / min(height, width)))
        results['img'] = resize_image(results['img'], scale)
        results['img_shape'] = results['img'].shape[:2]
        return results
