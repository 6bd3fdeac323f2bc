from __future__ import annotations

import pytest
import torch
from mmengine.registry import init_default_scope

import mmdepthcp.models
from mmdepthcp.models.backbones import hypercolumns
from mmdepthcp.models.features import dense_features
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError


@pytest.fixture
def model() -> mmdepthcp.models.depth.DepthRegressor:
    init_default_scope('mmdepthcp')
    return MODELS.build(dict(
        type='DepthRegressor', backbone=dict(type='DepthResNet', depth=18, base_channels=8, stem_channels=8),
        decode_head=dict(type='DepthDecoder', in_channels=(8, 8, 16, 32, 64), channels=(4, 5, 6, 7, 8)))).eval()


@pytest.mark.parametrize('level', range(5))
def test_levels_of_the_decoder_of_a_depth_network(model, level):
    frames = torch.rand(2, 1, 3, 64, 96)
    found = dense_features(model, dict(network=frames), f'decoder{level}')
    assert found.shape == (2, 4 + level, 64 // 2 ** level, 96 // 2 ** level) and not found.requires_grad
    with torch.no_grad():
        sigmas = model(dict(network=frames))
        if level < len(sigmas):
            assert torch.equal(model.decode_head.predict[level](found).sigmoid(), sigmas[level])


def test_backbone_of_a_depth_network_and_what_it_does_not_have(model):
    frames = torch.rand(1, 1, 3, 64, 64)
    with torch.no_grad():
        expected = hypercolumns(model.backbone(frames[:, 0]))
    assert torch.equal(dense_features(model, dict(network=frames)), expected)
    with pytest.raises(InputError, match=r'DepthRegressor has no neck; the sources are backbone, decoder0'):
        dense_features(model, dict(network=frames), 'neck')


@pytest.mark.parametrize('stage', [1, 2, 3, 4])
def test_stages_are_counted_from_the_last(model, stage):
    frames = torch.rand(1, 1, 3, 64, 64)
    with torch.no_grad():
        expected = model.backbone(frames[:, 0])[stage]
    assert torch.equal(dense_features(model, dict(network=frames), f'stage{stage}'), expected)


def test_a_stage_that_the_backbone_does_not_give(model):
    model.backbone.forward = lambda images: (images,)
    frames = torch.rand(1, 1, 3, 64, 64)
    assert torch.equal(dense_features(model, dict(network=frames), 'stage4'), frames[:, 0])
    with pytest.raises(InputError, match=r'gives 1 map\(s\), of which the last is stage4; there is no stage3'):
        dense_features(model, dict(network=frames), 'stage3')
