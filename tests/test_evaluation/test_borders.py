"""Scores near the borders of classes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmdepthcp.evaluation.functional import near_borders
from mmdepthcp.evaluation.metrics import BorderIoUMetric
from mmdepthcp.utils.errors import InputError


def plain(labels, distance, ignored=255):
    """Pixels at a border by their four neighbours; then the nearest of them by all pairs."""
    height, width = labels.shape
    at_border = [
        (y, x) for y in range(height) for x in range(width)
        for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))
        if 0 <= y + dy < height and 0 <= x + dx < width and labels[y, x] != labels[y + dy, x + dx]
        and ignored not in (labels[y, x], labels[y + dy, x + dx])
    ]
    return np.array([[
        labels[y, x] != ignored and any((y - v)**2 + (x - u)**2 <= distance**2 for v, u in at_border)
        for x in range(width)] for y in range(height)])


@given(st.integers(0, 2**31), st.sampled_from([0, 1, 1.5, 3]))
def test_equals_a_plain_version(seed, distance):
    labels = np.random.default_rng(seed).choice([0, 0, 0, 1, 255], (7, 9))
    np.testing.assert_array_equal(near_borders(labels, distance), plain(labels, distance))


def test_only_pixels_near_borders_are_scored():
    labels = torch.zeros(1, 8, 20, dtype=torch.long)
    labels[..., 10:] = 1
    predicted = labels.clone()
    predicted[..., 0:3] = 1  # far from the border
    predicted[..., 10] = 0  # one column of eight near ones
    metric = BorderIoUMetric(distance=3, iou_metrics=['mIoU'])
    metric.dataset_meta = dict(classes=('a', 'b'))
    metric.process({}, [dict(pred_sem_seg=dict(data=predicted), gt_sem_seg=dict(data=labels))])
    scores = metric.evaluate(1)
    assert scores['border_mIoU'] == pytest.approx(100 * (4 / 5 + 3 / 4) / 2, abs=.01)
    assert labels.unique().tolist() == [0, 1]
    with pytest.raises(InputError, match='above 0'):
        BorderIoUMetric(distance=0)
