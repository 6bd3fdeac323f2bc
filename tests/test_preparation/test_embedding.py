"""Features of any images in one call."""

import json
import os

import cv2
import numpy as np
import pytest
import tiny_depthcp
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from mmseg.structures import SegDataSample

import mmdepthcp
from mmdepthcp.apis import export_backbone
from mmdepthcp.datasets.transforms import LoadImage, ResizeStreet
from mmdepthcp.models import DepthCP  # noqa: F401
from mmdepthcp.models.features import dense_features
from mmdepthcp.preparation import embedding
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import file_sha256
from mmdepthcp.utils.images import read_image, write_png

PREPROCESSOR = "data_preprocessor=dict(type='DepthCPDataPreprocessor', mean=[120, 110, 100], " \
               "std=[60, 50, 40], bgr_to_rgb=True)"
CONFIG = tiny_depthcp.CONFIG.replace('projection_channels=8,', f'projection_channels=8, {PREPROCESSOR},')


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return tiny_depthcp.write_checkpoint(tmp_path_factory.mktemp('depthcp'), CONFIG)


@pytest.fixture
def images(tmp_path):
    for number, name in enumerate(('a/0.png', 'b/1.png', 'b/2.jpg')):
        noise = np.random.default_rng(number).integers(0, 256, (4, 6, 3), np.uint8)
        (tmp_path / 'images' / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / 'images' / name), cv2.resize(noise, (80 + 10 * number, 40)))
    return tmp_path / 'images'


def test_features_are_those_of_the_model(checkpoint, images):
    path = images / 'a/0.png'
    with DefaultScope.overwrite_default_scope('mmdepthcp'):
        model = MODELS.build(Config.fromstring(CONFIG, '.py').model).eval()
    model.load_state_dict(torch.load(checkpoint, weights_only=True)['state_dict'])
    results = ResizeStreet(scale=(64, 32)).transform(LoadImage().transform(dict(img_path=str(path))))
    item = dict(inputs=torch.from_numpy(results['img'].transpose(2, 0, 1).copy()), data_samples=SegDataSample())
    inputs = model.data_preprocessor(pseudo_collate([item]))['inputs']
    for layer, shape in (('stage4', (64, 1, 2)), ('stage1', (8, 8, 16)), ('decode_head', (16, 8, 16))):
        expected = dense_features(model, inputs, layer)[0].numpy()
        assert expected.shape == shape and expected.std() > 0
        dense = mmdepthcp.embed(path, checkpoint, layer=layer, device='cpu')
        assert dense.dtype == np.float32
        np.testing.assert_allclose(dense, expected, atol=1e-6)
        vector = mmdepthcp.embed(str(path), checkpoint, pooled=True, layer=layer, device='cpu')
        np.testing.assert_allclose(vector, expected.mean((1, 2)), atol=1e-6)
    with pytest.raises(InputError, match='DepthCP has no layer5'):
        mmdepthcp.embed(path, checkpoint, layer='layer5', device='cpu')


def test_folders_lists_and_arrays_are_alike(checkpoint, images, capsys):
    files = [images / name for name in ('a/0.png', 'b/1.png', 'b/2.jpg')]
    pooled = mmdepthcp.embed(images, checkpoint, pooled=True, device='cpu')
    assert pooled.shape == (3, 64)
    assert capsys.readouterr().out == ''
    again = mmdepthcp.embed([files[0], read_image(files[1]), str(files[2])], checkpoint, pooled=True, batch_size=3,
                            num_workers=1, device='cpu', show_progress=True)
    np.testing.assert_allclose(again, pooled, atol=1e-5)
    assert 'features: 3 images' in capsys.readouterr().out
    dense = mmdepthcp.embed(images, checkpoint, device='cpu')
    assert isinstance(dense, list) and [each.shape for each in dense] == [(64, 1, 2)] * 3
    with pytest.raises(InputError, match='H, W, 3'):
        mmdepthcp.embed(np.zeros((4, 4)), checkpoint, device='cpu')


def test_pooled_features_in_a_file(checkpoint, images, tmp_path):
    out = tmp_path / 'out.npy'
    with pytest.raises(InputError, match=r'ends in \.npy'):
        mmdepthcp.embed(images, checkpoint, pooled=True, out=tmp_path / 'out')
    assert mmdepthcp.embed(images, checkpoint, pooled=True, out=out, device='cpu') == out
    np.testing.assert_array_equal(np.load(out), mmdepthcp.embed(images, checkpoint, pooled=True, device='cpu'))
    index = json.loads((tmp_path / 'out.json').read_text())
    assert index['names'] == ['a/0.png', 'b/1.png', 'b/2.jpg'] and index['layer'] == 'stage4'
    assert (index['checkpoint'], index['checkpoint_sha256']) == ('epoch_1.pth', file_sha256(checkpoint))
    before = out.read_bytes()
    (images / 'b/1.png').write_bytes(b'no image')
    with pytest.raises(InputError, match=r'1 of 3 images cannot be used: .*b/1\.png'):
        mmdepthcp.embed(images, checkpoint, pooled=True, out=out, device='cpu')
    assert out.read_bytes() == before and not [path for path in tmp_path.iterdir() if 'tmp' in path.name]


def test_dense_features_in_a_folder_go_on_where_they_stopped(checkpoint, images, tmp_path, monkeypatch):
    out = images / 'features'  # within the folder of the images
    kept = (images / 'b/2.jpg').read_bytes()
    (images / 'b/2.jpg').write_bytes(b'no image')
    with pytest.raises(InputError, match='1 of 3 images'):
        mmdepthcp.embed(images, checkpoint, out=out, device='cpu')
    assert (out / 'a/0.npy').is_file() and (out / 'b/1.npy').is_file() and not (out / 'features.json').exists()
    (images / 'b/2.jpg').write_bytes(kept)
    os.utime(images / 'b/1.png', (2e9 * 2, 2e9 * 2))
    done = []
    monkeypatch.setattr(embedding._LayerOf, 'prepare', lambda self, path, prepare=embedding._LayerOf.prepare: (
        done.append(os.path.basename(path)), prepare(self, path))[1])
    mmdepthcp.embed(images, checkpoint, out=out, device='cpu')
    assert done == ['1.png', '2.jpg']
    index = json.loads((out / 'features.json').read_text())
    assert index['files'] == ['a/0.npy', 'b/1.npy', 'b/2.npy'] and index['names'][2] == 'b/2.jpg'
    for file, expected in zip(index['files'], mmdepthcp.embed(images, checkpoint, device='cpu'), strict=True):
        np.testing.assert_array_equal(np.load(out / file), expected)
    with pytest.raises(InputError, match=r"holds features made in another way.*layer was 'stage4', is 'stage3'"):
        mmdepthcp.embed(images, checkpoint, out=out, layer='stage3', device='cpu')


def test_equal_names_do_not_meet(checkpoint, images, tmp_path):
    write_png(images / 'b/2.png', np.zeros((8, 8, 3), np.uint8))
    files = [images / 'b/2.png', images / 'b/2.jpg', np.zeros((8, 8, 3), np.uint8)]
    mmdepthcp.embed(files, checkpoint, out=tmp_path / 'out', device='cpu')
    index = json.loads((tmp_path / 'out/features.json').read_text())
    assert index['files'] == ['2.png.npy', '2.jpg.npy', 'array 2.npy']
    assert all((tmp_path / 'out' / file).is_file() for file in index['files'])


def test_the_config_may_lie_beside_the_checkpoint(checkpoint, images, tmp_path):
    (tmp_path / 'config.py').write_text(CONFIG)
    content = torch.load(checkpoint, weights_only=True)
    torch.save(dict(state_dict=content['state_dict']), tmp_path / 'bare.pth')
    found = mmdepthcp.embed(images / 'a/0.png', tmp_path / 'bare.pth', config=tmp_path / 'config.py', device='cpu')
    np.testing.assert_array_equal(found, mmdepthcp.embed(images / 'a/0.png', checkpoint, device='cpu'))
    export_backbone(checkpoint, tmp_path / 'slim.pth', 'mmseg')
    with pytest.raises(InputError, match='holds no config, as an exported file does not'):
        mmdepthcp.embed(images, tmp_path / 'slim.pth')


def test_depth_networks(images, tmp_path):
    config = '''
default_scope = 'mmdepthcp'
model = dict(
    type='DepthRegressor', backbone=dict(type='DepthResNet', depth=18, base_channels=8, stem_channels=8),
    decode_head=dict(type='DepthDecoder', in_channels=(8, 8, 16, 32, 64), channels=(4, 5, 6, 7, 8)))
test_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadClip'), dict(type='ResizeClip', scale=(128, 64)), dict(type='PackMonoInputs')]))
'''
    with DefaultScope.overwrite_default_scope('mmdepthcp'):
        model = MODELS.build(Config.fromstring(config, '.py').model)
    torch.save(dict(state_dict=model.state_dict(), meta=dict(cfg=config)), tmp_path / 'depth.pth')
    found = mmdepthcp.embed(read_image(images / 'a/0.png'), tmp_path / 'depth.pth', layer='decoder3', device='cpu')
    assert found.shape == (7, 8, 16)
