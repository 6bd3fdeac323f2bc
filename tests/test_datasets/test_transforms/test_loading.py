from __future__ import annotations

import cv2
import numpy as np
import pytest

from mmdepthcp.datasets.transforms import (
    CentreSquare,
    LoadDisparity,
    LoadImage,
    LoadLabels,
    LoadRegions,
    ResizeStreet,
)
from mmdepthcp.datasets.transforms.loading import resize_known_disparity
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import NO_REGION, write_disparity, write_regions


@pytest.fixture
def item(tmp_path):
    """A complete item of 12x8 pixels."""
    rng = np.random.default_rng(0)
    cv2.imwrite(str(tmp_path / 'image.png'), rng.integers(0, 255, (8, 12, 3), np.uint8))
    cv2.imwrite(str(tmp_path / 'label.png'), rng.integers(0, 3, (8, 12), np.uint8))
    write_disparity(tmp_path / 'disparity.png', rng.random((8, 12)))
    write_regions(tmp_path / 'regions.png', rng.integers(0, 5, (8, 12)))
    return dict(img_path=str(tmp_path / 'image.png'), seg_map_path=str(tmp_path / 'label.png'),
                disparity_path=str(tmp_path / 'disparity.png'), region_path=str(tmp_path / 'regions.png'),
                label_map=None, reduce_zero_label=False, seg_fields=[])


def load(item, *transforms):
    for transform in (LoadImage(), *transforms):
        item = transform(item)
    return item


def test_everything_is_loaded(item):
    results = load(item, LoadDisparity(), LoadRegions(), LoadLabels())
    assert results['img'].dtype == np.uint8 and results['img_shape'] == results['ori_shape'] == (8, 12)
    assert results['disparity'].dtype == np.float32 and results['regions'].dtype == np.int32
    assert results['gt_seg_map'].shape == (8, 12) and results['seg_fields'] == ['gt_seg_map']


def test_resizing_brings_all_to_one_raster_but_labels(item, tmp_path):
    write_disparity(tmp_path / 'disparity.png', np.full((16, 24), .25))
    results = load(item, LoadDisparity(), LoadRegions(), LoadLabels(), ResizeStreet((6, 4)))
    assert results['img'].shape == (4, 6, 3)
    assert results['disparity'].shape == results['regions'].shape == (4, 6)
    assert results['gt_seg_map'].shape == (8, 12)
    assert results['img_shape'] == (4, 6) and results['ori_shape'] == (8, 12)
    assert results['scale_factor'] == (.5, .5)
    np.testing.assert_allclose(results['disparity'], .25, atol=1e-5)


def test_disparity_as_a_field_is_on_the_raster_of_the_image(item, tmp_path):
    disparity = np.repeat(np.linspace(.1, .9, 24)[None], 16, 0)
    disparity[:, :4] = 0
    write_disparity(tmp_path / 'disparity.png', disparity)
    results = load(item, LoadDisparity(as_field=True), LoadLabels())
    assert results['seg_fields'] == ['gt_depth_map', 'gt_seg_map'] and 'disparity' not in results
    depth = results['gt_depth_map']
    assert depth.shape == (8, 12) and depth.dtype == np.float32 and not depth[:, :2].any() and depth[:, 2:].all()
    np.testing.assert_allclose(depth[:, 2:], disparity[::2, 4:].reshape(8, 10, 2).mean(2), atol=1e-4)
    assert results['disparity_range'] == pytest.approx((disparity[0, 4], .9), abs=1e-4)


@pytest.mark.parametrize('shrink', [ResizeStreet((4, 8)), CentreSquare(4)])
def test_disparity_is_the_mean_of_known_pixels(shrink):
    row = np.array([[1e-6, .5, .5, .7, 1e-6, 1e-6, .3, .1]], np.float32)
    disparity = np.repeat(row, 8, 0)
    results = shrink(dict(img=np.zeros((8, 8, 3), np.uint8), disparity=disparity, disparity_valid=disparity > 1e-6))
    np.testing.assert_allclose(results['disparity'][0], [.5, .6, 1e-6, .2], rtol=1e-6)
    assert results['disparity_valid'][0].tolist() == [True, True, False, True]
    assert results['disparity'].dtype == np.float32 and results['disparity_valid'].dtype == bool


@pytest.mark.parametrize('scale', [(4, 3), (5, 4), (30, 20), (12, 8)])
def test_known_pixels_against_sums_of_weights(scale):
    rng = np.random.default_rng(2)
    disparity, valid = rng.random((8, 12), np.float32), rng.random((8, 12)) > .4
    units = np.eye(96, dtype=np.float32).reshape(96, 8, 12)
    weights = np.stack([cv2.resize(unit, scale, interpolation=cv2.INTER_LINEAR) for unit in units], -1)
    share = weights[..., valid.ravel()].sum(-1)
    mean = (weights * np.where(valid, disparity, 0).ravel()).sum(-1) / np.maximum(share, 1e-9)
    found, known = resize_known_disparity(disparity, valid, scale)
    np.testing.assert_array_equal(known, share > .4999)
    np.testing.assert_allclose(found, np.where(known, mean, 1e-6), rtol=1e-4)


@pytest.mark.parametrize('scale', [(6, 4), (5, 3), (24, 16), (12, 8)])
def test_disparity_known_everywhere_is_resized_as_it_is(scale):
    disparity = np.random.default_rng(3).random((8, 12), np.float32)
    item = dict(img=np.zeros((8, 12, 3), np.uint8), disparity=disparity)
    plain = cv2.resize(disparity, scale, interpolation=cv2.INTER_LINEAR)
    alone, beside = (ResizeStreet(scale)(dict(item, **mask)) for mask in ({}, dict(disparity_valid=disparity >= 0)))
    for results in (alone, beside):
        np.testing.assert_array_equal(results['disparity'], plain)
    assert beside['disparity_valid'].all() and 'disparity_valid' not in alone


def test_shrinking_averages_the_image():
    image = np.zeros((4, 4, 3), np.uint8)
    image[:2, :2] = [[[10] * 3, [20] * 3], [[30] * 3, [40] * 3]]
    results = ResizeStreet((2, 2))(dict(img=image))
    assert results['img'][0, 0].tolist() == [25] * 3


@pytest.mark.parametrize('scale', [(6, 4), (24, 16), (36, 24), (12, 8)])
def test_regions_take_the_nearest_pixel_centre(scale):
    rng = np.random.default_rng(1)
    regions = rng.integers(0, 300, (8, 12)).astype(np.int32)
    regions[0, 0] = NO_REGION
    results = ResizeStreet(scale)(dict(img=np.zeros((8, 12, 3), np.uint8), regions=regions))
    rows = ((np.arange(scale[1]) + .5) * 8 / scale[1]).astype(int)
    columns = ((np.arange(scale[0]) + .5) * 12 / scale[0]).astype(int)
    if 12 % scale[0]:
        np.testing.assert_array_equal(results['regions'], regions[np.ix_(rows, columns)])
    assert results['regions'].dtype == np.int32
    assert set(np.unique(results['regions'])) <= set(np.unique(regions))


@pytest.mark.parametrize(('key', 'transform', 'tool'), [
    ('disparity_path', LoadDisparity(), 'infer_depth.py'), ('region_path', LoadRegions(), 'group_regions.py')])
def test_missing_and_unusable_files(item, key, transform, tool):
    path = item[key]
    square = np.full((8, 8), 1000, np.uint16)
    contents = dict(
        empty=b'', corrupt=b'\x89PNG\r\n\x1a\nrubbish',
        eight_bit=cv2.imencode('.png', square.astype(np.uint8))[1].tobytes(),
        coloured=cv2.imencode('.png', np.dstack([square] * 3))[1].tobytes(),
        other_shape=cv2.imencode('.png', square)[1].tobytes())
    for name, content in contents.items():
        with open(path, 'wb') as file:
            file.write(content)
        with pytest.raises(InputError, match=tool) as caught:
            load(dict(item), transform)
        assert path in str(caught.value), name
    assert item['img_path'] in str(caught.value)
    with pytest.raises(InputError, match=tool):
        load(dict(item, **{key: path + 'x.png'}), transform)
    del item[key]
    with pytest.raises(InputError, match=key):
        load(item, transform)


def test_disparity_of_zero_everywhere(item):
    write_disparity(item['disparity_path'], np.zeros((8, 12)))
    with pytest.raises(InputError, match='zero everywhere'):
        load(item, LoadDisparity())


@pytest.mark.parametrize('content', [b'', b'rubbish', b'\x89PNG\r\n\x1a\nrubbish'])
def test_unusable_images_and_labels(item, content):
    for key, transforms in (('seg_map_path', [LoadLabels()]), ('img_path', [])):
        with open(item[key], 'wb') as file:
            file.write(content)
        with pytest.raises(InputError) as caught:
            load(dict(item), *transforms)
        assert item[key] in str(caught.value)


def test_labels_of_another_size_or_missing(item):
    cv2.imwrite(item['seg_map_path'], np.zeros((8, 10), np.uint8))
    with pytest.raises(InputError, match='must agree'):
        load(dict(item), LoadLabels())
    with pytest.raises(InputError, match='no such label file'):
        load(dict(item, seg_map_path='nowhere.png'), LoadLabels())


def test_labels_that_are_no_class(item):
    labels = np.full((8, 12), 255, np.uint8)
    labels[3, 4] = 2
    cv2.imwrite(item['seg_map_path'], labels)
    load(dict(item, num_classes=3), LoadLabels())
    load(dict(item, num_classes=0), LoadLabels())
    with pytest.raises(InputError, match=r'holds the label 2, but the data set has 2 classes \(0\.\.1, 255'):
        load(dict(item, num_classes=2), LoadLabels())


def _save(item, stored, dtype=np.uint8):
    assert cv2.imwrite(item['seg_map_path'], np.resize(np.array(stored, dtype), (8, 12)))


def test_labels_of_16_bits(item):
    _save(item, [0, 1, 255], np.uint16)
    loaded = load(dict(item, num_classes=2, seg_fields=[]), LoadLabels())['gt_seg_map']
    assert loaded.dtype == np.uint8 and np.unique(loaded).tolist() == [0, 1, 255]
    for value in (256, 257, 26001, 65535):  # 256 and 257 were cut to 0 and 1
        _save(item, [0, 1, value], np.uint16)
        for classes in (0, 2):
            with pytest.raises(InputError, match=rf'label\.png: holds the label {value}, but'):
                load(dict(item, num_classes=classes), LoadLabels())
        with pytest.raises(InputError, match=f'holds the label {value}, but the labels of this data set are 0, 1, and'):
            load(dict(item, label_map={0: 1, 1: 0}), LoadLabels())


def test_labels_in_colour(item):
    cv2.imwrite(item['seg_map_path'], np.zeros((8, 12, 3), np.uint8))
    with pytest.raises(InputError, match=r'label\.png: labels are class indices in a PNG with one channel'):
        load(dict(item), LoadLabels())


def test_zero_may_mean_no_class(item):
    _save(item, [0, 1, 2, 255])
    loaded = load(dict(item, num_classes=2, reduce_zero_label=True), LoadLabels())['gt_seg_map']
    assert loaded[0, :4].tolist() == [255, 0, 1, 255]


def test_disparity_that_is_the_same_everywhere_is_reported_and_counted(item, notices):
    transform = LoadDisparity()
    load(dict(item), transform)
    assert not notices
    write_disparity(item['disparity_path'], np.full((8, 12), .5))
    for _ in range(12):
        load(dict(item), transform)
    assert len(notices) == 2 and item['disparity_path'] in notices[0]
    assert '; 1 such files' in notices[0] and '; 10 such files' in notices[1]
