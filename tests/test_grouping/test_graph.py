"""The graph: equal to the plain loops, worked numbers, normals of known planes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.plain import grouping as plain
from mmdepthcp.geometry.points import back_project
from mmdepthcp.grouping import (
    KITTI_INTRINSICS,
    EdgeWeights,
    SuperpixelAttributes,
    adjacent_pairs,
    edge_terms,
    edge_weights,
    slic,
    standardise,
    superpixel_attributes,
)
from mmdepthcp.grouping.graph import unique_pairs


def scene(seed=0, height=24, width=40):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height // 4, width // 4, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    disparity = (0.02 + 0.5 * np.linspace(0, 1, height)[:, None] ** 2 + rng.uniform(0, 0.02, (height, width)))
    return image, disparity.astype(np.float32)


def test_back_projection_by_hand():
    disparity = np.array([[0.5, 0.5], [0.001, 0.25]], np.float32)
    points = back_project(disparity, np.array([[0.5, 0, 0.5], [0, 2, 0.5], [0, 0, 1]]))
    # x = (u − .5) / .5 · z with u = .25 and .75; y = (.5 − v) / 2 · z, up; z = 1 / max(d, .005)
    assert points.dtype == np.float32
    assert np.allclose(points[2], [[2, 2], [200, 4]])
    assert np.allclose(points[0], [[-1, 1], [-100, 2]])
    assert np.allclose(points[1], [[0.25, 0.25], [-25, -0.5]])


def test_standardise_divides_by_the_deviation_and_leaves_constants():
    points = np.stack([np.arange(6.0).reshape(2, 3), np.full((2, 3), 7.0), np.zeros((2, 3))]).astype(np.float32)
    scaled = standardise(points)
    assert np.isclose(scaled[0].std(), 1) and np.allclose(scaled[0] * np.arange(6.0).std(), points[0].reshape(2, 3))
    assert np.array_equal(scaled[1:], points[1:])


@settings(max_examples=50, deadline=None)
@given(arrays(np.int32, st.tuples(st.integers(1, 10), st.integers(1, 10)), elements=st.integers(0, 6)))
def test_adjacent_pairs_equal_the_loop(labels):
    assert [tuple(pair) for pair in adjacent_pairs(labels).tolist()] == plain.plain_pairs(labels)


@settings(max_examples=50, deadline=None)
@given(arrays(np.int64, st.tuples(st.integers(0, 30), st.just(2)), elements=st.integers(0, 5)))
def test_unique_pairs(pairs):
    distinct, rows = unique_pairs(pairs, 6)
    expected = sorted({tuple(sorted(pair)) for pair in pairs.tolist() if pair[0] != pair[1]})
    assert [tuple(pair) for pair in distinct.tolist()] == expected
    for pair, row in zip(pairs.tolist(), rows.tolist(), strict=True):
        assert row == -1 if pair[0] == pair[1] else distinct[row].tolist() == sorted(pair)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), formula=st.sampled_from(['scale_free', 'paper']))
def test_attributes_and_weights_equal_the_plain_version(seed, formula):
    image, disparity = scene(seed)
    labels = slic(image, 40)
    points, plain_points = back_project(disparity, KITTI_INTRINSICS), plain.plain_points(disparity, KITTI_INTRINSICS)
    if formula == 'paper':
        points, plain_points = standardise(points), plain.standardised(plain_points)
    attributes = superpixel_attributes(labels, image, points)
    expected = plain.plain_attributes(labels, image, plain_points)
    assert np.array_equal(attributes.area, [row['area'] for row in expected])
    assert np.allclose(attributes.centre, [row['centre'] for row in expected], rtol=1e-4, atol=1e-5)
    assert np.allclose(attributes.lab, [row['lab'] for row in expected], atol=0.5)  # OpenCV's CIELAB is a table
    assert np.allclose(attributes.normal, [row['normal'] for row in expected], atol=1e-3)
    exact = attributes._replace(lab=np.array([row['lab'] for row in expected]))
    pairs = adjacent_pairs(labels)
    for weights in (EdgeWeights(0.2, 30, 4, -5), EdgeWeights(0.006, 36, 2.5, -4), EdgeWeights(0, 48, 0, -4)):
        theirs = [plain.plain_terms(expected[i], expected[j], *weights, paper=formula == 'paper')
                  for i, j in pairs.tolist()]
        assert np.allclose(edge_terms(exact, pairs, weights, formula), theirs, rtol=1e-3, atol=1e-3)
        theirs = [plain.plain_sigmoid(term) for term in theirs]
        assert np.allclose(edge_weights(exact, pairs, weights, formula), theirs, rtol=2e-3)


def plane_normal(disparity, cx, cy):
    points = back_project(disparity.astype(np.float32), np.array([[0.58, 0, cx], [0, 1.92, cy], [0, 0, 1]]))
    labels = np.zeros(disparity.shape, np.int32)
    return superpixel_attributes(labels, np.zeros((*disparity.shape, 3), np.uint8), points).normal[0]


def test_normals_of_ground_wall_and_side_wall():
    # image coordinates from the principal point on
    below = np.ones((20, 30)) * ((np.arange(20) + 0.5) / 20 + 0.5)[:, None]
    right = np.ones((20, 30)) * ((np.arange(30) + 0.5) / 30 + 0.5)
    assert np.allclose(plane_normal(below / 1.92, 0.5, -0.5), [0, 1, 0], atol=0.02)
    assert np.allclose(plane_normal(np.full((20, 30), 0.2), 0.5, 0.5), [0, 0, -1], atol=1e-3)
    assert np.allclose(plane_normal(right / 0.58, -0.5, 0.5), [-1, 0, 0], atol=0.02)


def test_edge_terms_by_hand():
    attributes = SuperpixelAttributes(
        area=np.ones(4),
        centre=np.array([[0, 1, 2], [0, 3, 6], [1, -2, 4], [1, -1, 4.0]]),
        lab=np.array([[50, 0, 0], [50, 3, 4], [60, 0, 0], [90, 0, 0.0]]),
        normal=np.array([[0, 1, 0], [0, 0, -1], [0, 0.8, -0.6], [0, 0.3, 0.1]]))
    pairs = np.array([[0, 1], [2, 3]])

    def terms(formula, *weights):
        return edge_terms(attributes, pairs, EdgeWeights(*weights), formula)

    assert np.allclose(terms('scale_free', 0, 1, 0, 0), [4 / 8, 0])
    assert np.allclose(terms('paper', 0, 1, 0, 0), [20 ** 0.5 / 8, 1 / 8])
    assert np.allclose(terms('scale_free', 1, 0, 0, 0), [5, 30])
    assert np.allclose(terms('scale_free', 0, 0, 1, 0), [0, 0.8 * 0.5])  # support counts below the camera only
    assert np.allclose(terms('scale_free', 0.1, 2, 1, -1), [0.5 + 1 - 1, 3 + 0.4 - 1])
    assert np.allclose(terms('paper', 1, 0, 0, 0), [5 * 2, 0])  # colour counts above the camera only
    assert np.allclose(terms('paper', 0, 0, 1, 0), [0, 0.8 * 0.5 * 1.5 ** 2])
    weights = EdgeWeights(0.1, 2, 1, -1)
    parts = edge_terms(attributes, pairs, weights)
    assert np.allclose(edge_weights(attributes, pairs, weights), 1 / (1 + np.exp(-parts)))


@pytest.mark.parametrize('formula', ['scale_free', 'paper'])
def test_edge_weights_are_symmetric(formula):
    image, disparity = scene(5)
    labels = slic(image, 40)
    attributes = superpixel_attributes(labels, image, standardise(back_project(disparity, KITTI_INTRINSICS)))
    pairs = adjacent_pairs(labels)
    weights = EdgeWeights(0.006, 36, 2.5, -4)
    assert np.allclose(
        edge_weights(attributes, pairs, weights, formula), edge_weights(attributes, pairs[:, ::-1], weights, formula))


def test_scale_of_disparity_does_not_matter():
    image, disparity = scene(6)
    labels = slic(image, 40)
    pairs = adjacent_pairs(labels)
    weights = [
        edge_weights(superpixel_attributes(labels, image, back_project(disparity * scale, KITTI_INTRINSICS)), pairs)
        for scale in (1, 0.5)]
    assert np.allclose(*weights, rtol=1e-4)


def test_single_row_and_column_images_have_no_normal():
    for shape in ((1, 6), (6, 1), (1, 1)):
        disparity = np.full(shape, 0.3, np.float32)
        points = standardise(back_project(disparity, KITTI_INTRINSICS))
        attributes = superpixel_attributes(np.zeros(shape, np.int32), np.zeros((*shape, 3), np.uint8), points)
        assert np.array_equal(attributes.normal, [[0, 0, 0]])
