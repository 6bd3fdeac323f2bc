"""Flips, resizing, padding and crops of mmseg and mmcv, with everything that lies beside the image.

Under these names a config in this package's scope would get mmcv's classes, which leave depth as it is while the image
is flipped, or none at all. Other transforms that would are refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms import CenterCrop as MMCVCenterCrop
from mmcv.transforms import Pad as MMCVPad
from mmengine.dataset import Compose
from mmseg.datasets.transforms import RandomCrop as MMSegRandomCrop
from mmseg.datasets.transforms import RandomFlip as MMSegRandomFlip
from mmseg.datasets.transforms import Resize as MMSegResize
from PIL import Image

from mmdepthcp.datasets.transforms.loading import (
    LoadDisparity,
    LoadRegions,
    ResizeStreet,
    resize_image,
    resized_disparity,
)
from mmdepthcp.registry import TRANSFORMS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import NO_REGION, SMALLEST_DISPARITY

MAPS = dict(disparity=SMALLEST_DISPARITY, disparity_valid=0, regions=NO_REGION, gt_depth_map=0)
"""What may lie beside an image, each (h, w), and its value where nothing is known."""

PACKAGES = ('mmcv', 'mmseg', 'mmdet', 'mmpretrain')
MOVE_PIXELS = frozenset('''
    Albu Albumentations BioMedical3DPad BioMedical3DRandomCrop BioMedical3DRandomFlip CenterCrop EfficientNetCenterCrop
    Pad RandAugment RandomCrop RandomFlip RandomMosaic RandomResizedCrop RandomRotFlip RandomRotate RandomTranslatePad
    Resize ResizeEdge ResizeToMultiple Rotate Shear Translate
'''.split())
"""Transforms of other packages that know nothing of maps."""
MOVE_FIELDS = (MMSegRandomFlip, MMSegResize, MMSegRandomCrop)
"""Those that move the ``seg_fields``, and so disparity that is one of them."""


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


class _MapsFollow(BaseTransform):
    """Mixin over a transform that moves the ``seg_fields`` with the image: the maps go with them."""

    def transform(self, results: dict) -> dict:
        with _maps_as_fields(results):
            return super().transform(results)


class _OnOneRaster(_MapsFollow):
    """What cuts or pads, and so needs maps on the image's raster.

    Raises:
        InputError: one of them has another.
    """

    def transform(self, results: dict) -> dict:
        for key in MAPS:
            if key in results and results[key].shape[:2] != results['img'].shape[:2]:
                raise InputError(f'{results.get("img_path")}: {key} is of shape {results[key].shape[:2]}, the image '
                                 f'{results["img"].shape[:2]}; bring them to one raster before {type(self).__name__}, '
                                 'with ResizeStreet or Resize')
        return super().transform(results)


@TRANSFORMS.register_module()
class RandomFlip(_MapsFollow, MMSegRandomFlip):
    """mmseg's ``RandomFlip``, which flips disparity, depth and regions too."""


@TRANSFORMS.register_module()
class Resize(_MapsFollow, MMSegResize):
    """mmseg's ``Resize``, which brings disparity, depth and regions to the same raster too, nearest pixel."""


@TRANSFORMS.register_module()
class RandomCrop(_OnOneRaster, MMSegRandomCrop):
    """mmseg's ``RandomCrop``, which crops disparity, depth and regions too.

    Raises:
        InputError: one of them has another raster than the image.
    """


@TRANSFORMS.register_module()
class Pad(_OnOneRaster, MMCVPad):
    """mmcv's ``Pad``, which pads disparity, depth and regions too: as unknown, without region.

    Raises:
        InputError: one of them has another raster than the image.
    """

    def _pad_seg(self, results: dict) -> None:
        super()._pad_seg(results)
        for key, unknown in MAPS.items():
            if key in results:
                results[key] = mmcv.impad(
                    results[key], shape=results['img_shape'], pad_val=unknown, padding_mode=self.padding_mode)


@TRANSFORMS.register_module()
class CenterCrop(_OnOneRaster, MMCVCenterCrop):
    """mmcv's ``CenterCrop``, which crops disparity, depth and regions too, and pads with :class:`Pad`.

    Raises:
        InputError: one of them has another raster than the image.
    """

    def __init__(self, crop_size: int | tuple[int, int], auto_pad: bool = False, pad_cfg: dict | None = None,
                 **kwargs: Any) -> None:
        super().__init__(crop_size, auto_pad, {**(pad_cfg or {}), 'type': 'mmdepthcp.Pad'}, **kwargs)

    def _crop_seg_map(self, results: dict, bboxes: np.ndarray) -> None:
        super()._crop_seg_map(results, bboxes)
        for key in MAPS:
            if key in results:
                results[key] = mmcv.imcrop(results[key], bboxes)


def check_maps_follow(pipeline: Compose, where: str) -> None:
    """Refuse a pipeline that loads disparity or regions and leaves them behind when it moves the image.

    Args:
        pipeline: of a data set.
        where: its name, for messages.

    Raises:
        InputError: it has such a transform, perhaps within another one.
    """
    steps = list(_steps(pipeline))
    loaders = [step for step in steps if isinstance(step, (LoadDisparity, LoadRegions))]
    if not loaders:
        return
    follows: tuple[type, ...] = (_MapsFollow,)
    if all(isinstance(loader, LoadDisparity) and loader.as_field for loader in loaders):
        follows = (*follows, *MOVE_FIELDS)
    for kind in (kind for step in steps if not isinstance(step, follows) for kind in type(step).__mro__):
        package = kind.__module__.partition('.')[0]
        if package in PACKAGES and kind.__name__ in MOVE_PIXELS:
            own = TRANSFORMS.module_dict.get(kind.__name__)
            remedy = f"write type='mmdepthcp.{own.__name__}'" if own else 'leave it out, or load neither of them'
            raise InputError(f'{where}: pipeline: {package}.{kind.__name__} moves the pixels of images and leaves '
                             f'disparity and regions where they were; {remedy}')


def _steps(node: Any) -> Iterator[BaseTransform]:
    """A transform, or those of a pipeline, with all that they hold."""
    if isinstance(node, BaseTransform):
        yield node
    if isinstance(node, (BaseTransform, Compose)):
        node = list(vars(node).values())
    for child in node if isinstance(node, (list, tuple)) else ():
        yield from _steps(child)


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
        left, top = (round((side - self.size) / 2) for side in scale)
        smooth = {} if self.nearest else dict(
            img=resize_image(results['img'], scale), **resized_disparity(results, scale))
        for key in [key for key in ('img', 'gt_seg_map', *MAPS) if key in results]:
            resized = smooth[key] if key in smooth else np.asarray(
                Image.fromarray(results[key]).resize(scale, Image.Resampling.NEAREST))
            results[key] = resized[top:top + self.size, left:left + self.size]
        results['img_shape'] = results['ori_shape'] = (self.size, self.size)
        return results

    def for_whole_images(self) -> ResizeShortSide:
        """What takes the place of this where all of an image is wanted, not the square of the scores."""
        return ResizeShortSide(self.size)


@TRANSFORMS.register_module()
class ScoreAtThisSize(BaseTransform):
    """Let the image with its labels, at the size that it has now, stand for the original: mmseg's scores are taken at
    its size.
    """

    def transform(self, results: dict) -> dict:
        results['ori_shape'] = results['img_shape'] = results['img'].shape[:2]
        return results


@TRANSFORMS.register_module()
class ResizeShortSide(BaseTransform):
    """Bring the short side of an image to a size, the long one in proportion, rounded, as :class:`ResizeStreet` does.

    Args:
        size: in pixels.
    """

    def __init__(self, size: int) -> None:
        self.size = int(size)

    def transform(self, results: dict) -> dict:
        height, width = results['img'].shape[:2]
        scale = (round(self.size * width / min(height, width)), round(self.size * height / min(height, width)))
        return ResizeStreet(scale).transform(results)
