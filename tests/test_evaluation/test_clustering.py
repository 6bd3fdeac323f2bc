import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmdepthcp.evaluation.functional.clustering import (
    assign_clusters,
    cluster_areas,
    cluster_features,
    cluster_prototypes,
)


def test_prototypes_around_directions_form_clusters():
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(4), 10)
    prototypes = np.eye(4)[truth] + 0.1 * rng.normal(size=(40, 4))
    clusters = cluster_prototypes(prototypes * rng.uniform(0.5, 2, (40, 1)), 4)
    assert len(set(zip(truth, clusters, strict=True))) == 4


def test_average_linkage_worked_example():
    """Angles 0°, 10°, 30°, 70°: 0|10 join first (1 − cos = .015), then 30 (mean of .134 and .060), 70 stays alone."""
    angles = np.radians([0, 10, 30, 70])
    clusters = cluster_prototypes(np.stack([np.cos(angles), np.sin(angles)], 1), 2)
    assert clusters[0] == clusters[1] == clusters[2] != clusters[3]


def test_features_are_compared_without_what_they_share():
    """Groups of unlike size around four axes, all far out along a common direction, of any length."""
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(4), [4, 8, 12, 16])
    directions = 5 + np.eye(4)[truth] + 0.02 * rng.normal(size=(40, 4))
    clusters = cluster_features(directions * rng.uniform(0.5, 2, (40, 1)), 4)
    assert len(set(zip(truth, clusters, strict=True))) == len(set(clusters)) == 4


def test_feature_clusters_worked_example():
    """0°, 80°, 100° and 130° have their mean at 82.6°, .69 from the origin. Seen from there they lie at −37°, 74°, 131°
    and 174°, so that 100° and 130° are closest; seen from the origin 80° and 100° are."""
    angles = np.radians([0, 80, 100, 130])
    features = np.stack([np.cos(angles), np.sin(angles)], 1) * np.array([[1], [9], [2], [4]])
    clusters = cluster_features(features, 3)
    assert clusters[2] == clusters[3] and len({*clusters[:3]}) == 3
    clusters = cluster_prototypes(features, 3)
    assert clusters[1] == clusters[2] and len({*clusters[[0, 1, 3]]}) == 3


def test_areas_are_like_so_many_equal_features():
    """A sum over n pixels counts as n features of its direction do."""
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(3), 6)
    directions = 4 + np.eye(5)[truth] + 0.1 * rng.normal(size=(18, 5))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    areas = rng.integers(1, 9, 18)
    clusters = cluster_areas(directions * areas[:, None], 3)
    repeated = cluster_areas(np.repeat(directions, areas, axis=0), 3)
    assert len(set(zip(np.repeat(clusters, areas), repeated, strict=True))) == len(set(clusters)) == 3
    assert len(set(zip(truth, clusters, strict=True))) == 3


def test_a_small_area_far_off_gets_no_cluster_of_its_own():
    """Four of five features lie at 0°, 10°, 60° and 70°, the fifth at 200°: where all count alike, it is alone."""
    angles = np.radians([0, 10, 60, 70, 200])
    directions = np.stack([np.cos(angles), np.sin(angles)], 1)
    assert len({*cluster_features(directions, 2)[:4]}) == 1
    clusters = cluster_areas(directions * np.array([[50], [50], [50], [50], [.1]]), 2)
    assert clusters[0] == clusters[1] != clusters[2] == clusters[3]


@pytest.mark.filterwarnings('ignore::sklearn.exceptions.ConvergenceWarning')
def test_areas_of_features_that_are_all_the_same_are_one_cluster():
    assert set(cluster_areas(np.ones((6, 4)), 3)) == {0}


def test_features_that_are_all_the_same_are_clustered_all_the_same():
    assert sorted(set(cluster_features(np.ones((6, 4)), 3))) == [0, 1, 2]


@pytest.mark.parametrize('number', [1, 3])
def test_as_many_clusters_as_asked_for(number):
    prototypes = np.random.default_rng(0).normal(size=(3, 5))
    assert sorted(set(cluster_prototypes(prototypes, number))) == list(range(number))
    assert cluster_prototypes(prototypes[:1], 1).tolist() == [0]


@pytest.mark.parametrize('size', [(7, 11), (3, 2), (40, 500)])
@pytest.mark.parametrize('number', [20, 4])
def test_assigned_clusters_equal_the_whole_calculation(size, number):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(6, 5, 9, generator=generator)
    prototypes = F.normalize(torch.randn(number, 6, generator=generator), dim=1)
    clusters = torch.arange(number) % 7
    resized = F.interpolate(features[None], size, mode='bilinear', align_corners=False)[0]
    expected = clusters[torch.einsum('kd,dhw->khw', prototypes, F.normalize(resized, dim=0)).argmax(0)]
    agreement = (assign_clusters(features, prototypes, clusters, size) == expected).float().mean()
    assert agreement > 0.999


def test_padding_is_left_out():
    features = torch.zeros(2, 4, 8)
    features[0, :, :4], features[1, :, 4:] = 1, 1
    left = assign_clusters(features, torch.eye(2), torch.arange(2), (8, 8), covered=(1, 0.5))
    assert left.shape == (8, 8)
    assert (left[:, :7] == 0).all()
