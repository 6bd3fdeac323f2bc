"""Score of predicted disparity against true depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from mmengine.evaluator import BaseMetric

from mmdepthcp.evaluation.functional.depth import CROPS, constant_abs_rel, evaluate_depth, valid_pixels
from mmdepthcp.geometry.view_synthesis import MAX_DEPTH, MIN_DEPTH, scale_disparity
from mmdepthcp.registry import METRICS
from mmdepthcp.utils.errors import InputError

_NUM_CONSTANTS = 1000


@METRICS.register_module()
class MonoDepthMetric(BaseMetric):
    """Depth errors of monocular models (Eigen et al., NeurIPS 2014; median scaling: Zhou et al., CVPR 2017).

    Every figure is the mean over images of the image's error. The scaled disparity is resized to the size of
    the truth, then turned into depth. Beside ``abs_rel``, ``sq_rel``, ``rmse``, ``rmse_log``, ``a1``, ``a2``,
    ``a3`` the result holds

    - ``scale_ratio``, ``scale_ratio_std``: median of the images' ratios of medians, and their standard
      deviation over it;
    - ``abs_rel_constant``: abs_rel of the best single constant depth for the whole set, not scaled image by
      image: what a model has to beat;
    - ``abs_rel_median``: abs_rel of the image's true median, which median scaling makes of any constant map.

    Args:
        median_scaling: scale every prediction to the median of the truth; needed by models trained on
            monocular video.
        crop_type: 'garg', 'eigen' or None.
        min_depth: metres; nearer predictions are clamped, nearer pixels not scored.
        max_depth: metres; the same for farther ones.
        sigmoid_depth_range: depths of sigmoid disparity 1 and 0, those of the model.
        cap_truth: leave out pixels whose truth lies beyond ``min_depth`` and ``max_depth``, as the protocol of the 697
            test frames does; False scores all that were measured, as that of the 652 frames with accumulated truth
            (``depth_kind='groundtruth'``, no crop) does. Predictions are clamped either way.
    """

    default_prefix = 'depth'

    def __init__(self, median_scaling: bool = True, crop_type: str | None = None, min_depth: float = 1e-3,
                 max_depth: float = 80.0, sigmoid_depth_range: tuple[float, float] = (MIN_DEPTH, MAX_DEPTH),
                 cap_truth: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if crop_type is not None and crop_type not in CROPS:
            raise InputError(f'crop_type must be None or one of {", ".join(CROPS)}, got {crop_type!r}')
        self.median_scaling = median_scaling
        self.protocol: dict[str, Any] = dict(
            crop_type=crop_type, min_depth=min_depth, max_depth=max_depth, cap_truth=cap_truth)
        self.sigmoid_depth_range = sigmoid_depth_range
        self.constants = np.geomspace(min_depth, max_depth, _NUM_CONSTANTS)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Score a batch.

        Args:
            data_batch: not used.
            data_samples: dicts with ``pred_disparity`` (sigmoid disparity) and ``gt_depth_map`` (metres, 0
                where unknown), both PixelData as dicts with ``data`` of shape (1, H, W) or (H, W).

        Raises:
            InputError: an image has no true depth that can be scored.
        """
        for sample in data_samples:
            name = sample.get('img_path', 'a sample')
            if 'gt_depth_map' not in sample:
                raise InputError(
                    f'{name}: has no gt_depth_map; load the true depth in the data set that is scored')
            truth = _as_map(sample['gt_depth_map'])
            disparity = scale_disparity(_as_map(sample['pred_disparity']), *self.sigmoid_depth_range)
            if disparity.shape != truth.shape:
                disparity = cv2.resize(disparity, truth.shape[::-1], interpolation=cv2.INTER_LINEAR)
            try:
                result: dict[str, Any] = dict(
                    evaluate_depth(truth, 1 / disparity, median_scaling=self.median_scaling, **self.protocol))
            except InputError as error:
                raise InputError(f'{name}: {error}') from None
            valid = truth[valid_pixels(truth, **self.protocol)]
            result['abs_rel_median'] = float(constant_abs_rel(valid, np.median(valid, keepdims=True))[0])
            result['abs_rel_of_constants'] = constant_abs_rel(valid, self.constants)
            self.results.append(result)

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Means over the images of all ranks."""
        columns = {name: np.array([result[name] for result in results]) for name in results[0]}
        ratios = columns.pop('scale_ratio')
        of_constants = columns.pop('abs_rel_of_constants')
        metrics = {name: float(column.mean()) for name, column in columns.items()}
        metrics['abs_rel_constant'] = float(of_constants.mean(0).min())
        metrics['scale_ratio'] = float(np.median(ratios))
        metrics['scale_ratio_std'] = float(np.std(ratios / np.median(ratios)))
        return metrics


def _as_map(pixel_data: dict) -> np.ndarray:
    data = pixel_data['data']
    data = data.numpy(force=True) if hasattr(data, 'numpy') else np.asarray(data)
    return data.reshape(data.shape[-2:]).astype(np.float32)
