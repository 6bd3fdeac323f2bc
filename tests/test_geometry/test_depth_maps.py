from __future__ import annotations

import numpy as np
import pytest

from mmdepthcp.geometry.depth_maps import (
    decode_cityscapes_disparity,
    depth_to_disparity,
    fill_holes,
    inverse_depth_scale,
)
from mmdepthcp.utils.errors import InputError


def test_holes_take_the_nearest_value():
    rng = np.random.default_rng(0)
    values = rng.random((9, 11))
    valid = rng.random((9, 11)) < .3
    filled = fill_holes(values, valid)
    np.testing.assert_array_equal(filled[valid], values[valid])
    places = np.argwhere(valid)
    for row, column in np.argwhere(~valid):
        distance = ((places - [row, column]) ** 2).sum(1)
        nearest = [values[tuple(place)] for place in places[distance == distance.min()]]
        assert filled[row, column] in nearest
    np.testing.assert_array_equal(fill_holes(values, np.ones_like(valid)), values)
    with pytest.raises(InputError, match='no pixel'):
        fill_holes(values, np.zeros_like(valid))


def test_disparity_is_proportional_to_inverse_depth():
    disparity = depth_to_disparity(np.array([.5, 1, 2, 10, 80, 0, np.inf]), 1.)
    np.testing.assert_allclose(disparity, [1, 1, .5, .1, .0125, 0, 0])
    assert disparity.dtype == np.float32


def test_cityscapes_values():
    disparity, valid = decode_cityscapes_disparity(np.array([[0, 1, 257, 32769, 65535]], np.uint16), 128.)
    np.testing.assert_allclose(disparity, [[0, 0, 1 / 128, 1, 1]])
    np.testing.assert_array_equal(valid, [[False, True, True, True, True]])


def test_scale_of_inverse_depth():
    ramp = np.linspace(0, 10, 1001)
    assert inverse_depth_scale([ramp, ramp / 2]) == pytest.approx(9.99)
    for bad in (np.zeros(5), np.full(5, np.nan), np.full(5, -1.)):
        with pytest.raises(InputError, match='inverse depth'):
            inverse_depth_scale([bad])


@pytest.mark.parametrize('value', [0, -1, float('nan'), float('inf')])
def test_scales_that_are_none(value):
    with pytest.raises(InputError, match='nearest must be a number above 0'):
        depth_to_disparity(np.ones((2, 2)), value)
    with pytest.raises(InputError, match='largest must be a number above 0'):
        decode_cityscapes_disparity(np.ones((2, 2), np.uint16), value)
