"""A checkpoint of a DepthCP of few channels, with the config of its training, for tests."""

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmdepthcp.models import DepthCP  # noqa: F401
from mmdepthcp.registry import MODELS

CONFIG = '''
default_scope = 'mmdepthcp'
model = dict(
    type='DepthCP', num_clusters=3, num_prototypes=10, projection_channels=8,
    backbone=dict(type='mmpretrain.ResNet', depth=18, out_indices=(0, 1, 2, 3), base_channels=8, stem_channels=8,
                  init_cfg=dict(type='Pretrained', checkpoint='long_gone.pth', prefix='backbone.')),
    neck=dict(type='mmseg.FPN', in_channels=[8, 16, 32, 64], out_channels=16, num_outs=4),
    decode_head=dict(
        type='SemanticFPNFeatures', in_channels=[16] * 4, channels=16, norm_cfg=dict(type='GN', num_groups=4)))
test_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadImage'), dict(type='ResizeStreet', scale=(64, 32)), dict(type='LoadLabels'),
    dict(type='mmseg.PackSegInputs')]))
'''


def write_checkpoint(folder, config=CONFIG):
    """The path of a checkpoint with random weights."""
    torch.manual_seed(1)
    with DefaultScope.overwrite_default_scope('mmdepthcp'):
        model = MODELS.build(Config.fromstring(config, '.py').model)
    path = folder / 'epoch_1.pth'
    torch.save(dict(state_dict=model.state_dict(), meta=dict(cfg=config)), path)
    return path
