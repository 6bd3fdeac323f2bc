"""Packing samples for the models."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample

from mmdepthcp.datasets.seeded import require_rng
from mmdepthcp.geometry.depth_maps import fill_holes
from mmdepthcp.mixing.matches import Matches
from mmdepthcp.registry import TRANSFORMS
from mmdepthcp.structures import FeaturePairSample, MixedViewsSample
from mmdepthcp.utils.errors import InputError


def _to_tensors(matches: Matches) -> InstanceData:
    return InstanceData(**{name: torch.from_numpy(values) for name, values in vars(matches).items()})


@TRANSFORMS.register_module()
class PackMixedViews(BaseTransform):
    """Pack mixed views as ``inputs``, a (V, 3, H, W) uint8 tensor (BGR), and ``data_samples``, a
    :class:`mmdepthcp.structures.MixedViewsSample` with their matches and, as meta information, ``img_paths``
    of the group.

    Required keys: ``views``, ``region_matches``, ``pixel_matches``, ``group``.
    """

    def transform(self, results: dict) -> dict:
        inputs = np.ascontiguousarray(results['views'].transpose(0, 3, 1, 2))
        sample = MixedViewsSample(metainfo={'img_paths': [member.get('img_path') for member in results['group']]})
        sample.region_matches = _to_tensors(results['region_matches'])
        sample.pixel_matches = _to_tensors(results['pixel_matches'])
        return {'inputs': torch.from_numpy(inputs), 'data_samples': sample}


def _dense_disparity(member: dict) -> np.ndarray:
    try:
        return fill_holes(member['disparity'], member['disparity_valid'])
    except InputError:
        raise InputError(f'{member["disparity_path"]}: no pixel has a disparity; make the files with '
                         'tools/infer_depth.py, or leave the image out') from None


def view_of(member: dict) -> dict[str, np.ndarray]:
    """What a frozen network is given of an image, and what is known of it there.

    Args:
        member: ``img`` and perhaps ``disparity`` with ``disparity_valid``, ``depth_range``, ``gt_seg_map``.

    Returns:
        ``inputs``, (3, H, W) uint8; ``disparity``, (h, w) float32, where it is unknown that of the nearest pixel which
        has one; ``depth_range``, (2,) float32; ``labels``, (H, W) uint8.

    Raises:
        InputError: no pixel has a disparity.
    """
    image = member['img']
    view = dict(inputs=np.ascontiguousarray(image.transpose(2, 0, 1)))
    if 'disparity' in member:
        view['disparity'] = _dense_disparity(member)
    if 'depth_range' in member:
        view['depth_range'] = member['depth_range']
    if 'gt_seg_map' in member:
        view['labels'] = cv2.resize(member['gt_seg_map'], image.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    return view


@TRANSFORMS.register_module()
class PackFeaturePairs(BaseTransform):
    """Pack two images as ``inputs``, a (2, 3, H, W) uint8 tensor (BGR), and ``data_samples``, a
    :class:`mmdepthcp.structures.FeaturePairSample`. In place of images there may be their features, (2, C, h, w)
    float16.

    Required keys: ``group`` with ``view``, or what :func:`view_of` makes one of, for each; ``rng``.

    Raises:
        InputError: the images differ in size, or no pixel of a disparity map is known.
    """

    def transform(self, results: dict) -> dict:
        rng = require_rng(results)
        paths = [member.get('img_path') for member in results['group']]
        views = [member.get('view') or view_of(member) for member in results['group']]
        sizes = [view['inputs'].shape[1:] for view in views]
        if len(set(sizes)) > 1:
            raise InputError(f'{paths[0]} and {paths[1]} differ in size (height, width): {sizes}; resize both to one')
        sample = FeaturePairSample(metainfo={'img_paths': paths})
        sample.seed = torch.tensor(rng.integers(2**62))
        if all('disparity' in view for view in views):
            sample.disparity = PixelData(data=torch.from_numpy(np.stack([view['disparity'] for view in views])))
        if all('depth_range' in view for view in views):
            sample.depth_range = torch.from_numpy(np.stack([view['depth_range'] for view in views]))
        if 'labels' in views[0]:
            sample.gt_sem_seg = PixelData(data=torch.from_numpy(np.array(views[0]['labels']))[None])
        return {'inputs': torch.from_numpy(np.stack([view['inputs'] for view in views])), 'data_samples': sample}


@TRANSFORMS.register_module()
class PackDisparity(BaseTransform):
    """Pack an image and its disparity for a :class:`mmdepthcp.models.depth.DepthRegressor`.

    Returns:
        ``inputs``: ``clean``, uint8 (1, 3, H, W) BGR. ``data_samples``: a ``SegDataSample`` with ``gt_disparity``,
        PixelData whose ``data``, (1, H, W) float32, holds the disparity and ``known``, (1, H, W) bool, where there is
        one; metainfo ``img_path`` and ``ori_shape``.

    Raises:
        InputError: the disparity has another raster than the image.
    """

    def transform(self, results: dict) -> dict:
        image, disparity = results['img'], results['disparity']
        if disparity.shape != image.shape[:2]:
            raise InputError(f'{results["img_path"]}: its disparity is of shape {disparity.shape}, the image '
                             f'{image.shape[:2]}; bring both to one raster with ResizeStreet')
        sample = SegDataSample(metainfo={key: results[key] for key in ('img_path', 'ori_shape')})
        sample.gt_disparity = PixelData(data=torch.from_numpy(np.ascontiguousarray(disparity))[None],
                                        known=torch.from_numpy(np.ascontiguousarray(results['disparity_valid']))[None])
        pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
        return dict(inputs=dict(clean=pixels[None]), data_samples=sample)
