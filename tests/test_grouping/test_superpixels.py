"""SLIC: count, connectivity, colour edges kept, the same as a per-pixel search for the nearest seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from mmdepthcp.grouping import connected_components, slic
from mmdepthcp.grouping.superpixels import _connect, _local_kmeans


def patches(height=60, width=90, size=15, seed=0):
    """A chessboard of flat patches in random colours with a little noise, and the patch of each pixel."""
    rng = np.random.default_rng(seed)
    patch = np.arange(height)[:, None] // size * 100 + np.arange(width) // size
    colours = rng.integers(0, 256, (patch.max() + 1, 3))
    return np.clip(colours[patch] + rng.normal(0, 3, (height, width, 3)), 0, 255).astype(np.uint8), patch


def count_pieces(labels):
    return sum(ndimage.label(labels == label)[1] for label in np.unique(labels))


@pytest.mark.parametrize('shape, number', [
    ((64, 128), 200), ((1, 1), 10), ((1, 40), 5), ((40, 1), 5), ((7, 9), 1000), ((50, 50), 1)])
def test_labels_are_compact_connected_and_about_as_many_as_wanted(shape, number):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    labels = slic(image, number, compactness=30)
    assert labels.dtype == np.int32 and labels.shape == shape
    ids, first = np.unique(labels, return_index=True)
    assert ids.tolist() == list(range(len(ids))) and (np.diff(first) > 0).all()
    assert count_pieces(labels) == len(ids)
    assert 0.6 * min(number, labels.size) <= len(ids) <= 1.4 * number


def test_single_colour_gives_the_grid():
    labels = slic(np.full((35, 70, 3), 77, np.uint8), 50)
    assert np.array_equal(labels, np.arange(35)[:, None] // 7 * 10 + np.arange(70) // 7)


def test_superpixels_keep_to_colour_edges():
    image, patch = patches()
    labels = slic(image, 150, sigma=0)
    for label in range(labels.max() + 1):
        assert len(np.unique(patch[labels == label])) == 1


def test_extra_channel_parts_equal_colours():
    image = np.full((40, 40, 3), 120, np.uint8)
    extra = np.where(np.arange(40) < 13, 0, 60).astype(np.float32) * np.ones((40, 1), np.float32)
    labels = slic(image, 25, extra=extra)
    assert not set(labels[:, :13].ravel()) & set(labels[:, 13:].ravel())
    assert set(slic(image, 25)[:, :13].ravel()) & set(slic(image, 25)[:, 13:].ravel())


def test_no_worse_than_skimage_with_no_more_superpixels():
    from skimage.segmentation import slic as skimage_slic

    from mmdepthcp.grouping import achievable_accuracy, boundary_recall
    image, patch = patches(120, 200, 23, seed=3)
    image = np.clip(image + np.random.default_rng(1).normal(0, 15, image.shape), 0, 255).astype(np.uint8)
    theirs = skimage_slic(image[..., ::-1], 400, compactness=10, sigma=1, start_label=0)
    ours = slic(image, theirs.max() + 1)
    assert ours.max() <= theirs.max()
    assert boundary_recall(ours, patch, 1) >= boundary_recall(theirs, patch, 1) - 0.01
    assert achievable_accuracy(ours, patch) >= achievable_accuracy(theirs, patch)


@pytest.mark.parametrize('changes', [dict(number=0), dict(compactness=0), dict(sigma=-1), dict(iterations=0)])
def test_bad_settings_are_refused(changes):
    with pytest.raises(ValueError, match='slic needs'):
        slic(np.zeros((8, 8, 3), np.uint8), **{'number': 4, **changes})


@pytest.mark.parametrize('image', [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3)), np.zeros((0, 8, 3), np.uint8)])
def test_bad_images_are_refused(image):
    with pytest.raises(ValueError, match='uint8 image'):
        slic(image, 4)


def test_extra_of_another_size_is_refused():
    with pytest.raises(ValueError, match='extra channel'):
        slic(np.zeros((8, 8, 3), np.uint8), 4, extra=np.zeros((8, 9), np.float32))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10 ** 6), st.integers(1, 4), st.integers(1, 5), st.floats(0.01, 10))
def test_assignment_equals_a_search_over_the_cells_around(seed, rows, columns, weight):
    rng = np.random.default_rng(seed)
    height, width = rows * 4 + seed % 3, columns * 5 + seed % 2
    features = rng.normal(size=(height, 2, width)).astype(np.float32)
    row_edges = np.linspace(0, height, rows + 1).round().astype(np.int32)
    column_edges = np.linspace(0, width, columns + 1).round().astype(np.int32)
    labels = _local_kmeans(features, row_edges, column_edges, np.float32(weight), 1)
    row_of = np.searchsorted(row_edges, np.arange(height), 'right') - 1
    column_of = np.searchsorted(column_edges, np.arange(width), 'right') - 1

    def distance(y, x, row, column):
        seed_y, seed_x = ((edges[k] + edges[k + 1] - 1) / 2 for edges, k in ((row_edges, row), (column_edges, column)))
        gap = features[y, :, x] - features[int(seed_y), :, int(seed_x)]
        return gap @ gap + weight * ((y - seed_y) ** 2 + (x - seed_x) ** 2)

    for y in range(height):
        for x in range(width):
            around = [(r, c) for r in range(rows) for c in range(columns)
                      if abs(r - row_of[y]) <= 1 and abs(c - column_of[x]) <= 1]
            best = min(distance(y, x, *cell) for cell in around)
            chosen = divmod(labels[y, x], columns)
            assert chosen in around
            assert distance(y, x, *chosen) <= best * (1 + 1e-4) + 1e-4


@settings(max_examples=50, deadline=None)
@given(arrays(np.int32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 2)))
def test_connected_components_equal_scipys(labels):
    pieces, number = connected_components(labels)
    expected = np.zeros(labels.shape, int)
    offset = 0
    for label in np.unique(labels):
        found, count = ndimage.label(labels == label)
        expected[found > 0] = found[found > 0] + offset
        offset += count
    assert number == offset == pieces.max() + 1
    assert len({*zip(pieces.ravel().tolist(), expected.ravel().tolist(), strict=True)}) == number
    _, first = np.unique(pieces, return_index=True)
    assert (np.diff(first) > 0).all()


@settings(max_examples=50, deadline=None)
@given(
    arrays(np.int32, st.tuples(st.integers(2, 12), st.integers(2, 12)), elements=st.integers(0, 2)), st.integers(1, 8))
def test_small_pieces_are_joined_and_pieces_stay_whole(labels, min_area):
    features = np.random.default_rng(0).normal(size=(labels.shape[0], 1, labels.shape[1])).astype(np.float32)
    joined = _connect(labels, features, min_area)
    areas = np.bincount(joined.ravel())
    assert areas.min() >= min_area or len(areas) == 1
    assert count_pieces(joined) == len(areas)
    pieces, _ = connected_components(labels)
    assert len({*zip(pieces.ravel().tolist(), joined.ravel().tolist(), strict=True)}) == pieces.max() + 1
