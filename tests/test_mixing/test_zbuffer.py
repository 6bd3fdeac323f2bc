from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.plain.copy_paste import paint_views
from benchmarks.plain.synthetic import synthetic_group
from mmdepthcp.geometry import affine
from mmdepthcp.mixing import NO_COPY, PasteSettings, pool_regions, render_views, sample_pastes, sample_pixel_matches
from mmdepthcp.mixing.pastes import Pastes
from mmdepthcp.utils.images import NO_REGION
from mmdepthcp.views import ColourSettings, sample_colours
from mmdepthcp.views.colour import NO_COLOUR_CHANGE
from mmdepthcp.views.crops import ViewSettings, sample_view_crops

UNCHANGED_VIEWS = ViewSettings(area_range=(1, 1), aspect_range=(1, 1), flip_prob=0, colour=NO_COLOUR_CHANGE)
EVERYTHING_PASTED = {'min_height': 4, 'min_width': 4, 'min_side': 6, 'min_pasted': 2, 'position_jitter': 4}


def draw(seed, group, paste_settings, view_settings):
    """Pool, pastes, crops and view colours of a group."""
    rng = np.random.default_rng(seed)
    pool = pool_regions(*group)
    num_views = paste_settings.num_rounds * pool.num_images
    pastes = sample_pastes(rng, pool, paste_settings)
    crops = sample_view_crops(rng, num_views, pool.size, view_settings)
    colours = sample_colours(rng, num_views, view_settings.colour)
    return pool, pastes, crops, colours


def label_edges(labels):
    """Pixels with another label among their 3×3 neighbours."""
    kernel = np.ones((3, 3), np.uint8)
    return np.stack([cv2.dilate(view, kernel) != cv2.erode(view, kernel) for view in labels.astype(np.float32)])


def reorder(pastes, order):
    return Pastes(**{name: values[order] for name, values in vars(pastes).items()})


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000), num_images=st.integers(1, 3),
    cp_times=st.lists(st.integers(0, 3), min_size=1, max_size=3), height=st.integers(20, 60),
    width=st.integers(20, 90), regions=st.integers(1, 9), holes=st.integers(0, 2), blurs=st.booleans())
def test_equals_the_painter(seed, num_images, cp_times, height, width, regions, holes, blurs):
    group = synthetic_group(seed, num_images, (height, width), regions, min(holes, regions))
    colour = ColourSettings(blur_prob=0.2 if blurs else 0)
    paste_settings = PasteSettings(cp_times=tuple(cp_times), colour=colour, **EVERYTHING_PASTED)
    pool, pastes, crops, colours = draw(seed, group, paste_settings, ViewSettings(colour=colour))
    # away from rational scales, where pixel centres fall exactly between two source pixels
    crops = affine.compose(crops, affine.translation(0.00314, 0.00271))
    copies = paste_settings.copies_per_region
    mixed = render_views(pool, pastes, crops, (height, width), colours, copies)
    images, labels, disparity = paint_views(*group, pastes, crops, (height, width), colours, copies)

    np.testing.assert_allclose(mixed.disparity, disparity, rtol=1e-5)
    # equal, but for rounding where two candidates are equally close
    assert (mixed.labels != labels).sum() <= 2
    difference = np.abs(images.astype(int) - mixed.images)
    edges = label_edges(labels) | label_edges(mixed.labels)
    # a view's own blur spreads what edges differ by
    spread = np.stack([cv2.dilate(edge.astype(np.uint8), np.ones((5, 5))) > 0 for edge in edges])
    edges = np.where((colours.sigma > 0)[:, None, None], spread, edges)
    # positions are rounded to 1/64 pixel here and to 1/32 by OpenCV; the blur of shrunk pastes is sampled
    # more sparsely
    assert difference[~edges].max(initial=0) <= 4
    if (~edges).any():
        assert difference[~edges].mean() < 0.3
    # soft edges: one blend of all layers here, one after the other there
    if edges.any():
        assert difference[edges].mean() < 3


def test_any_order_of_pasting_gives_the_same_labels():
    group = synthetic_group(5, 3, (60, 90), 8)
    paste_settings = PasteSettings(**EVERYTHING_PASTED)
    pool, pastes, crops, colours = draw(6, group, paste_settings, ViewSettings())
    first = render_views(pool, pastes, crops, (60, 90), colours, 8)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(pastes.region))
        order = order[np.argsort(pastes.view[order], kind='stable')]
        other = render_views(pool, reorder(pastes, order), crops, (60, 90), colours, 8)
        np.testing.assert_array_equal(first.labels, other.labels)
        np.testing.assert_array_equal(first.disparity, other.disparity)
        assert np.abs(first.images.astype(int) - other.images).max() <= 1


def test_an_unchanged_paste_shows_exactly_the_source_pixels():
    group = synthetic_group(7, 2, (60, 90), 8)
    paste_settings = PasteSettings(
        scale_range=(1, 1), flip_prob=0, colour=NO_COLOUR_CHANGE, **{**EVERYTHING_PASTED, 'position_jitter': 0})
    pool, pastes, crops, colours = draw(8, group, paste_settings, UNCHANGED_VIEWS)
    mixed = render_views(pool, pastes, crops, (60, 90), colours, 8)
    inner = ~label_edges(mixed.labels)
    pasted = inner & (mixed.labels % 8 >= 2)
    assert pasted.sum() > 1000
    view, row, column = np.nonzero(inner & (mixed.labels >= 0))
    label = mixed.labels[view, row, column]
    sources = affine.apply(mixed.copies.from_view[label], np.stack([column + 0.5, row + 0.5], axis=1))
    np.testing.assert_array_equal(sources[:, 1], row + 0.5)  # no jitter: pastes move along the row
    x, y = sources.astype(int).T
    region = label // 8
    m = pool.image[region]
    np.testing.assert_array_equal(mixed.images[view, row, column], np.stack(group[0])[m, y, x])
    np.testing.assert_array_equal(np.stack(group[1])[m, y, x], region - pool.first_region[m])


def test_without_pastes_views_are_the_images():
    group = synthetic_group(9, 2, (40, 50), 5, holes=2)
    pool, pastes, crops, colours = draw(0, group, PasteSettings(cp_times=(0, 0)), UNCHANGED_VIEWS)
    mixed = render_views(pool, pastes, crops, (40, 50), colours, 2)
    for view in range(4):
        np.testing.assert_array_equal(mixed.images[view], group[0][view % 2])
        np.testing.assert_array_equal(mixed.disparity[view], group[2][view % 2])
        regions = group[1][view % 2]
        expected = np.where(regions == NO_REGION, NO_COPY, (regions + pool.first_region[view % 2]) * 2 + view // 2)
        np.testing.assert_array_equal(mixed.labels[view], expected)
    np.testing.assert_array_equal(mixed.copies.view.reshape(-1, 2), pool.image[:, None] + [0, 2])


def two_boxes(front, back):
    """One image: a white box of disparity ``front``, a black box of disparity ``back``, grey ground at
    0.1."""
    image, regions = np.full((64, 64, 3), 128, np.uint8), np.full((64, 64), NO_REGION, np.int32)
    disparity = np.full((64, 64), 0.1, np.float32)
    for index, (left, value, colour) in enumerate([(4, front, 255), (40, back, 0)]):
        box = np.s_[24:44, left:left + 20]
        image[box], regions[box], disparity[box] = colour, index, value
    return [image], [regions], [disparity]


def paste_at(lefts, scales, regions):
    count = len(regions)
    return Pastes(
        region=np.array(regions), copy=1 + np.arange(count), view=np.zeros(count, int), scale=np.array(scales, float),
        closeness=np.array(scales, float),
        flip=np.zeros(count, bool), left=np.array(lefts), top=np.full(count, 10),
        colour=sample_colours(np.random.default_rng(0), count, NO_COLOUR_CHANGE))


@pytest.mark.parametrize(('scales', 'winner'), [((1, 1), 0), ((1, 2), 1)])
def test_the_larger_disparity_times_scale_wins(scales, winner):
    pool = pool_regions(*two_boxes(0.6, 0.4))
    pastes = paste_at([30, 30], scales, [0, 1])
    no_change = sample_colours(np.random.default_rng(0), 1, NO_COLOUR_CHANGE)
    mixed = render_views(pool, pastes, np.eye(3)[None], (64, 64), no_change, 3)
    assert mixed.labels[0, 20, 40] == winner * 3 + 1 + winner
    assert mixed.images[0, 20, 40, 0] == (255, 0)[winner]
    assert mixed.disparity[0, 20, 40] == pytest.approx((0.6, 0.8)[winner])


def test_the_earlier_of_equally_close_pastes_stays():
    pool = pool_regions(*two_boxes(0.5, 0.5))
    no_change = sample_colours(np.random.default_rng(0), 1, NO_COLOUR_CHANGE)
    for regions in ([0, 1], [1, 0]):
        mixed = render_views(pool, paste_at([30, 30], [1, 1], regions), np.eye(3)[None], (64, 64), no_change, 3)
        assert mixed.labels[0, 20, 40] == regions[0] * 3 + 1


def test_soft_edges_of_a_straight_border():
    pool = pool_regions(*two_boxes(0.6, 0.4))
    no_change = sample_colours(np.random.default_rng(0), 1, NO_COLOUR_CHANGE)
    mixed = render_views(pool, paste_at([30], [1], [0]), np.eye(3)[None], (64, 64), no_change, 2)
    side = np.exp(-0.5) / (1 + 2 * np.exp(-0.5))
    # outside the paste, its colour beyond the region's border is the source's grey: only the inner pixel
    # mixes
    np.testing.assert_array_equal(mixed.images[0, 15, 29:31, 0], [128, round(255 - side * (255 - 128))])
    np.testing.assert_array_equal(mixed.images[0, 15, 31:33, 0], 255)


def test_a_paste_far_outside_or_covering_the_whole_view_is_fine():
    pool = pool_regions(*two_boxes(0.6, 0.4))
    no_change = sample_colours(np.random.default_rng(0), 1, NO_COLOUR_CHANGE)
    mixed = render_views(pool, paste_at([-500, 500], [1, 1], [0, 1]), np.eye(3)[None], (64, 64), no_change, 3)
    assert not (mixed.labels % 3 > 0)[mixed.labels >= 0].any()
    mixed = render_views(pool, paste_at([-400], [30], [0]), np.eye(3)[None], (64, 64), no_change, 2)
    np.testing.assert_array_equal(mixed.labels[0, 10:, :], 1)


def exact_means(image, left, top, step_x, step_y, size):
    """Means of (H, W, 3) ``image`` over the boxes (left + step·x, left + step·(x + 1)) and likewise in y, in float."""
    def weights(start, step, count, length):
        edges = start + step * np.arange(count + 1)
        cells = np.arange(length)
        return np.clip(np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells), 0, 1) / step

    rows, columns = weights(top, step_y, size[0], image.shape[0]), weights(left, step_x, size[1], image.shape[1])
    return np.einsum('ih,jw,hwc->ijc', rows, columns, image.astype(float))


@pytest.mark.parametrize('scale', [0.9, 0.7, 0.5, 1 / 3, 0.2])
@pytest.mark.parametrize('flip', [False, True])
def test_shrunk_pastes_show_the_mean_over_the_area_of_a_pixel(scale, flip):
    rng = np.random.default_rng(0)
    size = 96, 120
    image = rng.choice(np.array([0, 255], np.uint8), (*size, 3))
    regions = np.full(size, NO_REGION, np.int32)
    regions[8:88, 10:110] = 0
    pool = pool_regions(
        [image, np.zeros_like(image)], [regions, np.full(size, NO_REGION, np.int32)],
        [np.full(size, 0.5, np.float32), np.full(size, 0.01, np.float32)])
    paste = replace(
        paste_at([3], [scale], [0]), flip=np.array([flip]), top=np.array([2]), view=np.array([1]))
    no_change = sample_colours(rng, 2, NO_COLOUR_CHANGE)
    mixed = render_views(pool, paste, np.tile(np.eye(3), (2, 1, 1)), size, no_change, 2)
    # whole pixels of the view inside the paste, away from soft edges
    high, wide = int(80 * scale) - 3, int(100 * scale) - 3
    shown = mixed.images[1, 3:3 + high, 4:4 + wide]
    assert (mixed.labels[1, 3:3 + high, 4:4 + wide] == 1).all()
    step = 1 / scale
    left = 110 - step * (1 + wide) if flip else 10 + step
    expected = exact_means(image, left, 8 + step, step, step, (high, wide))
    np.testing.assert_allclose(shown[:, ::-1] if flip else shown, expected, atol=1)


def test_a_shrunk_axis_alone_is_averaged():
    """Views that are shrunk along one axis and magnified along the other; the border is repeated."""
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (60, 80, 3), np.uint8)
    pool = pool_regions([image], [np.zeros((60, 80), np.int32)], [np.full((60, 80), 0.5, np.float32)])
    nothing = replace(paste_at([], [], np.empty(0, int)), top=np.empty(0, int))
    no_change = sample_colours(rng, 1, NO_COLOUR_CHANGE)
    mixed = render_views(
        pool, nothing, affine.resize(80, 60, 32, 120)[None], (120, 32), no_change, 1)
    shrunk = exact_means(image, 0, 0, 2.5, 1, (60, 32))
    expected = cv2.resize(shrunk, (32, 120), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(mixed.images[0], expected, atol=1)


def test_shrinking_keeps_the_mean_of_a_fine_pattern():
    """A chequerboard of single pixels gets grey, not a moiré."""
    image = np.repeat(((np.indices((96, 96)).sum(0) % 2) * 255).astype(np.uint8)[..., None], 3, axis=2)
    pool = pool_regions([image], [np.zeros((96, 96), np.int32)], [np.full((96, 96), 0.5, np.float32)])
    nothing = replace(paste_at([], [], np.empty(0, int)), top=np.empty(0, int))
    for size in (48, 40, 24):
        no_change = sample_colours(np.random.default_rng(0), 1, NO_COLOUR_CHANGE)
        mixed = render_views(pool, nothing, affine.resize(96, 96, size, size)[None], (size, size), no_change, 1)
        assert np.abs(mixed.images[0].astype(float) - 127.5).max() <= 23


@pytest.mark.parametrize('scales', [(1, 1), (0.7, 0.7)])
def test_constant_disparity_ties_everywhere(scales):
    """Equally close candidates: the image stays before pastes of scale 1, the earlier paste before later ones."""
    rng = np.random.default_rng(3)
    images, regions, _ = synthetic_group(3, 2, (60, 90), 6)
    value = np.float32(0.3137)
    pool = pool_regions(images, regions, [np.full((60, 90), value)] * 2)
    crops = affine.compose(affine.resize(90, 60, 101, 83), affine.crop(4.3, 7.1))[None]
    pastes = paste_at([10.37, 14.81], scales, [0, 1])
    mixed = render_views(pool, pastes, crops, (60, 90), sample_colours(rng, 1, NO_COLOUR_CHANGE), 3)
    assert (mixed.disparity == value).all()
    assert not (mixed.labels % 3 > 0).any()
    larger = np.array([1.3, 1.3])
    closer = render_views(pool, replace(pastes, scale=larger, closeness=larger), crops, (60, 90),
                          sample_colours(rng, 1, NO_COLOUR_CHANGE), 3)
    assert np.unique(closer.disparity).tolist() == [value, np.float32(1.3) * value]


@pytest.mark.parametrize('value', [0, 1e-6, 0.5, 1])
def test_constant_disparity_shows_the_most_magnified_paste(value):
    images, regions, _ = synthetic_group(1, 3, (60, 90), 8, holes=1)
    group = images, regions, [np.full((60, 90), value, np.float32)] * 3
    paste_settings = PasteSettings(**EVERYTHING_PASTED)
    with np.errstate(all='raise'):
        pool, pastes, crops, colours = draw(2, group, paste_settings, ViewSettings())
        mixed = render_views(pool, pastes, crops, (60, 90), colours, 8)
        matches = sample_pixel_matches(np.random.default_rng(0), mixed.labels, mixed.copies, 50)
    pasted = (mixed.labels >= 0) & (mixed.labels % 8 >= 2)
    scale = np.ones(8 * pool.num_regions, np.float32)
    scale[pastes.region * 8 + pastes.copy] = pastes.scale
    shown = np.where(pasted, scale[np.maximum(mixed.labels, 0)], np.float32(1))
    assert pasted.any() == (value > 0) and len(matches.points)
    assert (shown[pasted] > 1).all()
    np.testing.assert_array_equal(mixed.disparity, shown * np.float32(value))
    backwards = np.lexsort([-np.arange(len(pastes.view)), pastes.view])
    again = render_views(pool, reorder(pastes, backwards), crops, (60, 90), colours, 8)
    np.testing.assert_array_equal(mixed.labels, again.labels)
