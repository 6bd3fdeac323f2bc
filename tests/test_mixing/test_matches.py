from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.plain.copy_paste import find_pixel_matches
from benchmarks.plain.synthetic import synthetic_group
from mmdepthcp.geometry import affine
from mmdepthcp.mixing import (
    NO_COPY,
    PasteSettings,
    pool_regions,
    render_views,
    sample_pastes,
    sample_pixel_matches,
    sample_region_matches,
)
from mmdepthcp.mixing.matches import _uniform_points
from mmdepthcp.utils.images import NO_REGION
from mmdepthcp.views import sample_colours
from mmdepthcp.views.colour import NO_COLOUR_CHANGE
from mmdepthcp.views.crops import ViewSettings, sample_view_crops

SIZE = (60, 90)


def mix(seed, num_images=2, cp_times=(2, 2), regions=8, holes=1, size=SIZE):
    group = synthetic_group(seed, num_images, size, regions, holes)
    paste_settings = PasteSettings(
        cp_times=cp_times, min_height=4, min_width=4, min_side=6, min_pasted=4, position_jitter=4,
        colour=NO_COLOUR_CHANGE)
    rng = np.random.default_rng(seed)
    pool = pool_regions(*group)
    num_views = num_images * len(cp_times)
    pastes = sample_pastes(rng, pool, paste_settings)
    crops = sample_view_crops(rng, num_views, size, ViewSettings())
    colours = sample_colours(rng, num_views, NO_COLOUR_CHANGE)
    return render_views(pool, pastes, crops, size, colours, paste_settings.copies_per_region)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000), num_images=st.integers(1, 3),
    cp_times=st.lists(st.integers(0, 3), min_size=1, max_size=3), regions=st.integers(2, 9), holes=st.integers(0, 1))
def test_pixel_matches_equal_a_plain_search(seed, num_images, cp_times, regions, holes):
    mixed = mix(seed, num_images, tuple(cp_times), regions, holes)
    copies = mixed.copies
    found = sample_pixel_matches(np.random.default_rng(1), mixed.labels, copies, 40)
    points = _uniform_points(np.random.default_rng(1), mixed.labels, 40).reshape(-1, 2)
    views = np.repeat(np.arange(len(mixed.labels)), 40)
    groups = find_pixel_matches(points, views, mixed.labels, copies.per_region, copies.view, copies.to_view)
    expected = [(index, *place) for index, places in enumerate(groups) for place in places]
    assert len(found.groups) == len(expected)
    for row, (group, view, x, y) in enumerate(expected):
        assert (found.groups[row], found.views[row]) == (group, view)
        np.testing.assert_allclose(found.points[row], (x, y), atol=1e-3)


def test_matching_pixels_map_into_each_other_and_agree_in_colour():
    mixed = mix(3, num_images=3, size=(96, 160))
    found = sample_pixel_matches(np.random.default_rng(2), mixed.labels, mixed.copies, 300)
    assert len(np.unique(found.groups)) > 200
    column, row = found.points.astype(int).T
    label = mixed.labels[found.views, row, column]
    sources = affine.apply(mixed.copies.from_view[label], found.points)
    first = np.searchsorted(found.groups, found.groups)  # groups are in order
    np.testing.assert_array_equal(label // mixed.copies.per_region, label[first] // mixed.copies.per_region)
    np.testing.assert_allclose(sources, sources[first], atol=1e-3)
    there_and_back = affine.apply(
        mixed.copies.to_view[label],
        affine.apply(mixed.copies.from_view[label[first]],
                     affine.apply(mixed.copies.to_view[label[first]], sources)))
    np.testing.assert_allclose(there_and_back, found.points, atol=1e-3)
    # colours at pixel centres, away from soft edges; half a pixel of a shrunk paste is several source pixels
    magnified = np.abs(mixed.copies.to_view[label, 0, 0]) > 0.6
    colours = mixed.images[found.views, row, column].astype(int)
    difference = np.abs(colours - colours[first]).max(1)[magnified & magnified[first]]
    assert np.median(difference) <= 4 and np.mean(difference) < 12


def test_every_group_is_seen_in_two_views_and_ids_are_compact():
    mixed = mix(4, num_images=3)
    for found in (
        sample_pixel_matches(np.random.default_rng(0), mixed.labels, mixed.copies, 200),
        sample_region_matches(np.random.default_rng(0), mixed.labels, mixed.copies, 200),
    ):
        np.testing.assert_array_equal(np.unique(found.groups), np.arange(found.groups.max() + 1))
        assert found.points.dtype == np.float32 and found.views.dtype == found.groups.dtype == np.int64
        assert (found.points >= 0).all() and (found.points < [SIZE[1], SIZE[0]]).all()
        assert found.views.min() >= 0 and found.views.max() < len(mixed.labels)
    pixel = sample_pixel_matches(np.random.default_rng(0), mixed.labels, mixed.copies, 200)
    for group in range(pixel.groups.max() + 1):
        assert len(set(pixel.views[pixel.groups == group])) >= 2


@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), num_images=st.integers(1, 3), regions=st.integers(2, 9), holes=st.integers(0, 1))
def test_region_matches_equal_a_plain_look_up(seed, num_images, regions, holes):
    mixed = mix(seed, num_images, regions=regions, holes=holes)
    found = sample_region_matches(np.random.default_rng(1), mixed.labels, mixed.copies, 40)
    expected = []
    for view, points in enumerate(_uniform_points(np.random.default_rng(1), mixed.labels, 40)):
        for x, y in points:
            label = mixed.labels[view, int(y), int(x)]
            if label != NO_COPY:
                expected.append((view, x, y, label // mixed.copies.per_region))
    order = sorted({region for *_, region in expected})
    assert [(*place,) for place in zip(found.views, *found.points.T, found.groups, strict=True)] == [
        (view, x, y, order.index(region)) for view, x, y, region in expected]


def test_region_matches_group_all_copies_of_a_region():
    mixed = mix(5, num_images=2)
    found = sample_region_matches(np.random.default_rng(0), mixed.labels, mixed.copies, 500)
    column, row = found.points.astype(int).T
    region = mixed.labels[found.views, row, column] // mixed.copies.per_region
    assert (region >= 0).all()
    for group in np.unique(found.groups):
        assert len(set(region[found.groups == group])) == 1
    assert len(np.unique(found.groups)) == len(np.unique(region))
    share = (mixed.labels != NO_COPY).mean()
    assert len(found.groups) / (500 * len(mixed.labels)) == pytest.approx(share, abs=0.05)


def test_views_without_regions_give_no_matches():
    images, maps, disparities = synthetic_group(6, 1, (20, 30), 3)
    maps[0][:] = NO_REGION
    pool = pool_regions(images, maps, disparities)
    rng = np.random.default_rng(0)
    no_change = sample_colours(rng, 2, NO_COLOUR_CHANGE)
    mixed = render_views(
        pool, sample_pastes(rng, pool, PasteSettings()), np.tile(np.eye(3), (2, 1, 1)), (20, 30), no_change, 8)
    assert len(sample_pixel_matches(rng, mixed.labels, mixed.copies, 10).groups) == 0
    assert len(sample_region_matches(rng, mixed.labels, mixed.copies, 10).groups) == 0
