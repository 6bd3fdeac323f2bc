"""Checkpoints written before modules and configs moved (their layout, at commit e3e23bc~1) serve as before."""

import hashlib

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from mmdepthcp.apis import UnsupervisedSegInferencer, export_backbone
from mmdepthcp.config.text import read_config_text
from mmdepthcp.models import DepthCP  # noqa: F401
from mmdepthcp.registry import MODELS

CONFIG = '''
auto_scale_lr = dict(base_batch_size=1, enable=False)
custom_hooks = [
    dict(type='PretrainedCheckHook'),
    dict(type='EpochSeedHook'),
    dict(interval=100, type='SwAVMonitorHook'),
]
custom_imports = dict(imports=['mmdepthcp.instances', 'mmdepthcp.models.sync_batch_norm'])
default_hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=2, type='mmdepthcp.CheckpointHook'))
default_scope = 'mmdepthcp'
depth_config = 'configs/monodepth_toy.py'
model = dict(
    backbone=dict(
        base_channels=8, depth=18, out_indices=(0, 1, 2, 3), stem_channels=8, type='mmpretrain.ResNet'),
    data_preprocessor=dict(
        bgr_to_rgb=True, mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], type='DepthCPDataPreprocessor'),
    decode_head=dict(
        channels=16, in_channels=[16, 16, 16, 16], norm_cfg=dict(num_groups=4, type='GN'), type='SemanticFPNFeatures'),
    neck=dict(in_channels=[8, 16, 32, 64], num_outs=4, out_channels=16, type='mmseg.FPN'),
    num_clusters=3,
    num_prototypes=10,
    projection_channels=8,
    type='DepthCP')
sync_bn = 'torch'
test_dataloader = dict(
    dataset=dict(
        data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
        data_root='data/toy/',
        pipeline=[
            dict(type='LoadImage'),
            dict(scale=(64, 32), type='ResizeStreet'),
            dict(type='LoadLabels'),
            dict(type='mmseg.PackSegInputs'),
        ],
        type='ToyStreetDataset'),
    sampler=dict(shuffle=False, type='DefaultSampler'))
test_evaluator = dict(type='UnsupervisedSegMetric')
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            data_prefix=dict(img_path='data/toy/leftImg8bit/train', region_path='work_dirs/depthcp_toy/regions'),
            type='ToyStreetDataset'),
        num_images=4,
        pipeline=[
            dict(pastes=dict(cp_times=(2, 4), min_height=4), type='CopyPaste'),
            dict(pixel_points=500, region_points=900, type='SampleMatches'),
            dict(type='PackMixedViews'),
        ],
        type='ImageGroupDataset'),
    sampler=dict(shuffle=True, type='EpochSampler'))
'''
NAMES = 'ddc40f17b8d89192'
"""Digest of names and shapes that the old code gave this model's tensors."""


@pytest.fixture(scope='module')
def weights():
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdepthcp'):
        return MODELS.build(read_config_text(CONFIG, 'old')['model']).state_dict()


@pytest.fixture(scope='module')
def checkpoint(weights, tmp_path_factory):
    path = tmp_path_factory.mktemp('old') / 'epoch_10.pth'
    torch.save(dict(state_dict=weights, meta=dict(cfg=CONFIG, epoch=10, iter=600, mmengine_version='0.10.7')), path)
    return path


def test_tensors_have_their_names(weights):
    lines = sorted(f'{name} {tuple(tensor.shape)}' for name, tensor in weights.items())
    assert hashlib.sha256('\n'.join(lines).encode()).hexdigest().startswith(NAMES)


def test_the_inferencer_takes_the_config_in_it(checkpoint, weights):
    inferencer = UnsupervisedSegInferencer(checkpoint, device='cpu')
    assert all(torch.equal(tensor, weights[name]) for name, tensor in inferencer.model.state_dict().items())
    image = np.random.default_rng(0).integers(0, 256, (32, 64, 3), np.uint8)
    assert set(np.unique(inferencer(image)['predictions'])) <= {0, 1, 2}


def test_export_finds_all_of_its_backbone(checkpoint, tmp_path):
    report = export_backbone(checkpoint, tmp_path / 'out.pth', 'mmseg')
    assert {part: len(fit.matched) for part, fit in report.fits.items()} == dict(backbone=120, neck=16, decode_head=21)
