"""Pretrained backbones give the same features wherever they go."""

import json
import subprocess
import sys

import pytest
import torch
from mmpretrain.models.backbones import ResNet

import mmdepthcp
from mmdepthcp.apis import onnx_export
from mmdepthcp.apis.onnx_export import STAGES, export_onnx
from mmdepthcp.utils.errors import InputError

HALF = dict(base_channels=32, stem_channels=32)
KINDS = {'half ResNet-18': dict(depth=18, **HALF), 'half ResNet-50': dict(depth=50, **HALF),
         'ResNet-18': dict(depth=18), 'ResNet-50': dict(depth=50)}
CONFIG = '''
model = dict(type='DepthCP', data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375],
             bgr_to_rgb=True), backbone=dict(type='mmpretrain.ResNet', depth=18))
'''


@pytest.fixture(scope='module', params=KINDS)
def trained(request, tmp_path_factory):
    """A network that has seen something, in evaluation mode, and its checkpoint."""
    torch.manual_seed(0)
    model = ResNet(**KINDS[request.param], out_indices=(0, 1, 2, 3))
    for name, tensor in model.state_dict().items():
        if 'running_mean' in name:
            tensor.normal_(0, .2)
        elif 'running_var' in name or name.endswith(('bn1.weight', 'bn2.weight', 'bn3.weight')):
            tensor.uniform_(.5, 1.5)
    model.eval()
    path = tmp_path_factory.mktemp('trained') / 'epoch_1.pth'
    state = {f'backbone.{name}': tensor for name, tensor in model.state_dict().items()}
    torch.save(dict(state_dict=state, meta=dict(cfg=CONFIG)), path)
    return model, path


def stages(model, images):
    """Maps of the four stages of timm's or torchvision's ResNet."""
    maps = model.maxpool(getattr(model, 'act1', getattr(model, 'relu', None))(model.bn1(model.conv1(images))))
    found = []
    for number in range(1, 5):
        maps = getattr(model, f'layer{number}')(maps)
        found.append(maps)
    return found


def assert_same(found, expected):
    assert len(found) == len(expected) == 4
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
        assert other.abs().max() > .1


@pytest.mark.parametrize('framework', ['timm', 'torchvision', 'mmseg', 'mmdet', 'mmpretrain'])
def test_features_are_those_of_the_training(trained, framework):
    pytest.importorskip(framework)
    model, path = trained
    if framework == 'torchvision' and model.base_channels != 64:
        with pytest.raises(InputError, match=r'epoch_1.pth: torchvision has no ResNet-[15][80] \(base_channels=32.*; '
                                             r'choose mmseg or .*timm$'):
            mmdepthcp.load_backbone(path, framework)
        return
    backbone = mmdepthcp.load_backbone(path, framework)
    assert isinstance(backbone, torch.nn.Module) and not backbone.training
    assert type(backbone).__module__.partition('.')[0] == framework
    images = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        expected = model(images)
        assert_same(stages(backbone, images) if framework in ('timm', 'torchvision') else backbone(images), expected)
        if framework in ('timm', 'torchvision'):
            torch.testing.assert_close(backbone(images), expected[-1].mean((2, 3)), atol=1e-4, rtol=1e-4)


def test_timm_builds_it_by_a_line(tmp_path):
    timm = pytest.importorskip('timm')
    torch.manual_seed(0)
    model = ResNet(18, **HALF)
    model.eval()
    torch.save({f'backbone.{name}': tensor for name, tensor in model.state_dict().items()}, tmp_path / 'half.pth')
    report = mmdepthcp.export_backbone(tmp_path / 'half.pth', tmp_path / 'timm.pth', 'timm')
    assert not report.fits['backbone'].faults() and not report.fits['backbone'].unexpected
    found = timm.create_model(
        'resnet18', channels=(32, 64, 128, 256), num_classes=0, checkpoint_path=str(tmp_path / 'timm.pth'))
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(found.eval().forward_features(images), model(images)[0], atol=1e-4, rtol=1e-4)


def test_without_mmdet_there_is_no_backbone_of_it(trained, monkeypatch):
    monkeypatch.setitem(sys.modules, 'mmdet.models', None)
    with pytest.raises(ImportError, match=r'mmdepthcp needs mmdet\.models'):
        mmdepthcp.load_backbone(trained[1], 'mmdet')


def test_onnx_gives_the_same_for_any_number_and_size(trained, tmp_path):
    onnx, runtime = pytest.importorskip('onnx'), pytest.importorskip('onnxruntime')
    model, path = trained
    report = export_onnx(path, tmp_path / 'out.onnx', size=(64, 96), licence='CC0')
    assert report.difference < 1e-4 and f'{report.difference:.1e} at most' in str(report)
    facts = {entry.key: entry.value for entry in onnx.load(str(tmp_path / 'out.onnx')).metadata_props}
    assert json.loads(facts['normalisation']) == dict(
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], channels='RGB')
    assert facts['method'] == 'DepthCP' and facts['licence'] == 'CC0' and facts['backbone'] == report.model
    assert json.loads(facts['source'])['file'] == 'epoch_1.pth'
    session = runtime.InferenceSession(str(tmp_path / 'out.onnx'), providers=['CPUExecutionProvider'])
    for shape in ((3, 3, 32, 64), (1, 3, 75, 101)):
        images = torch.randn(shape)
        found = session.run(list(STAGES), {'images': images.numpy()})
        with torch.no_grad():
            assert_same([torch.from_numpy(each) for each in found], model(images))


@pytest.fixture
def half(tmp_path):
    """A checkpoint without a config, in a folder of its own."""
    path = tmp_path / 'given/half.pth'
    path.parent.mkdir()
    torch.save({f'backbone.{name}': tensor for name, tensor in ResNet(18, **HALF).state_dict().items()}, path)
    return path


def test_an_onnx_file_that_differs_is_not_written(half, tmp_path, monkeypatch):
    pytest.importorskip('onnx')
    pytest.importorskip('onnxruntime')
    trace = onnx_export._trace

    def trace_another(backbone, *args):
        backbone.bn1.bias.data += 1
        trace(backbone, *args)
        backbone.bn1.bias.data -= 1

    monkeypatch.setattr(onnx_export, '_trace', trace_another)
    with pytest.raises(InputError, match=r'differs from torch by .* more than 1e-04'):
        export_onnx(half, tmp_path / 'out.onnx', size=(32, 64))
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_what_makes_no_onnx_file(half, tmp_path, monkeypatch):
    pytest.importorskip('onnx')
    pytest.importorskip('onnxruntime')
    torch.save({'backbone.x.weight': torch.zeros(1)}, tmp_path / 'x.pth')
    with pytest.raises(InputError, match='holds no ResNet'):
        export_onnx(tmp_path / 'x.pth', tmp_path / 'x.onnx')
    config = "model = dict(backbone=dict(type='mmpretrain.VisionTransformer'))"
    torch.save(dict(state_dict={'backbone.x.weight': torch.zeros(1)}, meta=dict(cfg=config)), tmp_path / 'v.pth')
    with pytest.raises(InputError, match='holds a VisionTransformer; ONNX files are made of ResNets'):
        export_onnx(tmp_path / 'v.pth', tmp_path / 'v.onnx')
    with pytest.raises(InputError, match=r'^--opset 99: torch .* does not write it \(.*\)$'):
        export_onnx(half, tmp_path / 'r.onnx', opset=99)
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(ImportError, match='pip install onnx onnxruntime'):
        export_onnx(half, tmp_path / 'r.onnx')
    assert not list(tmp_path.glob('*.onnx'))


def test_a_dilated_network_is_told(tmp_path, notices):
    state = {f'backbone.{name}': tensor for name, tensor in ResNet(18).state_dict().items()}
    config = "model = dict(type='MonoDepth', backbone=dict(type='DepthResNet', depth=18, dilated=True))"
    torch.save(dict(state_dict=state, meta=dict(cfg=config)), tmp_path / 'a.pth')
    mmdepthcp.load_backbone(tmp_path / 'a.pth', 'torchvision')
    assert any('with dilation in place of strides' in message for message in notices)


def test_importing_the_package_is_light():
    code = ('import sys, mmdepthcp; heavy = {"torch", "numpy", "mmengine", "cv2"} & set(sys.modules); '
            'assert not heavy, heavy; assert "load_backbone" in dir(mmdepthcp); '
            'assert not hasattr(mmdepthcp, "no_such_name")')
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    for name in mmdepthcp._LAZY:
        assert callable(getattr(mmdepthcp, name)) and name in mmdepthcp.__all__
