"""Region quality: a worked example, bounds, invariance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmdepthcp.grouping import (
    RegionQuality,
    achievable_accuracy,
    boundary_recall,
    mean_iou,
    oracle_confusion,
    under_segmentation_error,
)

REGIONS = np.array([[0, 0, 0, 5], [0, 0, 5, 5]])
LABELS = np.array([[0, 0, 1, 1], [0, 255, 1, 1]], np.uint8)
MAPS = arrays(np.int64, (5, 7), elements=st.integers(0, 3))


def test_worked_example():
    # region 0: classes 0, 0, 1, 0 (one pixel unlabelled) → oracle 0; region 5: 1, 1, 1 → oracle 1
    confusion = oracle_confusion(REGIONS, LABELS, 3)
    assert confusion.tolist() == [[3, 0, 0], [1, 3, 0], [0, 0, 0]]
    miou, iou = mean_iou(confusion)
    assert np.isclose(miou, (3 / 4 + 3 / 4) / 2) and np.isnan(iou[2])
    assert np.isclose(achievable_accuracy(REGIONS, LABELS), 6 / 7)
    # region 0 overlaps class 0 (3 in, 1 out) and class 1 (1 in, 3 out): 1 + 1
    assert np.isclose(under_segmentation_error(REGIONS, LABELS), 2 / 7)
    # the class border runs right of pixel (0, 1), for (1, 1) is unlabelled; the region borders run right of (0, 2),
    # below it, and right of (1, 1)
    assert boundary_recall(REGIONS, LABELS, tolerance=0) == 0
    assert boundary_recall(REGIONS, LABELS, tolerance=1) == 1


@settings(max_examples=40, deadline=None)
@given(MAPS, MAPS)
def test_bounds_and_renaming(regions, labels):
    truth = labels.copy()
    assert achievable_accuracy(truth, labels) == 1 and under_segmentation_error(truth, labels) == 0
    recall = boundary_recall(truth, labels, 0)
    assert recall == 1 or np.isnan(recall)
    asa = achievable_accuracy(regions, labels)
    error = under_segmentation_error(regions, labels)
    assert 0 < asa <= 1 and 0 <= error <= 2 and error >= 1 - asa - 1e-12
    renamed = np.array([9, 4, 70, 1])[regions]
    assert asa == achievable_accuracy(renamed, labels) and error == under_segmentation_error(renamed, labels)
    confusion = oracle_confusion(regions, labels, 4)
    assert np.isclose(np.trace(confusion) / confusion.sum(), asa)
    plain = np.zeros((4, 4), int)
    for region in np.unique(regions):
        inside = labels[regions == region]
        for label in inside:
            plain[label, np.bincount(inside).argmax()] += 1
    assert np.array_equal(confusion, plain)


@settings(max_examples=40, deadline=None)
@given(MAPS, MAPS, st.integers(0, 3))
def test_boundary_recall_equals_the_loop(regions, labels, tolerance):
    def border(ids):
        return {(y, x) for y in range(5) for x in range(7)
                for there in ((y, x + 1), (y + 1, x)) if there[0] < 5 and there[1] < 7 and ids[y, x] != ids[there]}

    truth, found = border(labels), border(regions)
    hits = [any(max(abs(y - v), abs(x - u)) <= tolerance for v, u in found) for y, x in truth]
    recall = boundary_recall(regions, labels, tolerance)
    assert np.isclose(recall, np.mean(hits)) if hits else np.isnan(recall)


def test_quality_over_images():
    quality = RegionQuality(num_classes=2, tolerance=1)
    quality.add(REGIONS, LABELS)
    quality.add(np.zeros((2, 2), int), np.zeros((2, 2), np.uint8))
    summary = quality.summary()
    assert summary['images'] == 2 and summary['count_mean'] == 1.5 and summary['count_max'] == 2
    assert np.isclose(summary['oracle_miou'], (7 / 8 + 3 / 4) / 2)
    assert np.isclose(summary['asa'], 10 / 11)
    assert np.isclose(summary['under_segmentation'], 1 / 7) and summary['boundary_recall'] == 1


def test_unlabelled_image_is_left_out_of_the_means():
    quality = RegionQuality(num_classes=2)
    quality.add(REGIONS, np.full((2, 4), 255, np.uint8))
    quality.add(REGIONS, LABELS)
    assert np.isclose(quality.summary()['under_segmentation'], 2 / 7)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match='must match'):
        oracle_confusion(REGIONS, LABELS[:1], 2)
    with pytest.raises(ValueError, match='must match'):
        boundary_recall(REGIONS, LABELS[:1])
    with pytest.raises(ValueError, match='label 1 found where 1 classes'):
        oracle_confusion(REGIONS, LABELS, 1)
