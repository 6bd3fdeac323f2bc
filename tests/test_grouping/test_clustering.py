"""Communities and their hierarchy: worked graphs, code length, plain version, determinism."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.plain import grouping as plain
from mmdepthcp.grouping import agglomerate, cluster_hierarchy, louvain_map_equation, map_equation


def grid(height, width, seed=0):
    """A 4-connected grid with edge weights that are small inside of random blobs."""
    rng = np.random.default_rng(seed)
    index = np.arange(height * width).reshape(height, width)
    pairs = np.concatenate([
        np.stack([index[:, :-1].ravel(), index[:, 1:].ravel()], axis=1),
        np.stack([index[:-1].ravel(), index[1:].ravel()], axis=1)])
    level = rng.normal(size=(height, width)).cumsum(0).cumsum(1).ravel()
    return pairs, 1 / (1 + np.exp(4 - 3 * np.abs(level[pairs[:, 0]] - level[pairs[:, 1]])))


def members(groups):
    return {frozenset(np.flatnonzero(groups == group).tolist()) for group in range(groups.max() + 1)}


def cliques(number, size):
    pairs = [(c * size + i, c * size + j) for c in range(number) for i in range(size) for j in range(i + 1, size)]
    bridges = [(c * size, (c + 1) * size) for c in range(number - 1)]
    return np.array(pairs + bridges), np.array([1.0] * len(pairs) + [0.1] * len(bridges))


def test_map_equation_by_hand():
    # Two pairs of nodes, links 1 inside and .5 between: 2W = 5; visit rates .3 each at the bridge, .2 elsewhere.
    pairs, links = np.array([[0, 1], [1, 2], [2, 3]]), np.array([1, 0.5, 1])
    flow, leave, inside = [0.2, 0.3, 0.3, 0.2], 0.1, 0.5

    def entropy(*rates):
        return -sum(p / sum(rates) * math.log2(p / sum(rates)) for p in rates)

    index = 2 * leave * entropy(leave, leave)
    module = (leave + inside) * entropy(leave, *flow[:2])
    assert math.isclose(map_equation(pairs, links, np.array([0, 0, 1, 1])), index + 2 * module)
    assert math.isclose(map_equation(pairs, links, np.zeros(4, int)), entropy(*flow))


def test_cliques_become_communities():
    pairs, links = cliques(5, 6)
    assert np.array_equal(louvain_map_equation(pairs, links, 30), np.arange(30) // 6)


def test_infomap_finds_the_cliques_too():
    pytest.importorskip('infomap')
    from mmdepthcp.grouping import infomap
    pairs, links = cliques(5, 6)
    assert np.array_equal(infomap(pairs, links, 30), np.arange(30) // 6)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 15), st.integers(0, 40), st.integers(0, 10 ** 6))
def test_communities_never_lengthen_the_code_and_repeat(number, edges, seed):
    rng = np.random.default_rng(seed)
    pairs = np.unique(np.sort(rng.integers(0, number, (edges, 2)), axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    links = rng.uniform(0.01, 10, len(pairs))
    community = louvain_map_equation(pairs, links, number)
    assert np.array_equal(community, louvain_map_equation(pairs, links, number))
    _, first = np.unique(community, return_index=True)
    assert (np.diff(first) > 0).all() and community.max() + 1 == len(first)
    if len(pairs):
        assert map_equation(pairs, links, community) <= map_equation(pairs, links, np.arange(number)) + 1e-9


@pytest.mark.parametrize('seed', range(4))
def test_hierarchy_equals_the_plain_one_with_the_same_communities(seed):
    pairs, weights = grid(12, 15, seed)

    def communities(edges, nodes):
        place = {node: index for index, node in enumerate(nodes)}
        ordered = sorted((place[i], place[j], weight) for (i, j), weight in edges.items())
        found = louvain_map_equation(
            np.array([row[:2] for row in ordered]).reshape(-1, 2), 1 / np.array([row[2] for row in ordered]),
            len(place))
        return {node: int(found[index]) for node, index in place.items()}

    ours = cluster_hierarchy(pairs[np.lexsort(pairs.T[::-1])], weights[np.lexsort(pairs.T[::-1])], 180)
    edges = dict(zip(map(tuple, pairs.tolist()), weights.tolist(), strict=True))
    theirs = plain.plain_hierarchy(edges, range(180), communities=communities)
    assert members(ours) == set(map(frozenset, theirs))


def test_threshold_decides_what_is_apart():
    pairs, weights = np.array([[0, 1], [1, 2], [2, 3]]), np.array([0.02, 0.3, 0.02])
    assert cluster_hierarchy(pairs, weights, 4).tolist() == [0, 0, 1, 1]
    assert cluster_hierarchy(pairs, weights, 4, threshold=0.31).tolist() == [0, 0, 0, 0]
    assert cluster_hierarchy(pairs, weights, 4, threshold=0.01).tolist() == [0, 0, 1, 1]


def test_nodes_join_in_the_first_round_whatever_their_edges():
    triangle = np.array([[0, 1], [0, 2], [1, 2]])
    assert cluster_hierarchy(triangle, np.full(3, 0.25), 3).tolist() == [0, 0, 0]


def test_one_edge_below_the_threshold_keeps_a_community_open():
    # Two cliques with soft edges between them; what counts is the least, .1, not their mean of .7.
    inner = [(c + i, c + j) for c in (0, 4) for i in range(4) for j in range(i + 1, 4)]
    pairs = np.array(sorted([*inner, (0, 4), (1, 5), (2, 6), (3, 7)]))
    weights = np.where(pairs[:, 1] - pairs[:, 0] == 4, 0.9, 0.01)
    assert cluster_hierarchy(pairs, weights, 8).tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    weights[(pairs == [3, 7]).all(axis=1)] = 0.1
    assert cluster_hierarchy(pairs, weights, 8).tolist() == [0] * 8


def test_finished_communities_take_no_part_in_what_follows():
    pairs = np.array([[0, 1], [1, 2], [2, 3], [3, 4], [4, 5]])
    weights = np.array([0.01, 0.3, 0.01, 0.15, 0.01])
    assert cluster_hierarchy(pairs, weights, 6).tolist() == [0, 0, 1, 1, 1, 1]


def test_nodes_without_edges_stay_alone():
    assert cluster_hierarchy(np.zeros((0, 2), int), np.zeros(0), 3).tolist() == [0, 1, 2]


def test_unknown_method_is_named():
    with pytest.raises(ValueError, match=r"'leiden'.*louvain"):
        cluster_hierarchy(np.array([[0, 1]]), np.array([0.1]), 2, method='leiden')


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 25), st.integers(0, 60), st.integers(0, 10 ** 6), st.floats(0.01, 1),
    st.one_of(st.none(), st.integers(1, 10)), st.sampled_from([0.0, 0.7, 1.0]))
def test_agglomeration_equals_the_plain_one(number, edges, seed, threshold, max_groups, area_power):
    rng = np.random.default_rng(seed)
    pairs = np.unique(np.sort(rng.integers(0, number, (edges, 2)), axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    local, lab, areas = rng.normal(-3, 2, len(pairs)), rng.uniform(0, 100, (number, 3)), rng.uniform(1, 9, number)
    ours = agglomerate(
        pairs, local, lab, areas, colour=0.05, threshold=threshold, max_groups=max_groups, area_power=area_power)
    theirs = plain.plain_agglomerate(
        dict(zip(map(tuple, pairs.tolist()), local.tolist(), strict=True)), lab, areas, 0.05, threshold, max_groups,
        area_power)
    assert members(ours) == set(map(frozenset, theirs))
    _, first = np.unique(ours, return_index=True)
    assert (np.diff(first) > 0).all()


def test_agglomeration_counts_colour_over_whole_groups():
    # A slow ramp of colours: no two neighbours differ much, the ends do.
    pairs = np.stack([np.arange(19), np.arange(1, 20)], axis=1)
    lab = np.stack([np.linspace(20, 80, 20), np.zeros(20), np.zeros(20)], axis=1)
    groups = agglomerate(pairs, np.full(19, -5.0), lab, np.ones(20), colour=0.3, threshold=0.2)
    assert 2 <= groups.max() + 1 <= 6 and (np.diff(groups) >= 0).all()
