"""Flips, resizing and crops that take along what lies beside the image."""

import mmseg.registry
import numpy as np
import pytest
import torch
from mmengine import registry as root
from mmengine.registry import DefaultScope, init_default_scope

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.datasets import StreetDataset
from mmdepthcp.datasets.transforms import ResizeShortSide
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


@pytest.mark.parametrize('settings', [
    dict(type='Pad', size=(64, 40)), dict(type='CenterCrop', crop_size=(64, 40), auto_pad=True),
    dict(type='mmdepthcp.CenterCrop', crop_size=(64, 40), auto_pad=True, pad_cfg=dict(type='Pad', pad_val=0)),
])
@pytest.mark.parametrize('name', ['mmdepthcp', 'mmseg'])
def test_maps_are_unknown_where_they_are_padded(settings, name):
    settings = dict(settings, type=f"mmdepthcp.{settings['type'].rpartition('.')[2]}")
    with DefaultScope.overwrite_default_scope(name):
        results = TRANSFORMS.build(settings)(columns())
    assert results['seg_fields'] == ['gt_seg_map'] and results['disparity_valid'].dtype == bool
    known = {key: results[key][:HEIGHT, :WIDTH] for key in ('img', 'disparity_valid', *KEYS)}
    check(dict(results, **known))
    values = dict(disparity=np.float32(1e-6), disparity_valid=False, regions=65535, gt_depth_map=0, gt_seg_map=255)
    for key, value in values.items():
        assert results[key].shape == (40, 64) and results[key].dtype == columns()[key].dtype
        assert (results[key][HEIGHT:] == value).all() and (results[key][:, WIDTH:] == value).all()


@pytest.mark.parametrize('name', ['RandomCrop', 'Pad', 'CenterCrop'])
def test_another_raster_is_refused(name):
    results = dict(columns(), disparity=np.zeros((4, 6), np.float32))
    step = TRANSFORMS.build(dict(type=name, **{'size' if name == 'Pad' else 'crop_size': (20, 16)}))
    with pytest.raises(InputError, match=rf'disparity is of shape \(4, 6\), .* one raster before {name}, with'):
        step(results)


def test_the_short_side_with_maps():
    results = ResizeShortSide(HEIGHT // 2)(columns())
    for key in ('img', 'disparity', 'disparity_valid', 'regions'):
        assert results[key].shape[:2] == (HEIGHT // 2, WIDTH // 2)


def test_scores_at_the_size_of_the_network():
    """Of labels that were shrunk with the image, as the published scores of few labels are."""
    results = columns()
    for step in (dict(type='Resize', scale=(WIDTH // 2, HEIGHT // 2)), dict(type='ScoreAtThisSize'),
                 dict(type='mmseg.PackSegInputs')):
        results = TRANSFORMS.build(step)(results)
    sample = results['data_samples']
    assert sample.ori_shape == sample.img_shape == sample.gt_sem_seg.shape == (HEIGHT // 2, WIDTH // 2)


half = (WIDTH // 2, HEIGHT // 2)
resize, flip = dict(type='Resize', scale=half, interpolation='nearest'), dict(type='RandomFlip', prob=1.0)
FOLLOW = {
    'Resize': resize, 'RandomFlip': flip, 'CenterCrop': dict(crop_size=half), 'Pad': dict(size=(WIDTH, HEIGHT)),
    'RandomResize': dict(scale=half, ratio_range=(.5, 2), interpolation='nearest'),
    'RandomChoiceResize': dict(scales=[half], interpolation='nearest'),
    'MultiScaleFlipAug': dict(transforms=[lambda results: dict(inputs=results, data_sample=0)], scales=[half],
                              resize_cfg=resize),
    'TestTimeAug': dict(transforms=[[resize], [flip]]), 'Compose': dict(transforms=[flip]),
    'RandomApply': dict(transforms=[flip]), 'RandomChoice': dict(transforms=[[flip], [resize]]),
    'KeyMapper': dict(transforms=[flip]),
    'mmseg.ResizeShortestEdge': dict(scale=16, max_size=99)}
"""What moves pixels or holds others that do, and takes the maps along."""
LEFT_BEHIND = {
    'mmseg.Resize': resize, 'mmseg.RandomFlip': flip, 'mmseg.RandomCrop': dict(crop_size=(16, 20)),
    'mmseg.RandomRotate': dict(prob=1, degree=30), 'mmseg.RandomRotFlip': {}, 'mmseg.ResizeToMultiple': {},
    'mmseg.RandomMosaic': dict(prob=1), 'mmseg.BioMedical3DPad': dict(pad_shape=(8, 64, 64)),
    'mmseg.BioMedical3DRandomCrop': dict(crop_shape=(8, 8, 8)), 'mmseg.BioMedical3DRandomFlip': dict(prob=1, axes=(0,))}
STAY = set('''
    ImageToTensor LoadAnnotations LoadImageFromFile Normalize RandomGrayscale ToTensor TransformBroadcaster
    mmseg.AdjustGamma mmseg.BioMedicalGaussianBlur mmseg.BioMedicalGaussianNoise mmseg.BioMedicalRandomGamma mmseg.CLAHE
    mmseg.ConcatCDInput mmseg.GenerateEdge mmseg.InferencerLoader mmseg.LoadAnnotations mmseg.LoadBiomedicalAnnotation
    mmseg.LoadBiomedicalData mmseg.LoadBiomedicalImageFromFile mmseg.LoadDepthAnnotation mmseg.LoadImageFromNDArray
    mmseg.LoadImageFromNpyFile mmseg.LoadMultipleRSImageFromFile mmseg.LoadSingleRSImageFromFile mmseg.PackSegInputs
    mmseg.PhotoMetricDistortion mmseg.RGB2Gray mmseg.RandomCutOut mmseg.RandomDepthMix mmseg.Rerange mmseg.SegRescale
    mmseg.Albu mmseg.LoadOneDLAnnotations
'''.split())
"""What does not; Albu, which needs a package of its own; and what hands parts of items on to others."""


def test_every_transform_of_mmcv_and_mmseg_is_known():
    of_mmcv = {name for name, kind in root.TRANSFORMS.module_dict.items() if kind.__module__.startswith('mmcv.')}
    registered = {*of_mmcv, *(f'mmseg.{name}' for name in mmseg.registry.TRANSFORMS.module_dict)}
    assert registered - STAY == FOLLOW.keys() | LEFT_BEHIND.keys()


def street(folder, *steps, loaded=None):
    (folder / 'images').mkdir(exist_ok=True)
    (folder / 'images/0.png').touch()
    return StreetDataset(data_root=str(folder), data_prefix=dict(img_path='images'), pipeline=[
        dict(type='mmdepthcp.LoadImage'), dict(type='mmdepthcp.LoadDisparity', **(loaded or {})), *steps])


@pytest.mark.parametrize('name', FOLLOW)
def test_maps_follow(name, tmp_path):
    settings = dict(FOLLOW[name], type=name)
    street(tmp_path, settings)
    results = TRANSFORMS.build(settings)(columns())
    if name == 'mmseg.ResizeShortestEdge':
        assert all(results[key].shape[:2] == (16, 24) for key in ('img', *KEYS))
    elif name == 'TestTimeAug':
        check({key: values[0] for key, values in results.items()})
    elif name == 'MultiScaleFlipAug':
        check(results['inputs'][0])
    else:
        check(results)


@pytest.mark.parametrize('name', LEFT_BEHIND)
def test_what_leaves_maps_behind_is_refused(name, tmp_path):
    settings = dict(LEFT_BEHIND[name], type=name)
    kind = name.partition('.')[2]
    remedy = f"write type='mmdepthcp.{kind}'" if kind in ('Resize', 'RandomFlip', 'RandomCrop') else 'leave it out'
    for step in (settings, dict(type='RandomApply', transforms=[settings])):
        with pytest.raises(InputError, match=f'StreetDataset: pipeline: {name} moves .* where they were; {remedy}'):
            street(tmp_path, step)
    StreetDataset(data_root=str(tmp_path), data_prefix=dict(img_path='images'), pipeline=[settings])


def test_in_the_scope_of_mmseg_its_own_are_refused(tmp_path):
    with DefaultScope.overwrite_default_scope('mmseg'):
        for step in (flip, dict(type='RandomResize', scale=half), dict(type='TestTimeAug', transforms=[[flip]])):
            with pytest.raises(InputError, match="write type='mmdepthcp"):
                street(tmp_path, step)
        street(tmp_path, dict(flip, type='mmdepthcp.RandomFlip'))


def fields():
    """What LoadDisparity(as_field=True) gives: the column, as a share of the width, in image, labels and disparity."""
    image = np.tile(np.arange(WIDTH), (HEIGHT, 1))
    return dict(img=np.dstack([image] * 3).astype(np.uint8), gt_seg_map=image.astype(np.uint8),
                gt_depth_map=(image / WIDTH).astype(np.float32), seg_fields=['gt_seg_map', 'gt_depth_map'],
                img_shape=(HEIGHT, WIDTH), ori_shape=(HEIGHT, WIDTH))


@pytest.mark.parametrize('package', ['mmseg.', ''])
def test_disparity_as_a_field_goes_through_a_pipeline_of_mmseg(package, tmp_path):
    """mmseg's own transforms, and ours, which bare names mean in our scope."""
    steps = [dict(type=f'{package}Resize', scale=(2 * WIDTH, 2 * HEIGHT), interpolation='nearest'),
             dict(type=f'{package}RandomFlip', prob=1.), dict(type=f'{package}RandomCrop', crop_size=(16, 20))]
    street(tmp_path, *steps, loaded=dict(as_field=True))
    results = fields()
    for step in steps:
        results = TRANSFORMS.build(step)(results)
    image = results['img'][..., 0]
    assert image.shape == (16, 20) and results['flip'] and image[0, 0] > image[0, -1]
    np.testing.assert_array_equal(results['gt_seg_map'], results['img'][..., 0])
    np.testing.assert_allclose(results['gt_depth_map'] * WIDTH, results['img'][..., 0], rtol=1e-6)
    sample = TRANSFORMS.build(dict(type='mmseg.PackSegInputs'))(results)['data_samples']
    assert sample.gt_depth_map.data.shape == (1, 16, 20) and sample.gt_depth_map.data.dtype == torch.float32


def test_the_flip_of_mmcv_leaves_it_behind_and_is_refused(tmp_path):
    from mmcv.transforms import RandomFlip

    left = RandomFlip(prob=1.)(fields())
    assert not np.allclose(left['gt_depth_map'] * WIDTH, left['img'][..., 0])
    for step in (dict(type=RandomFlip, prob=1.), dict(type='mmseg.RandomRotate', prob=1, degree=9)):
        with pytest.raises(InputError, match='leaves disparity and regions where they were'):
            street(tmp_path, step, loaded=dict(as_field=True))
    with pytest.raises(InputError, match=r"write type='mmdepthcp\.RandomFlip'"):
        street(tmp_path, dict(type='mmseg.RandomFlip', prob=1.), dict(type='mmdepthcp.LoadRegions'),
               loaded=dict(as_field=True))


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
