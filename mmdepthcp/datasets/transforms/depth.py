"""What is to be known of the depth of a photograph before it is cropped."""

from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform

from mmdepthcp.geometry.depth_maps import stretch
from mmdepthcp.registry import TRANSFORMS
from mmdepthcp.utils.errors import InputError


@TRANSFORMS.register_module()
class NoteDepthRange(BaseTransform):
    """Set ``depth_range``, (2,) float32: the least and the largest 1 / ``disparity``, where ``disparity_valid``. Crops
    keep that of the photograph, as the pictures of depth do that the published code of Sick et al. (CVPR 2024) crops.

    Raises:
        InputError: no pixel has a disparity.
    """

    def transform(self, results: dict) -> dict:
        known = results['disparity'][results['disparity_valid']]
        if not known.size:
            raise InputError(f'{results["disparity_path"]}: no pixel has a disparity; make the files with '
                             'tools/infer_depth.py, or leave the image out')
        results['depth_range'] = 1 / np.array([known.max(), known.min()], np.float32)
        return results


@TRANSFORMS.register_module()
class StretchDisparity(BaseTransform):
    """Bring ``disparity`` to 0..1 within the image: (d − min) / (max − min) over its known pixels, 0 elsewhere.

    To stretch whole images, and not crops, it stands before what crops.
    """

    def transform(self, results: dict) -> dict:
        results['disparity'] = stretch(results['disparity'], results['disparity_valid'])
        return results
