"""Backbones on their way to other packages."""

import copy
import importlib.util
import sys

import pytest
import torch
from mmengine.model import ExponentialMovingAverage
from mmengine.registry import DefaultScope
from mmpretrain.models.backbones import ResNet, VisionTransformer
from mmseg.models.backbones import ResNetV1c

from mmdepthcp.apis import export_backbone
from mmdepthcp.apis.resnets import parse_resnet
from mmdepthcp.apis.targets import TARGETS, build_target, split_parts
from mmdepthcp.models import DepthCP  # noqa: F401
from mmdepthcp.models.backbones import DINOViT
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.checkpoint import read_state_dict
from mmdepthcp.utils.errors import InputError

NARROW = dict(base_channels=8, stem_channels=8)
CONFIG = '''
model = dict(type='DepthCP', data_preprocessor=dict(
    type='DepthCPDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True))
train_dataloader = dict(dataset=dict(type='ImageGroupDataset', num_images=2, dataset=dict(
    type='CityscapesStreetDataset', data_root='data/cityscapes/', data_prefix=dict(img_path='leftImg8bit/train'))))
code = dict(version='0.1.0', commit='0123abc')
'''
META = dict(cfg=CONFIG, epoch=25, iter=1000, seed=3)


def depthcp(backbone='mmpretrain.ResNet'):
    with DefaultScope.overwrite_default_scope('mmdepthcp'):
        return MODELS.build(dict(
            type='DepthCP', num_clusters=3, num_prototypes=10, projection_channels=8,
            backbone=dict(type=backbone, depth=18, out_indices=(0, 1, 2, 3), **NARROW),
            neck=dict(type='mmseg.FPN', in_channels=[8, 16, 32, 64], out_channels=16, num_outs=4),
            decode_head=dict(
                type='SemanticFPNFeatures', in_channels=[16] * 4, channels=16,
                norm_cfg=dict(type='GN', num_groups=4))))


@pytest.fixture(scope='module')
def narrow(tmp_path_factory):
    """A runner's checkpoint of a DepthCP on a ResNet-18 of width 8."""
    path = tmp_path_factory.mktemp('narrow') / 'epoch_25.pth'
    torch.save(dict(state_dict=depthcp().state_dict(), meta=META, optimizer={}), path)
    return path


@pytest.fixture(scope='module')
def resnet50(tmp_path_factory):
    """A checkpoint of a full ResNet-50."""
    path = tmp_path_factory.mktemp('resnet50') / 'epoch_1.pth'
    state = {f'backbone.{name}': value for name, value in ResNet(50).state_dict().items()}
    torch.save(dict(state_dict=state), path)
    return path


def exported(path):
    return torch.load(path, weights_only=True)


@pytest.mark.parametrize(('target', 'parts', 'left_out'), [
    ('mmseg', {'backbone': 120, 'neck': 16, 'decode_head': 21}, {'projector', 'prototypes'}),
    ('mmdet', {'backbone': 120, 'neck': 16}, {'projector', 'prototypes', 'decode_head'}),
    ('mmpretrain', {'backbone': 120}, {'projector', 'prototypes', 'decode_head', 'neck'}),
])
def test_every_tensor_of_a_narrow_resnet_arrives(narrow, tmp_path, target, parts, left_out):
    report = export_backbone(narrow, tmp_path / 'out.pth', target)
    assert {part: len(fit.matched) for part, fit in report.fits.items()} == parts
    assert not any(fit.faults() or fit.unexpected for fit in report.fits.values())
    assert left_out <= report.left_out.keys()
    assert 'backbone: 120 of 120 tensors matched' in str(report)
    source = read_state_dict(narrow)
    state = exported(tmp_path / 'out.pth')['state_dict']
    assert len(state) == sum(parts.values())
    assert all(torch.equal(tensor, source[name]) for name, tensor in state.items())


@pytest.mark.parametrize('target', TARGETS)
def test_resnet50_fills_the_model_of_the_target(resnet50, tmp_path, target):
    if target == 'timm':
        pytest.importorskip('timm')
    report = export_backbone(resnet50, tmp_path / 'out.pth', target)
    assert len(report.fits['backbone'].matched) == 318 and not report.fits['backbone'].faults()
    state = exported(tmp_path / 'out.pth')['state_dict']
    model = build_target(target, parse_resnet('resnet50'), split_parts(state)[0])['backbone']
    bare = {name.removeprefix('backbone.'): tensor for name, tensor in state.items()}
    assert (bare == state) == (target in ('torchvision', 'timm'))
    model.load_state_dict(bare, strict=True)


def test_the_file_describes_itself(narrow, tmp_path):
    export_backbone(narrow, tmp_path / 'out.pth', 'mmseg', licence='CC BY-NC 4.0')
    meta = exported(tmp_path / 'out.pth')['meta']
    assert meta['method'] == 'DepthCP' and meta['commit'] == '0123abc'
    assert meta['data'] == ['CityscapesStreetDataset: data/cityscapes/leftImg8bit/train']
    assert (meta['epochs'], meta['iterations'], meta['seed']) == (25, 1000, 3)
    assert meta['normalisation'] == dict(
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], channels='RGB')
    assert meta['licence'] == 'CC BY-NC 4.0' and meta['target'] == 'mmseg' and not meta['averaged']
    assert meta['backbone'] == 'ResNet-18 (base_channels=8, stem_channels=8)'
    assert meta['source']['file'] == 'epoch_25.pth' and len(meta['source']['sha256']) == 64


def test_depth_networks_are_described(tmp_path):
    cfg = "model = dict(type='MonoDepth', data_preprocessor=dict(type='mmdepthcp.MonoDepthDataPreprocessor', std=.25))"
    state = {f'backbone.{name}': value for name, value in ResNet(18).state_dict().items()}
    torch.save(dict(state_dict={**state, 'pose_net.x': torch.zeros(1)}, meta=dict(cfg=cfg)), tmp_path / 'depth.pth')
    report = export_backbone(tmp_path / 'depth.pth', tmp_path / 'out.pth', 'torchvision')
    assert report.left_out == {'pose_net': 1}
    assert report.meta['normalisation'] == dict(mean=[114.75] * 3, std=[63.75] * 3, channels='RGB')
    assert report.meta['method'] == 'MonoDepth' and report.meta['commit'] == 'unknown'


def test_exporting_again_changes_nothing(narrow, tmp_path):
    export_backbone(narrow, tmp_path / 'once.pth', 'mmseg')
    export_backbone(tmp_path / 'once.pth', tmp_path / 'twice.pth', 'mmseg')
    once, twice = exported(tmp_path / 'once.pth'), exported(tmp_path / 'twice.pth')
    assert once['meta'] == twice['meta'] and once['state_dict'].keys() == twice['state_dict'].keys()
    assert all(torch.equal(tensor, twice['state_dict'][name]) for name, tensor in once['state_dict'].items())


def test_names_without_prefix_are_taken_back(resnet50, tmp_path):
    export_backbone(resnet50, tmp_path / 'bare.pth', 'torchvision')
    export_backbone(tmp_path / 'bare.pth', tmp_path / 'back.pth', 'mmseg')
    assert exported(tmp_path / 'back.pth')['state_dict'].keys() == read_state_dict(resnet50).keys()


def test_wrapped_and_averaged_models(narrow, tmp_path):
    model = depthcp()
    average = ExponentialMovingAverage(copy.deepcopy(model), momentum=.1)
    average.update_parameters(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    average.update_parameters(model)
    wrapped = {f'module.{name}': tensor for name, tensor in model.state_dict().items()}
    files = dict(ddp=dict(state_dict=wrapped), ema=dict(average.state_dict()),
                 runner=dict(state_dict=average.module.state_dict(), ema_state_dict=wrapped))
    read = {}
    for name, content in files.items():
        torch.save(content, tmp_path / f'{name}.pth')
        report = export_backbone(tmp_path / f'{name}.pth', tmp_path / 'out.pth', 'mmseg')
        assert report.meta['averaged'] == (name == 'runner')
        assert all(not fit.faults() for fit in report.fits.values())
        read[name] = exported(tmp_path / 'out.pth')['state_dict']['backbone.conv1.weight']
    assert torch.equal(read['ddp'], model.backbone.conv1.weight)
    assert torch.equal(read['ema'], average.module.backbone.conv1.weight)
    assert torch.equal(read['runner'], read['ema']) and not torch.equal(read['ema'], read['ddp'])


@pytest.mark.parametrize('target', ['mmseg', 'mmpretrain', 'timm'])
def test_deep_stems_take_the_names_of_the_target(tmp_path, target):
    if target == 'timm':
        pytest.importorskip('timm')
    state = ResNetV1c(depth=50).state_dict()
    torch.save({f'backbone.{name}': tensor for name, tensor in state.items()}, tmp_path / 'v1c.pth')
    report = export_backbone(tmp_path / 'v1c.pth', tmp_path / 'out.pth', target)
    assert report.model == 'ResNetV1c-50' and len(report.fits['backbone'].matched) == 330
    with pytest.raises(InputError, match='torchvision has no ResNetV1c-50'):
        export_backbone(tmp_path / 'v1c.pth', tmp_path / 'out.pth', 'torchvision')


TRANSFORMER = dict(arch='deit-tiny', img_size=32, patch_size=16, out_type='featmap', with_cls_token=True)


@pytest.fixture
def transformer(tmp_path):
    """A checkpoint of a segmentor on a small vision transformer, with its config."""
    state = {f'backbone.{name}': tensor for name, tensor in VisionTransformer(**TRANSFORMER).state_dict().items()}
    settings = ', '.join(f'{key}={value!r}' for key, value in TRANSFORMER.items())
    config = f"model = dict(type='Any', backbone=dict(type='mmpretrain.VisionTransformer', {settings}))"
    torch.save(dict(state_dict=state, meta=dict(cfg=config)), tmp_path / 'vit.pth')
    return tmp_path / 'vit.pth'


def test_a_transformer_is_exported_as_its_config_builds_it(transformer, tmp_path):
    report = export_backbone(transformer, tmp_path / 'out.pth', 'mmpretrain')
    assert report.model == 'VisionTransformer' and not report.fits['backbone'].faults()
    source, state = read_state_dict(transformer), exported(tmp_path / 'out.pth')['state_dict']
    assert state.keys() == source.keys() and all(torch.equal(state[name], source[name]) for name in state)
    takers = 'mmpretrain' if importlib.util.find_spec('timm') is None else 'mmpretrain or timm'
    for target, complaint in (('torchvision', 'names the tensors of a VisionTransformer in its own way'),
                              ('mmseg', r'has another VisionTransformer than the checkpoint \(.*\)')):
        with pytest.raises(InputError, match=f'vit.pth: {target} {complaint}; choose {takers}$'):
            export_backbone(transformer, tmp_path / f'{target}.pth', target)


DINO = dict(arch=dict(embed_dims=24, num_layers=3, num_heads=2, feedforward_channels=48), img_size=32, patch_size=8)


def dino(folder, wrap='{}', prefix='backbone.', **settings):
    """A DINOViT, and a checkpoint of a model that has it, perhaps within frozen features."""
    torch.manual_seed(0)
    model = DINOViT(**DINO, **settings).eval()
    torch.nn.init.normal_(model.pos_embed)
    backbone = wrap.format({'type': 'mmdepthcp.DINOViT', **DINO, **settings})
    state = {f'{prefix}{name}': tensor for name, tensor in model.state_dict().items()}
    torch.save(dict(state_dict={**state, 'decode_head.conv_seg.bias': torch.zeros(3)}, meta=dict(
        cfg=f"model = dict(type='mmdepthcp.DepthG', backbone={backbone})")), folder / 'dino.pth')
    return model


FROZEN = "dict(type='FrozenFeatures', pool=2, backbone={})"


@pytest.mark.parametrize(('wrap', 'prefix'), [('{}', 'backbone.'), (FROZEN, 'backbone.backbone.')])
@pytest.mark.parametrize('settings', [
    {}, dict(legacy_pos_resize=True, layer_scale_init_value=.5, out_indices=(1, -1))])
def test_our_transformer_becomes_the_stock_one(tmp_path, wrap, prefix, settings):
    model = dino(tmp_path, wrap, prefix, **settings)
    report = export_backbone(tmp_path / 'dino.pth', tmp_path / 'out.pth', 'mmpretrain')
    assert report.model == 'VisionTransformer' and report.left_out == {'decode_head': 1}
    fit = report.fits['backbone']
    assert len(fit.matched) == fit.wanted == len(model.state_dict()) and not fit.unexpected
    kwargs = {key: list(value) if key == 'out_indices' else value for key, value in settings.items()
              if key != 'legacy_pos_resize'}
    stock = VisionTransformer(**DINO, out_type='featmap', **kwargs)
    stock.eval()
    stock.load_state_dict({name.removeprefix('backbone.'): tensor for name, tensor
                           in exported(tmp_path / 'out.pth')['state_dict'].items()}, strict=True)
    images = torch.rand(2, 3, 32, 32)
    assert all(map(torch.equal, stock(images), model(images)))


@pytest.mark.parametrize('settings', [{}, dict(layer_scale_init_value=.5)])
def test_our_transformer_becomes_that_of_timm(tmp_path, settings):
    transformers = pytest.importorskip('timm.models.vision_transformer')
    model = dino(tmp_path, FROZEN, 'backbone.backbone.', **settings)
    report = export_backbone(tmp_path / 'dino.pth', tmp_path / 'out.pth', 'timm')
    assert not report.fits['backbone'].faults() and not report.fits['backbone'].unexpected
    stock = transformers.VisionTransformer(
        img_size=32, patch_size=8, embed_dim=24, depth=3, num_heads=2, mlp_ratio=2, num_classes=0,
        init_values=1 if settings else None).eval()
    stock.load_state_dict(exported(tmp_path / 'out.pth')['state_dict'], strict=True)
    images = torch.rand(2, 3, 32, 32)
    tokens = stock.forward_features(images)[:, 1:].mT.unflatten(2, (4, 4))
    torch.testing.assert_close(tokens, model(images)[-1], atol=1e-5, rtol=1e-4)


def test_a_transformer_that_timm_has_in_another_way(tmp_path):
    pytest.importorskip('timm')
    dino(tmp_path, norm_cfg=dict(type='LN', eps=1e-3))
    with pytest.raises(InputError, match=r'timm may compute something else .* with norm_cfg; choose mmpretrain$'):
        export_backbone(tmp_path / 'dino.pth', tmp_path / 'out.pth', 'timm')


def test_frozen_features_hold_a_network_of_their_own(narrow, tmp_path):
    state = {f'backbone.{name}': tensor for name, tensor in read_state_dict(narrow).items()
             if not name.startswith(('projector', 'prototypes'))}
    torch.save(dict(state_dict={**state, 'decode_head.conv_seg.weight': torch.zeros(3)}), tmp_path / 'probe.pth')
    report = export_backbone(tmp_path / 'probe.pth', tmp_path / 'out.pth', 'mmseg')
    assert {part: len(fit.matched) for part, fit in report.fits.items()} == dict(backbone=120, neck=16, decode_head=21)
    assert report.left_out == {'decode_head': 1, 'feature_sums': 1}
    report = export_backbone(tmp_path / 'probe.pth', tmp_path / 'out.pth', 'mmpretrain')
    assert report.left_out == {'decode_head': 22, 'feature_sums': 1, 'neck': 16}


def test_what_nobody_knows_is_refused(transformer, tmp_path):
    content = torch.load(transformer, weights_only=True)
    torch.save(dict(state_dict=content['state_dict']), tmp_path / 'bare.pth')
    with pytest.raises(InputError, match='no config that says what else it is'):
        export_backbone(tmp_path / 'bare.pth', tmp_path / 'out.pth', 'mmpretrain')
    content['meta']['cfg'] = "model = dict(backbone=dict(type='os.system', command='touch run'))"
    torch.save(content, tmp_path / 'hostile.pth')
    with pytest.raises(InputError, match='mmpretrain has no system; no target takes it'):
        export_backbone(tmp_path / 'hostile.pth', tmp_path / 'out.pth', 'mmpretrain')


def test_pretraining_with_the_deep_stem(tmp_path):
    model = depthcp('mmseg.ResNetV1c')
    assert model(torch.zeros(2, 3, 32, 64), mode='tensor').shape == (2, 8, 8, 16)
    torch.save(model.state_dict(), tmp_path / 'v1c.pth')
    export_backbone(tmp_path / 'v1c.pth', tmp_path / 'out.pth', 'mmseg')
    state = exported(tmp_path / 'out.pth')['state_dict']
    stock = ResNetV1c(depth=18, **NARROW)
    stock.load_state_dict({name.removeprefix('backbone.'): tensor for name, tensor in state.items()
                           if name.startswith('backbone.')}, strict=True)


@pytest.mark.parametrize(('model', 'complaint'), [
    ('ResNet-101', r'318 of 624 tensors \(51\.0%\) of the ResNet-101 of mmpretrain: the checkpoint holds a ResNet-50, '
                   r'not a ResNet-101\. missing: layer3\.6\.conv1\.weight'),
    ('ResNet-18', r'the checkpoint holds a ResNet-50, not a ResNet-18'),
    ('ResNetV1c-50', r'312 of 330 tensors \(94\.5%\).*differ in the stem.*missing: stem\.0\.conv\.weight'),
])
def test_another_resnet_is_refused(resnet50, tmp_path, model, complaint):
    with pytest.raises(InputError, match=complaint):
        export_backbone(resnet50, tmp_path / 'out.pth', 'mmpretrain', model=model)
    assert not any(tmp_path.iterdir())


def test_one_percent_may_be_missing(tmp_path):
    state = {f'backbone.{name}': tensor for name, tensor in ResNet(18).state_dict().items()}
    del state['backbone.bn1.running_mean']
    torch.save(state, tmp_path / 'a.pth')
    report = export_backbone(tmp_path / 'a.pth', tmp_path / 'out.pth', 'torchvision')
    assert report.fits['backbone'].missing == ('bn1.running_mean',)
    assert '119 of 120 tensors matched; missing: bn1.running_mean' in str(report)
    del state['backbone.bn1.running_var']
    torch.save(state, tmp_path / 'a.pth')
    with pytest.raises(InputError, match=r'118 of 120 tensors \(98\.3%\)'):
        export_backbone(tmp_path / 'a.pth', tmp_path / 'out.pth', 'torchvision')


def test_counters_may_be_missing(tmp_path):
    """Files of PyTorch before 0.4.1, some of torchvision's among them, have no num_batches_tracked."""
    state = {name: tensor for name, tensor in ResNet(50).state_dict().items() if 'num_batches' not in name}
    torch.save(state, tmp_path / 'old.pth')
    report = export_backbone(tmp_path / 'old.pth', tmp_path / 'out.pth', 'mmseg')
    assert len(report.fits['backbone'].matched) == report.fits['backbone'].wanted == 265


def test_unusable_checkpoints(narrow, tmp_path):
    torch.save({'backbone.patch_embed.weight': torch.zeros(2)}, tmp_path / 'vit.pth')
    with pytest.raises(InputError, match=r'vit\.pth: holds no ResNet'):
        export_backbone(tmp_path / 'vit.pth', tmp_path / 'out.pth', 'mmseg')
    with pytest.raises(InputError, match='is the checkpoint itself'):
        export_backbone(narrow, narrow, 'mmseg')
    with pytest.raises(InputError, match='no such checkpoint file'):
        export_backbone(tmp_path / 'none.pth', tmp_path / 'out.pth', 'mmseg')
    with pytest.raises(InputError, match='keras: no such target'):
        export_backbone(narrow, tmp_path / 'out.pth', 'keras')
    with pytest.raises(InputError, match=r'torchvision has no ResNet-18 \(base_channels=8'):
        export_backbone(narrow, tmp_path / 'out.pth', 'torchvision')


def test_a_missing_timm_is_named(resnet50, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'timm', None)
    with pytest.raises(ImportError, match='pip install timm'):
        export_backbone(resnet50, tmp_path / 'out.pth', 'timm')
