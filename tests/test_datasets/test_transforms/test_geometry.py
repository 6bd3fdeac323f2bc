"""Flips, resizing and crops that take along what lies beside the image."""

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.models import SegDataPreProcessor
from mmdepthcp.registry import MODELS, TRANSFORMS
from mmdepthcp.utils.errors import InputError

WIDTH, HEIGHT = 48, 32
KEYS = ('gt_seg_map', 'disparity', 'regions', 'gt_depth_map')


@pytest.fixture(autouse=True)
def scope():
    register_modules()
    init_default_scope('mmdepthcp')


def columns():
    """Everything shows the number of its column."""
    image = np.tile(np.arange(WIDTH), (HEIGHT, 1))
    return dict(
        img=np.dstack([image] * 3).astype(np.uint8), gt_seg_map=image.astype(np.uint8), seg_fields=['gt_seg_map'],
        disparity=image.astype(np.float32), disparity_valid=image >= 10, regions=image.astype(np.int32),
        gt_depth_map=image.astype(np.float32), img_shape=(HEIGHT, WIDTH), ori_shape=(HEIGHT, WIDTH))


def check(results):
    assert results['seg_fields'] == ['gt_seg_map'] and results['disparity_valid'].dtype == bool
    for key in KEYS:
        assert results[key].dtype == columns()[key].dtype
        np.testing.assert_array_equal(results[key], results['img'][..., 0])
    np.testing.assert_array_equal(results['disparity_valid'], results['img'][..., 0] >= 10)


def test_flip():
    results = TRANSFORMS.build(dict(type='RandomFlip', prob=1.0))(columns())
    assert results['img'][0, 0, 0] == WIDTH - 1
    check(results)


def test_crop():
    results = TRANSFORMS.build(dict(type='RandomCrop', crop_size=(16, 20)))(columns())
    assert results['img'].shape == (16, 20, 3)
    check(results)


def test_resize():
    results = TRANSFORMS.build(dict(type='Resize', scale=(WIDTH // 2, HEIGHT // 2), interpolation='nearest'))(columns())
    assert results['img'].shape == (HEIGHT // 2, WIDTH // 2, 3)
    check(results)


def test_crop_of_another_raster_is_refused():
    results = dict(columns(), disparity=np.zeros((4, 6), np.float32))
    with pytest.raises(InputError, match=r'disparity is of shape \(4, 6\), the image \(32, 48\); bring them to one'):
        TRANSFORMS.build(dict(type='RandomCrop', crop_size=(16, 20)))(results)


def test_depth_is_unknown_where_images_are_padded():
    packed = [TRANSFORMS.build(dict(type='mmseg.PackSegInputs'))(columns()) for _ in range(2)]
    preprocessor = MODELS.build(dict(type='SegDataPreProcessor', size=(40, 64), pad_val=0, seg_pad_val=255))
    assert isinstance(preprocessor, SegDataPreProcessor)
    data = dict(inputs=[item['inputs'] for item in packed], data_samples=[item['data_samples'] for item in packed])
    for sample in preprocessor(data, training=True)['data_samples']:
        depth, labels = sample.gt_depth_map.data[0], sample.gt_sem_seg.data[0]
        assert depth.shape == labels.shape == (40, 64)
        assert not depth[HEIGHT:].any() and not depth[:, WIDTH:].any() and (labels[HEIGHT:] == 255).all()
        assert torch.equal(depth[:HEIGHT, :WIDTH], torch.arange(WIDTH).float().expand(HEIGHT, WIDTH))
