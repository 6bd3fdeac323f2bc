"""Packing samples for the models."""

from __future__ import annotations

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import InstanceData

from mmdepthcp.mixing.matches import Matches
from mmdepthcp.registry import TRANSFORMS
from mmdepthcp.structures import MixedViewsSample


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
