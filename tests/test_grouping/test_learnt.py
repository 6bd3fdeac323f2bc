"""Edges that features have a say about."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

from mmdepthcp.grouping import (
    KITTI_INTRINSICS,
    EdgeModel,
    GroupingParams,
    agglomerate,
    agreement,
    group_regions,
    learn_edges,
    pool_features,
)

LEARNT = GroupingParams(formula='learnt', feature_weight=1., max_regions=2, threshold=0.)


def plain_bilinear(features, height, width):
    """(C, H, W) by scipy, with the outermost centres continued."""
    rows, columns = ((np.arange(size) + .5) / size for size in features.shape[1:])
    places = np.stack(np.meshgrid(
        (np.arange(height) + .5) / height, (np.arange(width) + .5) / width, indexing='ij'), -1)
    places[..., 0] = places[..., 0].clip(rows[0], rows[-1])
    places[..., 1] = places[..., 1].clip(columns[0], columns[-1])
    return np.stack([RegularGridInterpolator((rows, columns), plane)(places) for plane in features])


def test_pooling_is_that_of_the_interpolated_map():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(3, 5, 7))
    superpixels = np.unique(rng.integers(0, 9, (24, 40)), return_inverse=True)[1].reshape(24, 40)
    full = plain_bilinear(features, 24, 40)
    expected = [full[:, superpixels == number].mean(1) for number in range(superpixels.max() + 1)]
    assert np.allclose(pool_features(superpixels, features), expected)


def test_a_map_of_one_cell_is_the_same_everywhere():
    assert np.array_equal(pool_features(np.array([[0, 1], [1, 1]]), np.full((2, 1, 1), 3.)), np.full((2, 2), 3.))


def test_agreement_counts_groupings():
    pairs = np.array([[0, 1], [1, 2], [0, 2]])
    groupings = [np.array([0, 0, 1]), np.array([0, 0, 0]), np.array([2, 1, 0]), np.array([0, 0, 2])]
    assert agreement(groupings, pairs).tolist() == [.75, .25, .25]


@pytest.fixture
def examples():
    """Superpixels of three kinds: the first two channels tell the kind, six are noise of any size."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 3, 600)
    means = np.array([[0., 0], [4, 0], [0, 4]])
    features = np.concatenate([means[kinds] + rng.normal(size=(600, 2)), rng.normal(size=(600, 6)) * 10], 1)
    pairs = rng.integers(0, 600, (4000, 2))
    return features, pairs, kinds[pairs[:, 0]] != kinds[pairs[:, 1]], np.arange(4000) % 4 == 0


def log_odds(model, features, pairs):
    vectors = features @ model.projection.T
    return np.linalg.norm(vectors[pairs[:, 0]] - vectors[pairs[:, 1]], axis=1) + model.bias


def test_what_parts_is_learnt(examples):
    features, pairs, parted, held_back = examples
    model, auc = learn_edges(*examples)
    terms = log_odds(model, features, pairs)
    assert .93 < auc <= 1 and ((terms > 0) == parted)[held_back].mean() > .85
    reach = np.abs(model.projection * features.std(0)).max(0)
    assert reach[:2].min() > 3 * reach[2:].max()


def test_the_share_of_parted_pairs_does_not_count(examples):
    features, pairs, parted, held_back = examples
    kept = parted | (np.arange(len(pairs)) % 8 == 1) | held_back
    few = learn_edges(features, pairs[kept], parted[kept], held_back[kept])
    assert few.model.bias == pytest.approx(learn_edges(*examples).model.bias, rel=.15)


def test_features_that_tell_nothing_change_nothing(examples):
    features, pairs, _, held_back = examples
    parted = np.random.default_rng(1).random(len(pairs)) < .5
    model, auc = learn_edges(features, pairs, parted, held_back)
    assert abs(auc - .5) < .06 and np.abs(log_odds(model, features, pairs)).mean() < .2


def test_too_few_examples_are_told(examples):
    features, pairs, parted, held_back = examples
    with pytest.raises(ValueError, match=r'of 1000 pairs held back, 0 are parted; at least 10'):
        learn_edges(features, pairs, parted & ~held_back, held_back)


def test_vectors_count_over_whole_groups():
    pairs, lab = np.array([[0, 1], [1, 2], [2, 3]]), np.full((4, 3), 50.)
    vectors = np.array([[0., 0], [0, 1], [3, 4], [3, 4]])
    local, areas = np.full(3, -3.), np.ones(4)
    assert agglomerate(pairs, local, lab, areas, threshold=.5, vectors=vectors).tolist() == [0, 0, 1, 1]
    assert agglomerate(pairs, local, lab, areas, threshold=.5, vectors=0 * vectors).tolist() == [0] * 4
    assert agglomerate(pairs, local, lab, areas, threshold=.5).tolist() == [0] * 4


def scene():
    """A flat grey wall: neither depth nor colour part anything; features do, left and right."""
    image, disparity = np.full((32, 64, 3), 128, np.uint8), np.full((32, 64), .5, np.float32)
    features = np.zeros((2, 4, 8), np.float32)
    features[1, :, 4:] = 1
    return image, disparity, features


def test_features_part_what_depth_and_colour_do_not():
    image, disparity, features = scene()
    model = EdgeModel(np.array([[0., 20.]]), 0.)
    regions = group_regions(image, disparity, KITTI_INTRINSICS, LEARNT, features, model)
    assert regions.max() == 1 and regions[:, :28].max() == 0 and regions[:, 36:].min() == 1
    blind = group_regions(image, disparity, KITTI_INTRINSICS, LEARNT, features, EdgeModel(np.array([[20., 0]]), 0.))
    plain = group_regions(image, disparity, KITTI_INTRINSICS, replace(LEARNT, formula='scale_free'))
    assert np.array_equal(blind, plain) and not np.array_equal(regions, plain)
    assert np.array_equal(plain, group_regions(
        image, disparity, KITTI_INTRINSICS, replace(LEARNT, feature_weight=0.), features, model))


@pytest.mark.parametrize('method', ['agglomerative', 'louvain'])
def test_a_bias_is_one_of_all_edges(method):
    image, disparity, features = scene()
    disparity = np.linspace(.1, .9, 64, dtype=np.float32)[None].repeat(32, 0)
    params = replace(LEARNT, method=method, threshold=.2, max_regions=None)
    found = group_regions(image, disparity, KITTI_INTRINSICS, params, features, EdgeModel(np.zeros((1, 2)), 1.5))
    weights = params.weights._replace(bias=params.weights.bias + 1.5)
    assert np.array_equal(found, group_regions(
        image, disparity, KITTI_INTRINSICS, replace(params, formula='scale_free', weights=weights)))


def test_features_go_with_the_formula():
    image, disparity, features = scene()
    model = EdgeModel(np.ones((1, 2)), 0.)
    for params, given in ((LEARNT, ()), (LEARNT, (features,)), (GroupingParams(), (features, model))):
        with pytest.raises(ValueError, match="formula='learnt' takes features"):
            group_regions(image, disparity, KITTI_INTRINSICS, params, *given)
    with pytest.raises(ValueError, match='features have 3 channels; edges were learnt from features with 2'):
        group_regions(image, disparity, KITTI_INTRINSICS, LEARNT, np.zeros((3, 4, 8)), model)
