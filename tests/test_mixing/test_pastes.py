from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchmarks.plain.synthetic import synthetic_group
from mmdepthcp.geometry import affine
from mmdepthcp.mixing import PasteSettings, pool_regions, sample_pastes
from mmdepthcp.mixing.pastes import Pastes, mean_disparity, paste_maps, pasteable_regions, scale_interval
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import NO_REGION
from mmdepthcp.views.crops import ViewSettings, sample_view_crops


def pool_of_boxes(boxes, size=(384, 768)):
    """One image with a region for each (left, top, width, height)."""
    regions = np.full(size, NO_REGION, np.int32)
    for index, (left, top, width, height) in enumerate(boxes):
        regions[top:top + height, left:left + width] = index
    return pool_regions([np.full((*size, 3), 90, np.uint8)], [regions], [np.full(size, 0.5, np.float32)])


def test_regions_too_small_or_covering_everything_are_not_pasted():
    boxes = [
        (0, 0, 40, 15),  # too low
        (50, 0, 5, 200),  # too narrow
        (60, 0, 31, 31),  # both sides short
        (100, 0, 6, 32),  # a pole: kept
        (120, 0, 32, 16),  # kept
    ]
    np.testing.assert_array_equal(pasteable_regions(pool_of_boxes(boxes), PasteSettings()), [3, 4])
    assert len(pasteable_regions(pool_of_boxes([(5, 5, 753, 369)]), PasteSettings())) == 0
    assert len(pasteable_regions(pool_of_boxes([(5, 5, 752, 369)]), PasteSettings())) == 1
    none = sample_pastes(np.random.default_rng(0), pool_of_boxes([(0, 0, 768, 384)]), PasteSettings())
    assert len(none.region) == 0


def test_scale_interval_keeps_sizes_and_side_of_the_horizon():
    boxes = [
        (0, 20, 100, 100),  # above: bottom 120 may move up to the picture's edge: s <= 192 / 72
        (200, 272, 100, 100),  # below: top 272, s <= 191 / 80
        (400, 142, 100, 100),  # across the horizon
        (600, 182, 16, 20),  # at least 8 px: s >= 0.5
        (700, 2, 16, 30),  # 192 / 160 < 2
    ]
    smallest, largest = scale_interval(pool_of_boxes(boxes), np.arange(5), PasteSettings(scale_range=(0.2, 3)))
    np.testing.assert_allclose(smallest, [0.2, 0.2, 0.2, 0.5, 0.5])
    np.testing.assert_allclose(largest, [192 / 72, 191 / 80, 3, 3, 192 / 160])
    smallest, largest = scale_interval(
        pool_of_boxes([(0, 0, 700, 100)]), np.arange(1), PasteSettings(scale_range=(3, 4)))
    assert (smallest[0], largest[0]) == (1, 1)


def test_every_pasteable_region_is_dealt_out_as_often_as_asked():
    pool = pool_regions(*synthetic_group(0, 3, (96, 160), 12))
    settings = PasteSettings(cp_times=(2, 0, 3))
    pastes = sample_pastes(np.random.default_rng(1), pool, settings)
    candidates = pasteable_regions(pool, settings)
    assert settings.copies_per_region == 8
    pairs = sorted(zip(pastes.region.tolist(), pastes.copy.tolist(), strict=True))
    assert pairs == [(k, c) for k in candidates for c in range(3, 8)]
    assert (np.diff(pastes.view) >= 0).all()
    np.testing.assert_array_equal(pastes.view // 3, np.where(pastes.copy < 5, 0, 2))
    for number, times in enumerate(settings.cp_times):
        dealt = np.bincount(pastes.view[pastes.view // 3 == number] % 3, minlength=3)
        assert dealt.sum() == times * len(candidates) and np.ptp(dealt) <= 1


def test_draws_follow_their_ranges():
    pool = pool_of_boxes([(300, 172, 60, 60)])
    settings = PasteSettings(cp_times=(20_000,))
    pastes = sample_pastes(np.random.default_rng(2), pool, settings)
    assert 0.2 <= pastes.scale.min() and pastes.scale.max() <= 2
    # uniform in depth: the median of 1 / s lies in the middle of 0.5..5
    assert np.median(1 / pastes.scale) == pytest.approx(2.75, abs=0.05)
    expected_top = np.trunc((172 - 192) * pastes.scale + 192)
    jitter = pastes.top - expected_top
    assert (jitter.min(), jitter.max()) == (-16, 16)
    width = np.ceil(60 * pastes.scale)
    assert (pastes.left >= 1 - width).all() and pastes.left.max() == 767
    assert pastes.flip.mean() == pytest.approx(0.5, abs=0.02)


def test_pastes_into_their_own_images():
    pool = pool_regions(*synthetic_group(0, 3, (96, 160), 12))
    settings = PasteSettings(cp_times=(2, 1), target='own')
    pastes = sample_pastes(np.random.default_rng(1), pool, settings)
    np.testing.assert_array_equal(pool.image[pastes.region], pastes.view % 3)
    pairs = sorted(zip(pastes.region.tolist(), pastes.copy.tolist(), strict=True))
    assert pairs == [(k, c) for k in pasteable_regions(pool, settings) for c in range(2, 5)]
    assert (np.diff(pastes.view) >= 0).all()


def test_random_placement_knows_no_horizon():
    pool = pool_of_boxes([(300, 372, 60, 10)])  # at the lower border: in perspective it may not grow
    settings = PasteSettings(cp_times=(20_000,), min_side=8, min_height=8)
    perspective, anywhere = (sample_pastes(np.random.default_rng(2), pool, replace(settings, placement=name))
                             for name in ('perspective', 'random'))
    assert perspective.scale.max() < 1.1
    assert np.median(anywhere.scale) == pytest.approx((.8 + 2) / 2, abs=.02) and anywhere.scale.min() >= .8
    assert perspective.top.min() > 192 and anywhere.top.min() < -5 and anywhere.top.max() > 370
    shown = anywhere.top + np.ceil(10 * anywhere.scale)
    assert shown.min() > 0 and anywhere.top.max() < 384


def test_random_order_exchanges_disparities():
    regions = np.full((96, 192), NO_REGION, np.int32)
    disparity = np.full((96, 192), .5, np.float32)
    for index, value in enumerate((.1, .2, .8)):
        box = np.s_[20:80, 60 * index:60 * index + 50]
        regions[box], disparity[box] = index, value
    pool = pool_regions([np.zeros((96, 192, 3), np.uint8)], [regions], [disparity])
    np.testing.assert_allclose(mean_disparity(pool), (.1, .2, .8), rtol=1e-6)
    settings = PasteSettings(cp_times=(3000,))
    by_disparity = sample_pastes(np.random.default_rng(0), pool, settings)
    np.testing.assert_array_equal(by_disparity.closeness, by_disparity.scale)
    pastes = sample_pastes(np.random.default_rng(0), pool, replace(settings, order='random'))
    np.testing.assert_array_equal(pastes.scale, by_disparity.scale)
    shown = pastes.closeness * mean_disparity(pool)[pastes.region]
    for region in range(3):
        values, counts = np.unique(shown[pastes.region == region].round(4), return_counts=True)
        np.testing.assert_allclose(values, (.1, .2, .8))
        np.testing.assert_allclose(counts / 3000, 1 / 3, atol=.05)


@pytest.mark.parametrize('name', ['target', 'placement', 'order'])
def test_unknown_words_are_refused(name):
    with pytest.raises(InputError, match=f"{name} must be one of .*, got 'elsewhere'"):
        PasteSettings(**{name: 'elsewhere'})


def test_worked_numbers_of_a_paste():
    pool = pool_of_boxes([(10, 20, 4, 40)])
    paste = Pastes(
        region=np.array([0]), copy=np.array([2]), view=np.array([0]), scale=np.array([1.5]), closeness=np.array([1.5]),
        flip=np.array([True]), left=np.array([30]), top=np.array([-66]), colour=None)
    to_view = paste_maps(pool, paste)[0]
    np.testing.assert_allclose(to_view, [[-1.5, 0, 51], [0, 1.5, -96], [0, 0, 1]])
    np.testing.assert_allclose(affine.apply(to_view, (11, 22)), (34.5, -63))


@pytest.mark.parametrize('size', [None, (50, 120), (90, 60)])
def test_view_crops_lie_inside_the_image(size):
    settings = ViewSettings(size=size)
    height, width = size or (64, 128)
    crops = sample_view_crops(np.random.default_rng(3), 200, (64, 128), settings)
    corners = affine.apply(affine.invert(crops)[:, None], [[0, 0], [width, height]])
    assert corners.min() > -1e-9
    assert corners[..., 0].max() < 128 + 1e-9 and corners[..., 1].max() < 64 + 1e-9
    flipped = crops[:, 0, 0] < 0
    assert 0.3 < flipped.mean() < 0.7
    assert (np.abs(crops[:, 0, 0]) >= width / 128 - 1e-9).all() and (crops[:, 1, 1] >= height / 64 - 1e-9).all()
    if size is None:
        area = np.abs(crops[:, 0, 0]) * crops[:, 1, 1]
        assert 1 <= area.min() and area.max() < 2.05


def plain_view_crops(rng, count, image_size, view_size):
    """One view after the other: sides after resizing, corner of the crop, flip."""
    (height, width), (view_height, view_width) = image_size, view_size
    for _ in range(count):
        area, aspect = rng.uniform(1, 2), rng.uniform(3 / 4, 4 / 3)
        new_width = max(round(width * (area * aspect) ** 0.5), view_width)
        new_height = max(round(height * (area / aspect) ** 0.5), view_height)
        left, top = rng.integers(new_width - view_width + 1), rng.integers(new_height - view_height + 1)
        yield new_width, new_height, left, top, rng.random() < 0.5


@pytest.mark.parametrize('view_size', [(384, 768), (300, 400)])
def test_view_crops_are_distributed_as_specified(view_size):
    count = 40_000
    crops = sample_view_crops(np.random.default_rng(0), count, (384, 768), ViewSettings(size=view_size))
    wide, high, left, top, flipped = np.array(
        list(plain_view_crops(np.random.default_rng(1), count, (384, 768), view_size))).T
    flip = crops[:, 0, 0] < 0
    our_wide, our_high = np.rint(768 * np.abs(crops[:, 0, 0])), np.rint(384 * crops[:, 1, 1])
    our_left = np.rint(np.where(flip, crops[:, 0, 2] - view_size[1], -crops[:, 0, 2]))
    assert flip.mean() == pytest.approx(flipped.mean(), abs=0.02)
    for name, ours, plain in [
            ('width', our_wide, wide), ('height', our_high, high), ('area', our_wide * our_high, wide * high),
            ('ratio', our_wide / our_high, wide / high), ('left', our_left, left),
            ('top', np.rint(-crops[:, 1, 2]), top)]:
        assert stats.ks_2samp(ours, plain).statistic < 0.02, name


def test_unusable_settings_are_refused():
    with pytest.raises(InputError, match='cp_times'):
        PasteSettings(cp_times=())
    with pytest.raises(InputError, match='scale_range'):
        PasteSettings(scale_range=(0, 1))
