"""Packing samples for the models."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import InstanceData, PixelData

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


@TRANSFORMS.register_module()
class PackFeaturePairs(BaseTransform):
    """Pack two images as ``inputs``, a (2, 3, H, W) uint8 tensor (BGR), and ``data_samples``, a
    :class:`mmdepthcp.structures.FeaturePairSample`.

    Required keys: ``group`` with ``img`` and perhaps ``disparity``, ``gt_seg_map`` of each; ``rng``. Where disparity is
    unknown it becomes that of the nearest pixel which has one.

    Raises:
        InputError: the images differ in size, or no pixel of a disparity map is known.
    """

    def transform(self, results: dict) -> dict:
        group, rng = results['group'], require_rng(results)
        paths = [member.get('img_path') for member in group]
        sizes = [member['img'].shape[:2] for member in group]
        if len(set(sizes)) > 1:
            raise InputError(f'{paths[0]} and {paths[1]} differ in size (height, width): {sizes}; resize both to one')
        sample = FeaturePairSample(metainfo={'img_paths': paths})
        sample.seed = torch.tensor(rng.integers(2**62))
        if all('disparity' in member for member in group):
            sample.disparity = PixelData(data=torch.from_numpy(np.stack([_dense_disparity(each) for each in group])))
        if 'gt_seg_map' in group[0]:
            labels = cv2.resize(group[0]['gt_seg_map'], sizes[0][::-1], interpolation=cv2.INTER_NEAREST_EXACT)
            sample.gt_sem_seg = PixelData(data=torch.from_numpy(labels)[None])
        images = np.stack([member['img'].transpose(2, 0, 1) for member in group])
        return {'inputs': torch.from_numpy(np.ascontiguousarray(images)), 'data_samples': sample}
