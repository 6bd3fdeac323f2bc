"""Depth regions made while loading, for data sets too small or too changing for stored ones."""

from __future__ import annotations

from typing import Any

from mmcv.transforms import BaseTransform

from mmdepthcp.geometry.cameras import AS_SHARES, check_intrinsics
from mmdepthcp.grouping import GroupingParams, group_regions
from mmdepthcp.registry import TRANSFORMS
from mmdepthcp.utils.errors import InputError


@TRANSFORMS.register_module()
class DepthRegionGrouping(BaseTransform):
    """Group ``img`` and ``disparity``, which must have one raster, into ``regions``: (H, W) int32, ids 0..R−1.

    Args:
        intrinsics: Normalised (fx/W, fy/H, cx/W, cy/H) for items without ``intrinsics``; None where all have them.
        params: Settings, see :class:`mmdepthcp.grouping.GroupingParams`.

    Raises:
        InputError: image and disparity differ in size, the disparity holds no depth, or the intrinsics are missing or
            those of no camera.
    """

    def __init__(self, intrinsics: tuple[float, float, float, float] | None = None, **params: Any) -> None:
        self.intrinsics = None
        if intrinsics is not None:
            self.intrinsics = check_intrinsics(intrinsics, f'{type(self).__name__}: intrinsics')
        self.params = GroupingParams(**params)

    def transform(self, results: dict) -> dict:
        intrinsics = results.get('intrinsics', self.intrinsics)
        if intrinsics is None:
            raise InputError(f'{results.get("img_path")}: the camera is not known: set intrinsics of '
                             f'{type(self).__name__}; {AS_SHARES}')
        try:
            results['regions'] = group_regions(results['img'], results['disparity'], intrinsics, self.params)
        except ValueError as error:
            names = ', '.join(str(results[key]) for key in ('img_path', 'disparity_path') if key in results)
            raise InputError(f'{names}: {error}') from error
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.params})'
