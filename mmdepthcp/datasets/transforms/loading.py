"""Loading of street images with what lies beside them, and resizing to the working size."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmdepthcp.registry import TRANSFORMS
from mmdepthcp.utils.errors import InputError, notice
from mmdepthcp.utils.images import SMALLEST_DISPARITY, read_disparity, read_image, read_labels, read_regions
from mmdepthcp.utils.labels import class_indices

ASPECT_TOLERANCE = 0.15
"""How far the aspect ratio of a disparity or region file may be from its image's: enough for rasters rounded
for a network.
"""
ROUNDING = 1e-4
"""How far OpenCV's weights may be from half a pixel."""


def resize_image(image: np.ndarray, scale: tuple[int, int]) -> np.ndarray:
    """Resize an (H, W) or (H, W, C) array to ``scale`` = (width, height): area average when shrinking, else
    bilinear.
    """
    shrinks = scale[0] <= image.shape[1] and scale[1] <= image.shape[0]
    return cv2.resize(image, scale, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def resize_disparity(disparity: np.ndarray, scale: tuple[int, int]) -> np.ndarray:
    """Resize an (H, W) float32 map to ``scale`` = (width, height), bilinear."""
    return cv2.resize(disparity, scale, interpolation=cv2.INTER_LINEAR)


def resize_known_disparity(
    disparity: np.ndarray, valid: np.ndarray, scale: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Resize an (H, W) float32 map and the bool mask of its known pixels to ``scale`` = (width, height).

    A pixel is the bilinear mean of the known ones, Σ w·v·d / Σ w·v. Where these have less than half of the weight it
    is unknown: 1e-6. A map that is known everywhere gets what :func:`resize_disparity` gives.
    """
    resized = resize_disparity(np.where(valid, disparity, np.float32(0)), scale)
    if valid.all():
        return resized, np.ones(resized.shape, bool)
    share = resize_disparity(valid.astype(np.float32), scale)
    known = share > 0.5 - ROUNDING
    return np.divide(resized, share, out=np.full_like(resized, SMALLEST_DISPARITY), where=known), known


def resized_disparity(results: dict, scale: tuple[int, int]) -> dict[str, np.ndarray]:
    """``disparity`` and ``disparity_valid`` of an item, those that are there, at ``scale`` = (width, height)."""
    if 'disparity_valid' in results:
        disparity, valid = resize_known_disparity(results['disparity'], results['disparity_valid'], scale)
        return dict(disparity=disparity, disparity_valid=valid)
    return dict(disparity=resize_disparity(results['disparity'], scale)) if 'disparity' in results else {}


def resize_labels(labels: np.ndarray, scale: tuple[int, int]) -> np.ndarray:
    """Resize an (H, W) uint8 map to ``scale`` = (width, height), nearest pixel centre."""
    return cv2.resize(labels, scale, interpolation=cv2.INTER_NEAREST_EXACT)


def resize_regions(regions: np.ndarray, scale: tuple[int, int]) -> np.ndarray:
    """Resize an (H, W) int32 map with ids 0..65535 to ``scale`` = (width, height), nearest pixel centre."""
    resized = cv2.resize(regions.astype(np.uint16), scale, interpolation=cv2.INTER_NEAREST_EXACT)
    return resized.astype(np.int32)


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Load ``img_path`` as ``img``, (H, W, 3) uint8 BGR; set ``img_shape`` and ``ori_shape``.

    Raises:
        InputError: the file is missing, empty or no image, or is not of the ``height`` and ``width`` that annotations
            of objects state.
    """

    def transform(self, results: dict) -> dict:
        results['img'] = read_image(results['img_path'])
        results['img_shape'] = results['ori_shape'] = height, width = results['img'].shape[:2]
        stated = results.get('height', height), results.get('width', width)
        if stated != (height, width):
            raise InputError(f'{results["img_path"]}: is {width}x{height}, but its objects in '
                             f'{results.get("ann_file", "the annotation file")} are those of an image of '
                             f'{stated[1]}x{stated[0]}; take the images that the file was made of, or make it again '
                             'with tools/dataset_converters/instances_to_coco.py')
        return results


@TRANSFORMS.register_module()
class LoadLabels(BaseTransform):
    """Load ``seg_map_path`` as ``gt_seg_map``, (H, W) uint8 class indices, 255 = ignore, and add it to ``seg_fields``.

    What mmseg's ``LoadAnnotations`` does, except that values are not cut to 8 bits and none passes unknown: they go
    through ``label_map`` and are held against ``num_classes`` (see :func:`mmdepthcp.utils.labels.class_indices`).

    Raises:
        InputError: the data set has no label folder; the file is missing, no image with one channel, differs in size
            from the image, or holds a label that is no class of the data set.
    """

    def transform(self, results: dict) -> dict:
        path = _require_path(results, 'seg_map_path', 'labels', 'name the label folder there')
        if not Path(path).is_file():
            raise InputError(f'{path}: no such label file for the image {results["img_path"]}')
        stored = read_labels(path)
        if stored.shape != tuple(results.get('ori_shape', stored.shape)):
            raise InputError(f'{path}: has the shape {stored.shape}, its image {results["img_path"]} '
                             f'{tuple(results["ori_shape"])}; the two must agree')
        try:
            results['gt_seg_map'] = class_indices(stored, results.get('label_map'), results.get('num_classes', 0),
                                                  results.get('reduce_zero_label', False))
        except InputError as error:
            raise InputError(f'{path}: {error}') from None
        results.setdefault('seg_fields', []).append('gt_seg_map')
        return results


@TRANSFORMS.register_module()
class LoadDisparity(BaseTransform):
    """Load ``disparity_path`` as ``disparity``, (h, w) float32 in 0..1, larger is closer, and ``disparity_valid``,
    (h, w) bool: where the file holds a value (0 stands for none; there ``disparity`` is next to 0, as far as can be).
    Its raster may be finer or coarser than the image's (see :class:`ResizeStreet`).

    A file with one value everywhere holds no depth: the first, tenth, hundredth ... of them is reported in the log.

    Args:
        as_field: give, in place of both, ``gt_depth_map``, (H, W) float32 on the image's raster, 0 where the file holds
            no value, and ``disparity_range``, the least and the largest value. It is one of the ``seg_fields``, which
            mmseg's transforms move with the image, nearest pixel, and which ``PackSegInputs`` packs.

    Raises:
        InputError: the data set has no disparity folder; the file is missing, unusable, or shaped unlike the
            image.
    """

    def __init__(self, as_field: bool = False) -> None:
        self.as_field = as_field
        self.num_constant = 0

    def transform(self, results: dict) -> dict:
        remedy = 'make the files with tools/infer_depth.py'
        path = _require_path(results, 'disparity_path', 'disparity', remedy)
        disparity = read_disparity(path)
        valid = disparity > SMALLEST_DISPARITY
        if disparity.min() == disparity.max():
            self.num_constant += 1
            if 10**(len(str(self.num_constant)) - 1) == self.num_constant:
                notice(f'{path}: disparity is the same everywhere, so it holds no depth; {self.num_constant} such '
                       f'files so far; {remedy}')
        _check_aspect(results, disparity.shape, path, remedy)
        if not self.as_field:
            results.update(disparity=disparity, disparity_valid=valid)
            return results
        on_image, known = resize_known_disparity(disparity, valid, results['img'].shape[1::-1])
        results['gt_depth_map'] = np.where(known, on_image, np.float32(0))
        results['disparity_range'] = float(disparity[valid].min()), float(disparity[valid].max())
        results.setdefault('seg_fields', []).append('gt_depth_map')
        return results


@TRANSFORMS.register_module()
class LoadRegions(BaseTransform):
    """Load ``region_path`` as ``regions``, (h, w) int32, ids 0..R−1, 65535 where there is no region; its raster
    may be finer or coarser than the image's (see :class:`ResizeStreet`).

    Raises:
        InputError: the data set has no region folder; the file is missing, unusable, or shaped unlike the
            image.
    """

    def transform(self, results: dict) -> dict:
        remedy = 'make the files with tools/group_regions.py'
        path = _require_path(results, 'region_path', 'regions', remedy)
        results['regions'] = read_regions(path)
        _check_aspect(results, results['regions'].shape, path, remedy)
        return results


@TRANSFORMS.register_module()
class ResizeStreet(BaseTransform):
    """Bring ``img`` (area average when shrinking, else bilinear), ``disparity`` with ``disparity_valid`` (bilinear, of
    known pixels) and ``regions`` (nearest), those that are there, to one raster; labels keep theirs, for scores are
    taken at label size.

    Args:
        scale: (width, height) in pixels.
    """

    def __init__(self, scale: tuple[int, int]) -> None:
        self.scale = (int(scale[0]), int(scale[1]))

    def transform(self, results: dict) -> dict:
        height, width = results['img'].shape[:2]
        results['img'] = resize_image(results['img'], self.scale)
        results.update(resized_disparity(results, self.scale))
        if 'regions' in results:
            results['regions'] = resize_regions(results['regions'], self.scale)
        results['img_shape'] = results['img'].shape[:2]
        results['scale_factor'] = (self.scale[0] / width, self.scale[1] / height)
        return results


@TRANSFORMS.register_module()
class WorkingSize(ResizeStreet):
    """What :class:`ResizeStreet` does, with labels too (nearest pixel), and from then on the new size counts as that of
    the files: predictions are brought to it and scored there.

    Args:
        scale: (width, height) in pixels.
    """

    def transform(self, results: dict) -> dict:
        results = super().transform(results)
        if 'gt_seg_map' in results:
            results['gt_seg_map'] = resize_labels(results['gt_seg_map'], self.scale)
        results['ori_shape'] = results['img_shape']
        return results


def _require_path(results: dict, key: str, what: str, remedy: str) -> str:
    if key not in results:
        raise InputError(f"{results.get('img_path')}: the data set has no {what}: set data_prefix['{key}'] "
                         f'({remedy})')
    return results[key]


def _check_aspect(results: dict, shape: tuple[int, int], path: str, remedy: str) -> None:
    height, width = results['ori_shape']
    if abs(shape[1] * height / (shape[0] * width) - 1) > ASPECT_TOLERANCE:
        raise InputError(f'{path}: is {shape[1]}x{shape[0]}, which does not fit the image '
                         f'{results["img_path"]}, {width}x{height}; {remedy} for this image')
