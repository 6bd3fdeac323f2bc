from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdepthcp.geometry import affine

numbers = st.floats(-100, 100)
factors = st.floats(0.1, 10)


def test_worked_numbers_of_a_flipped_paste():
    to_view = affine.compose(
        affine.crop(10, 20), affine.scaling(1.5, 1.5), affine.horizontal_flip(4 * 1.5), affine.translation(30, -66))
    np.testing.assert_allclose(to_view, [[-1.5, 0, 51], [0, 1.5, -96], [0, 0, 1]])
    np.testing.assert_allclose(affine.apply(to_view, (11, 22)), (34.5, -63))


def test_scaling_about_the_horizon_moves_the_top_as_in_the_worked_numbers():
    np.testing.assert_allclose(affine.apply(affine.scaling(1.5, 1.5, about=(0, 192)), (0, 20)), (0, -66))


def test_resize_maps_edges_to_edges_and_flip_swaps_them():
    to_small = affine.resize(768, 384, 192, 128)
    np.testing.assert_allclose(affine.apply(to_small, [[0, 0], [768, 384], [384, 192]]), [[0, 0], [192, 128], [96, 64]])
    np.testing.assert_allclose(affine.apply(affine.horizontal_flip(192), [[0, 5], [0.5, 5]]), [[192, 5], [191.5, 5]])


@settings(deadline=None)
@given(factors, numbers, factors, numbers, numbers, numbers)
def test_inverse_undoes_a_map(ax, bx, ay, by, x, y):
    matrix = affine.axis_aligned(-ax, bx, ay, by)
    np.testing.assert_allclose(affine.apply(affine.invert(matrix), affine.apply(matrix, (x, y))), (x, y), atol=1e-9)
    sheared = matrix.copy()
    sheared[0, 1] = 0.3
    np.testing.assert_allclose(affine.invert(sheared), np.linalg.inv(sheared), atol=1e-9)


def test_maps_broadcast_over_leading_axes():
    shifts = np.array([1.0, 2.0, 3.0])
    maps = affine.compose(affine.translation(shifts, 0), affine.scaling(2, 3), affine.horizontal_flip(10, shifts > 1))
    assert maps.shape == (3, 3, 3)
    np.testing.assert_allclose(affine.apply(maps, (1, 1)), [[4, 3], [4, 3], [2, 3]])


def test_composition_applies_the_first_map_first():
    points = np.random.default_rng(0).normal(size=(5, 2))
    first, second = affine.scaling(2, 2), affine.translation(1, 0)
    np.testing.assert_allclose(
        affine.apply(affine.compose(first, second), points), affine.apply(second, affine.apply(first, points)))


def test_a_singular_map_has_no_inverse():
    with pytest.raises(ValueError, match='singular'):
        affine.invert(affine.scaling(0, 1))


def test_parameters_of_maps_along_the_axes_come_back():
    parameters = np.random.default_rng(1).normal(size=(5, 4))
    np.testing.assert_array_equal(affine.axis_parameters(affine.axis_aligned(*parameters.T)), parameters)
