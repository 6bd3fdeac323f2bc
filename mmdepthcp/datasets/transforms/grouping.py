"""Depth regions made while loading, for data sets too small or too changing for stored ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmdepthcp.fileio import InputError
from mmdepthcp.grouping import KITTI_INTRINSICS, GroupingParams, group_regions
from mmdepthcp.registry import TRANSFORMS


@TRANSFORMS.register_module()
class DepthRegionGrouping(BaseTransform):
    """Group ``img`` and ``disparity``, which must have one raster, into ``regions``: (H, W) int32, ids 0..R−1.

    Args:
        intrinsics: Normalised (fx/W, fy/H, cx/W, cy/H) for items without ``intrinsics``; KITTI's by default.
        params: Settings, see :class:`mmdepthcp.grouping.GroupingParams`.

    Raises:
        InputError: image and disparity differ in size, or the disparity holds no depth.
    """

    def __init__(self, intrinsics: tuple[float, float, float, float] | None = None, **params: Any) -> None:
        self.intrinsics = KITTI_INTRINSICS
        if intrinsics is not None:
            fx, fy, cx, cy = intrinsics
            self.intrinsics = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float64)
        self.params = GroupingParams(**params)

    def transform(self, results: dict) -> dict:
        try:
            results['regions'] = group_regions(
                results['img'], results['disparity'], results.get('intrinsics', self.intrinsics), self.params)
        except ValueError as error:
            names = ', '.join(str(results[key]) for key in ('img_path', 'disparity_path') if key in results)
            raise InputError(f'{names}: {error}') from error
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.params})'
