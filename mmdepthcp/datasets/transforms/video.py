"""Transforms of video clips; whatever is random is drawn once for all frames of a clip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmdepthcp.datasets.seeded import require_rng
from mmdepthcp.datasets.transforms.loading import resize_image, resize_labels
from mmdepthcp.geometry.cameras import (
    check_intrinsics,
    crop_normalised_intrinsics,
    flip_intrinsics,
    intrinsic_matrix,
)
from mmdepthcp.registry import TRANSFORMS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import read_depth, read_image

INTRINSICS = ('intrinsics', 'unit_intrinsics')


def jitter_colours(image: np.ndarray, order: tuple[str, ...], brightness: float, contrast: float,
                   saturation: float, hue: float) -> np.ndarray:
    """Change the colours of an image.

    Args:
        image: (H, W, 3) uint8, BGR.
        order: The names of the four changes, in the order in which they are made.
        brightness: Factor of all values.
        contrast: Factor of the distance from the image's mean grey level.
        saturation: Factor of the distance from each pixel's own grey level.
        hue: Turn of the hue, as a fraction of the colour circle, to the nearest 1/180.

    Returns:
        A new array of the same shape and type.
    """
    levels = np.arange(256, dtype=np.float32)
    for name in order:
        if name == 'brightness':
            image = cv2.LUT(image, _to_uint8(levels * brightness))
        elif name == 'contrast':
            mean = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).mean()
            image = cv2.LUT(image, _to_uint8(levels * contrast + mean * (1 - contrast)))
        elif name == 'saturation':
            grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
            image = cv2.addWeighted(image, saturation, grey, 1 - saturation, 0)
        else:
            hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
            turned = (np.arange(256) + round(hue * 180)) % 180
            hsv[..., 0] = cv2.LUT(hsv[..., 0], turned.astype(np.uint8))
            image = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    return image


def _to_uint8(levels: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(levels, 0, 255)).astype(np.uint8)


@TRANSFORMS.register_module()
class LoadClip(BaseTransform):
    """Load ``frame_paths`` as ``frames``, a list of (H, W, 3) uint8 BGR images (grey ones get three equal
    channels), and
    ``depth_path``, if there, as ``gt_depth_map``, (H, W) float32 metres, 0 where nothing was measured.

    The fraction ``crop_bottom`` of the height, if there, is cut off all of them (``full_shape`` is (height, width)
    before), and ``intrinsics`` follow. Where there
    are none, ``unit_intrinsics`` are made, normalised intrinsics of square pixels, a centred principal point and a
    focal length of the image's width, for models that learn the focal length; they go the same way.

    Raises:
        InputError: a file is missing or unusable, sizes differ, or ``intrinsics`` are those of no camera.
    """

    def transform(self, results: dict) -> dict:
        if 'intrinsics' in results:
            what = f'{results["frame_paths"][0]}: intrinsics'
            results['intrinsics'] = check_intrinsics(results['intrinsics'], what)
        frames = [read_image(path) for path in results['frame_paths']]
        height, width = frames[0].shape[:2]
        for path, frame in zip(results['frame_paths'], frames, strict=True):
            if frame.shape != frames[0].shape:
                raise InputError(f'{path}: is {frame.shape[1]}x{frame.shape[0]}, its neighbour '
                                 f'{results["frame_paths"][0]} {width}x{height}; frames of a clip must agree')
        kept = height - round(height * results.get('crop_bottom', 0))
        results['frames'] = [frame[:kept] for frame in frames]
        if 'depth_path' in results:
            depth = read_depth(results['depth_path'])
            if depth.shape != (height, width):
                raise InputError(f'{results["depth_path"]}: is {depth.shape[1]}x{depth.shape[0]}, its image '
                                 f'{results["img_path"]} {width}x{height}; the two must agree')
            results['gt_depth_map'] = depth[:kept]
        if 'intrinsics' not in results:
            results['unit_intrinsics'] = intrinsic_matrix(1, width / height, .5, .5)
        _change_intrinsics(results, crop_normalised_intrinsics, (width, height), 0, 0, (width, kept))
        results['img_shape'] = results['ori_shape'] = (kept, width)
        results['full_shape'] = (height, width)
        return results


@TRANSFORMS.register_module()
class ResizeClip(BaseTransform):
    """Resize ``frames``, area average when shrinking, else bilinear, and labels (``gt_seg_map``), nearest pixel;
    measured depth keeps its size.

    Args:
        scale: (width, height) in pixels.
    """

    def __init__(self, scale: tuple[int, int]) -> None:
        self.scale = (int(scale[0]), int(scale[1]))

    def transform(self, results: dict) -> dict:
        results['frames'] = [resize_image(frame, self.scale) for frame in results['frames']]
        _change_labels(results, resize_labels, self.scale)
        results['img_shape'] = results['frames'][0].shape[:2]
        return results


@TRANSFORMS.register_module()
class CropClip(BaseTransform):
    """Cut the same random window out of all ``frames`` and labels; ``intrinsics`` follow. For training.

    Args:
        size: (width, height) of the window in pixels.

    Raises:
        InputError: the frames are smaller than the window.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = (int(size[0]), int(size[1]))

    def transform(self, results: dict) -> dict:
        height, width = results['frames'][0].shape[:2]
        if width < self.size[0] or height < self.size[1]:
            raise InputError(f'{results["img_path"]}: at {width}x{height} too small for a crop of '
                             f'{self.size[0]}x{self.size[1]}; resize to more or crop less')
        rng = require_rng(results)
        x, y = int(rng.integers(width - self.size[0] + 1)), int(rng.integers(height - self.size[1] + 1))
        window = slice(y, y + self.size[1]), slice(x, x + self.size[0])
        results['frames'] = [frame[window] for frame in results['frames']]
        _change_labels(results, lambda labels: labels[window])
        _change_intrinsics(results, crop_normalised_intrinsics, (width, height), x, y, self.size)
        results['img_shape'] = results['frames'][0].shape[:2]
        return results


@TRANSFORMS.register_module()
class FlipClip(BaseTransform):
    """Mirror all ``frames`` and labels left to right or none; cx of ``intrinsics`` becomes 1 − cx. For training.

    Args:
        prob: Probability of mirroring.
    """

    def __init__(self, prob: float = .5) -> None:
        self.prob = prob

    def transform(self, results: dict) -> dict:
        results['flip'] = bool(require_rng(results).random() < self.prob)
        if results['flip']:
            results['frames'] = [frame[:, ::-1] for frame in results['frames']]
            _change_labels(results, lambda labels: labels[:, ::-1])
            _change_intrinsics(results, flip_intrinsics)
        return results


@TRANSFORMS.register_module()
class ColorJitterClip(BaseTransform):
    """Make ``augmented``, a copy of ``frames`` with other colours: one draw for all frames, the order of the
    four changes
    included (Godard et al., ICCV 2019, section 3.3; see :func:`jitter_colours`). For training.

    Args:
        brightness: The factor is drawn from 1 − brightness to 1 + brightness.
        contrast: Likewise.
        saturation: Likewise.
        hue: The turn is drawn from −hue to hue, in fractions of the colour circle.
        prob: Probability of any change.
    """

    def __init__(self, brightness: float = .2, contrast: float = .2, saturation: float = .2, hue: float = .1,
                 prob: float = .5) -> None:
        self.ranges = dict(brightness=(1 - brightness, 1 + brightness), contrast=(1 - contrast, 1 + contrast),
                           saturation=(1 - saturation, 1 + saturation), hue=(-hue, hue))
        self.prob = prob

    def transform(self, results: dict) -> dict:
        rng = require_rng(results)
        chosen = rng.random() < self.prob
        draw = {name: float(rng.uniform(*bounds)) for name, bounds in self.ranges.items()}
        order = tuple(str(name) for name in rng.permutation(list(draw)))
        results['augmented'] = results['frames']
        if chosen:
            jittered = jitter_colours(np.concatenate(results['frames']), order, **draw)
            results['augmented'] = np.split(jittered, len(results['frames']))
        return results


@TRANSFORMS.register_module()
class PackMonoInputs(BaseTransform):
    """Pack a clip for :class:`MonoDepth`.

    Returns:
        ``inputs``: ``clean``, uint8 (F, 3, H, W) BGR in temporal order, and, with more than one frame,
        ``augmented`` alike. ``data_samples``: a ``SegDataSample`` with ``intrinsics`` or ``unit_intrinsics``, float32
        (3, 3) normalised, ``gt_depth_map``, ``PixelData`` (1, h, w) in metres, and ``gt_sem_seg``, ``PixelData`` (1, H,
        W) int64, those that are there, and the metainfo of ``META_KEYS``.
    """

    META_KEYS = ('img_path', 'depth_path', 'clip', 'offsets', 'ori_shape', 'full_shape', 'img_shape', 'flip')

    def transform(self, results: dict) -> dict:
        inputs = dict(clean=_to_tensor(results['frames']))
        if len(results['frames']) > 1:
            inputs['augmented'] = _to_tensor(results.get('augmented', results['frames']))
        sample = SegDataSample(metainfo={key: results[key] for key in self.META_KEYS if key in results})
        for key in INTRINSICS:
            if key in results:
                sample.set_data({key: torch.from_numpy(np.asarray(results[key], np.float32))})
        if 'gt_depth_map' in results:
            depth = torch.from_numpy(np.ascontiguousarray(results['gt_depth_map']))
            sample.gt_depth_map = PixelData(data=depth[None])
        if 'gt_seg_map' in results:
            sample.gt_sem_seg = PixelData(data=torch.from_numpy(results['gt_seg_map'].astype(np.int64))[None])
        return dict(inputs=inputs, data_samples=sample)


def _change_intrinsics(results: dict, change: Callable[..., np.ndarray], *args: Any) -> None:
    for key in INTRINSICS:
        if key in results:
            results[key] = change(results[key], *args)


def _change_labels(results: dict, change: Callable[..., np.ndarray], *args: Any) -> None:
    if 'gt_seg_map' in results:
        results['gt_seg_map'] = change(results['gt_seg_map'], *args)


def _to_tensor(frames: list[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.stack(frames).transpose(0, 3, 1, 2)))
