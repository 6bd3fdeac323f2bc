"""Boxes of views and the disparity of their cells: worked numbers, an independent version, and statistics."""

import numpy as np
import pytest

from mmdepthcp.views.boxes import oriented_box, pool_cells, sample_box

GRID = [[1, 1, 4, 4], [1, 1, 4, 0], [2, 2, 8, 8], [2, 0, 8, 8]]


def test_box_of_a_crop():
    box = (20, 0, 41, 41)
    np.testing.assert_allclose(oriented_box(box, (101, 101), False, True), [.2, 0, .6, .4], atol=1e-6)
    np.testing.assert_allclose(oriented_box(box, (101, 101), True, True), [.6, 0, .2, .4], atol=1e-6)
    assert oriented_box(box, (101, 101), True).tolist() == [61, 0, 20, 41]


def test_cells_are_pooled_over_what_is_known():
    disparity = np.float32(GRID)
    whole = (0, 0, 1, 1)
    assert pool_cells(disparity, whole, False, (2, 2), 'mean').tolist() == [[1, 4], [2, 8]]
    assert pool_cells(disparity, whole, True, (2, 2), 'mean').tolist() == [[4, 1], [8, 2]]
    # three of four pixels are known in two cells
    some = pool_cells(disparity, whole, False, (2, 2), 'median', min_valid=0.8)
    np.testing.assert_array_equal(some, [[1, np.nan], [np.nan, 8]])
    assert pool_cells(disparity, (0.5, 0, 0.5, 0.5), False, (1, 2)).tolist() == [[4, 4]]
    assert pool_cells(disparity, whole, False, (4, 4), 'nearest')[0].tolist() == [1, 1, 4, 4]
    assert np.isnan(pool_cells(disparity, whole, False, (4, 4), 'nearest')[1, 3])


def test_the_median_stays_on_a_surface():
    assert pool_cells(np.float32([[2, 2], [2, 10]]), (0, 0, 1, 1), False, (1, 1)).item() == 2
    assert pool_cells(np.float32([[2, 2], [2, 10]]), (0, 0, 1, 1), False, (1, 1), 'mean').item() == 4


def test_one_measured_point_is_enough_where_asked():
    sparse = np.zeros((40, 40), np.float32)
    sparse[3, 7] = 5
    assert pool_cells(sparse, (0, 0, 1, 1), False, (2, 2), min_valid=0)[0, 0] == 5
    assert np.isnan(pool_cells(sparse, (0, 0, 1, 1), False, (2, 2))).all()


@pytest.mark.parametrize('flipped', [False, True])
@pytest.mark.parametrize(('pooling', 'reduced'), [('median', np.nanmedian), ('mean', np.nanmean)])
def test_pooling_equals_a_plain_one(flipped, pooling, reduced):
    rng = np.random.default_rng(0)
    disparity = rng.uniform(.1, 1, (60, 80)).astype(np.float32)
    disparity[rng.random(disparity.shape) < .2] = np.nan
    left, top, width, height = 11, 7, 52, 41
    cut = disparity[top:top + height, left:left + width]
    rows, columns = (np.linspace(0, side, 8).astype(int) for side in (height, width))
    plain = np.array([[reduced(cut[rows[i]:rows[i + 1], columns[j]:columns[j + 1]]) for j in range(7)]
                      for i in range(7)])
    ours = pool_cells(disparity, (left / 80, top / 60, width / 80, height / 60), flipped, (7, 7), pooling, min_valid=0)
    np.testing.assert_allclose(ours, plain[:, ::-1] if flipped else plain, rtol=1e-5)


def test_a_large_cell_gives_nearly_its_median():
    disparity = np.random.default_rng(0).uniform(0.1, 1, (300, 300)).astype(np.float32)
    assert abs(pool_cells(disparity, (0, 0, 1, 1), False, (1, 1)).item() - np.median(disparity)) < .05


@pytest.mark.parametrize(('size', 'smallest', 'normalised', 'means', 'empty'), [
    ((375, 500), .08, True, (30, 115, 428, 1320), (3.7, 2.1, 1.1, .2)),
    ((1024, 2048), .08, True, (25, 96, 362, 1152), (18.5, 12.9, 5.8, 1.1)),
    ((1024, 2048), .2, False, (23, 90, 335, 1069), (10.3, 7.2, 3.6, .9))])
def test_as_many_cells_match_as_the_published_crops_let(size, smallest, normalised, means, empty):
    """Positive pairs of 7×7 cells at T = .35, .7, 1.4, 2.8, and views without any, in percent: 4000 draws of another
    implementation, so with a tolerance.
    """
    rng = np.random.default_rng(0)

    def view():
        box = sample_box(rng, size, (smallest, 1), (3 / 4, 4 / 3))
        return oriented_box(box, size, rng.random() < .5, normalised).astype(float)

    def cells(box):
        sides = (box[2:] - box[:2]) / 7
        x, y = (box[axis] + (np.arange(7) + .5) * sides[axis] for axis in (0, 1))
        return np.stack(np.meshgrid(x, y), -1).reshape(-1, 2), np.hypot(*sides)

    counts = []
    for _ in range(1500):
        (one, unit), (other, other_unit) = cells(view()), cells(view())
        distances = np.linalg.norm(one[:, None] - other, axis=2) / max(unit, other_unit)
        counts.append([(distances < threshold).sum() for threshold in (.35, .7, 1.4, 2.8)])
    np.testing.assert_allclose(np.mean(counts, 0), means, rtol=.06)
    np.testing.assert_allclose(100 * (np.array(counts) == 0).mean(0), empty, atol=2.5)
