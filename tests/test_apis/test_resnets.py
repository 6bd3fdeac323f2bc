"""Kinds and names of ResNets, against the packages' own classes."""

import pytest
import torch
from mmpretrain.models.backbones import ResNet as MMPretrainResNet
from mmseg.models.backbones import ResNet as MMSegResNet

from mmdepthcp.apis.resnets import ResNetKind, parse_resnet, recognise_resnet, rename_stem
from mmdepthcp.utils.errors import InputError

NARROW = dict(base_channels=8, stem_channels=16)


@pytest.mark.parametrize('variant', [{}, dict(deep_stem=True), dict(deep_stem=True, avg_down=True)],
                         ids=['plain', 'V1c', 'V1d'])
@pytest.mark.parametrize('depth', [18, 34, 50, 101, 152])
def test_kinds_are_recognised(depth, variant):
    with torch.device('meta'):
        state = MMSegResNet(depth, **NARROW, **variant).state_dict()
    kind = recognise_resnet(state)
    assert kind == ResNetKind(depth, **NARROW, **variant)
    assert kind.stage_channels == [(4 if depth >= 50 else 1) * channels for channels in (8, 16, 32, 64)]


def test_other_networks_are_not_resnets():
    assert recognise_resnet({}) is None
    assert recognise_resnet({'patch_embed.weight': torch.zeros(1)}) is None
    with torch.device('meta'):
        state = MMSegResNet(18).state_dict()
    assert recognise_resnet({name: value for name, value in state.items() if not name.startswith('layer4.1')}) is None


def test_names():
    assert str(parse_resnet('resnet50')) == str(parse_resnet('ResNet-50')) == 'ResNet-50'
    assert parse_resnet('ResNetV1c-101') == ResNetKind(101, deep_stem=True)
    assert str(parse_resnet('resnetv1d-18')) == 'ResNetV1d-18'
    assert str(ResNetKind(18, base_channels=32, stem_channels=32)) == \
        'ResNet-18 (base_channels=32, stem_channels=32)'
    for name in ('ResNet-51', 'ResNeXt-50', 'resnet'):
        with pytest.raises(InputError, match='no such model'):
            parse_resnet(name)


def test_deep_stems_are_renamed_between_the_packages():
    torch.manual_seed(0)
    mmseg = MMSegResNet(18, deep_stem=True, **NARROW)
    mmpretrain = MMPretrainResNet(18, deep_stem=True, **NARROW)
    mmseg.eval()
    mmpretrain.eval()
    renamed = rename_stem(mmseg.state_dict(), 'mmpretrain')
    mmpretrain.load_state_dict(renamed)
    image = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(mmpretrain(image)[-1], mmseg(image)[-1])
    assert rename_stem(renamed, 'mmseg').keys() == mmseg.state_dict().keys()
    assert 'conv1.6.weight' in rename_stem(renamed, 'timm') and 'bn1.running_mean' in rename_stem(renamed, 'timm')
    plain = MMSegResNet(18, **NARROW).state_dict()
    assert rename_stem(plain, 'timm') == plain
