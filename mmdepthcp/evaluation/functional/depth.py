"""Errors of depth maps by the protocol of Eigen et al. (NeurIPS 2014), in plain NumPy."""

from __future__ import annotations

import numpy as np

from mmdepthcp.utils.errors import InputError

#: (top, bottom, left, right) as shares of height and width; Garg et al., ECCV 2016, and Eigen et al., NeurIPS
#: 2014.
CROPS = {
    'garg': (0.40810811, 0.99189189, 0.03594771, 0.96405229),
    'eigen': (0.3324324, 0.91351351, 0.0359477, 0.96405229),
}


def crop_window(height: int, width: int, crop_type: str | None) -> tuple[int, int, int, int]:
    """The rows and columns that are scored, (top, bottom, left, right), bottom and right exclusive.

    Args:
        height: of the ground truth.
        width: of the ground truth.
        crop_type: 'garg', 'eigen', or None for the whole image.

    Example:
        >>> crop_window(375, 1242, 'garg')
        (153, 371, 44, 1197)
    """
    if crop_type is None:
        return 0, height, 0, width
    top, bottom, left, right = CROPS[crop_type]
    return int(top * height), int(bottom * height), int(left * width), int(right * width)


def depth_errors(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """The seven usual errors over the given pixels.

    Args:
        truth: positive depths, (N,).
        predicted: positive depths, (N,).

    Returns:
        abs_rel, sq_rel, rmse, rmse_log (lower is better) and a1, a2, a3, the shares of pixels whose ratio to
        the truth is below 1.25, 1.25², 1.25³ (higher is better).

    Example:
        >>> errors = depth_errors(np.array([2.0, 4, 10, 20]), np.array([1.0, 2, 4, 15]))
        >>> [round(errors[name], 4) for name in ('abs_rel', 'sq_rel', 'rmse', 'a1', 'a2')]
        [0.4625, 1.5875, 4.062, 0.0, 0.25]
    """
    difference = truth - predicted
    log_difference = np.log(truth) - np.log(predicted)
    ratio = np.maximum(truth / predicted, predicted / truth)
    errors = dict(
        abs_rel=np.mean(np.abs(difference) / truth),
        sq_rel=np.mean(difference ** 2 / truth),
        rmse=np.sqrt(np.mean(difference ** 2)),
        rmse_log=np.sqrt(np.mean(log_difference ** 2)),
        **{f'a{k}': np.mean(ratio < 1.25 ** k) for k in (1, 2, 3)})
    return {name: float(value) for name, value in errors.items()}


def constant_abs_rel(truth: np.ndarray, constants: np.ndarray) -> np.ndarray:
    """abs_rel of constant depth maps.

    Args:
        truth: positive depths, (N,).
        constants: depths to try, (K,).

    Returns:
        ``mean(|truth − c| / truth)`` for every constant c, (K,).

    Example:
        >>> constant_abs_rel(np.array([1.0, 2, 4]), np.array([2.0])).tolist()  # (1 + 0 + 1/2) / 3
        [0.5]
    """
    ordered = np.sort(truth.astype(np.float64))
    inverse_sum = np.concatenate([[0], np.cumsum(1 / ordered)])
    nearer = np.searchsorted(ordered, constants)
    count = len(ordered)
    return (constants * (2 * inverse_sum[nearer] - inverse_sum[-1]) + count - 2 * nearer) / count


def valid_pixels(truth: np.ndarray, crop_type: str | None = None, min_depth: float = 1e-3,
                 max_depth: float = 80.0, cap_truth: bool = True) -> np.ndarray:
    """Boolean (H, W): pixels inside the crop with min_depth < truth < max_depth, or, without ``cap_truth``, any truth
    above 0."""
    height, width = truth.shape
    top, bottom, left, right = crop_window(height, width, crop_type)
    valid = np.zeros(truth.shape, bool)
    window = truth[top:bottom, left:right]
    valid[top:bottom, left:right] = (window > min_depth) & (window < max_depth) if cap_truth else window > 0
    return valid


def evaluate_depth(truth: np.ndarray, predicted: np.ndarray, *, median_scaling: bool = True,
                   crop_type: str | None = None, min_depth: float = 1e-3, max_depth: float = 80.0,
                   cap_truth: bool = True) -> dict[str, float]:
    """Errors of one depth map.

    Args:
        truth: metres, (H, W), 0 where unknown.
        predicted: (H, W), positive, in any unit with ``median_scaling``, else in metres.
        median_scaling: multiply the prediction by median(truth) / median(predicted) over the valid pixels.
        crop_type: 'garg', 'eigen' or None.
        min_depth: pixels with less depth are not scored, and predictions are clamped to it.
        max_depth: the same above.

    Returns:
        What :func:`depth_errors` gives, and ``scale_ratio``, the ratio of the medians (also given where it is
        not applied).

    Raises:
        InputError: no pixel of the truth can be scored.

    Example:
        >>> found = evaluate_depth(np.array([[5.0, 10, 60, 0]]), np.array([[1.0, 2, 20, 7]]))  # 5 · 20 m is cut to 80 m
        >>> round(found['scale_ratio'], 3), round(found['abs_rel'], 4), round(found['rmse'], 3)
        (5.0, 0.1111, 11.547)
    """
    valid = valid_pixels(truth, crop_type, min_depth, max_depth, cap_truth)
    if not valid.any():
        raise InputError(
            f'no pixel of the true depth lies {f"between {min_depth} and {max_depth}" if cap_truth else "above 0"} m '
            f'inside the crop {crop_type!r}; check the depth file and its unit')
    truth, predicted = truth[valid].astype(np.float64), predicted[valid].astype(np.float64)
    ratio = float(np.median(truth) / np.median(predicted))
    if median_scaling:
        predicted = predicted * ratio
    return {**depth_errors(truth, np.clip(predicted, min_depth, max_depth)), 'scale_ratio': ratio}
