"""The tools that write disparity, run in this process on files."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmdepthcp.registry import MODELS
from mmdepthcp.utils.fileio import read_json, write_json
from mmdepthcp.utils.images import read_disparity

TOOLS = Path(__file__).parents[2] / 'tools'
CONFIG = '''
default_scope = 'mmdepthcp'
model = dict(
    type='MonoDepth',
    backbone=dict(type='DepthResNet', depth=18),
    decode_head=dict(type='DepthDecoder', in_channels=(64, 64, 128, 256, 512)),
    pose_net=dict(type='PoseNet', encoder=dict(type='DepthResNet', depth=18, in_channels=6)))
test_pipeline = [dict(type='LoadClip'), dict(type='ResizeClip', scale=(128, 64)), dict(type='PackMonoInputs')]
'''


def run(tool, *args) -> int | str | None:
    """What the tool ends with: 0 or None when all went well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', [tool, *map(str, args)])
        try:
            runpy.run_path(str(TOOLS / tool), run_name='__main__')
        except SystemExit as ending:
            return ending.code
    return None


@pytest.fixture(scope='module')
def home(tmp_path_factory):
    """A config, random weights of it and two images."""
    folder = tmp_path_factory.mktemp('depth')
    (folder / 'depth.py').write_text(CONFIG)
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(folder / 'depth.py').model)
    torch.save(dict(state_dict=model.state_dict()), folder / 'depth.pth')
    rng = np.random.default_rng(0)
    for name in ('images/a/1.png', 'images/2.png'):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), rng.integers(0, 255, (48, 96, 3), np.uint8))
    return folder


def test_depth_of_a_tree(home, tmp_path, capsys):
    arguments = (home / 'depth.py', home / 'depth.pth', home / 'images')
    assert run('infer_depth.py', *arguments, tmp_path / 'out', '--device', 'cpu', '--batch-size', 2) == 0
    for name in ('a/1.png', '2.png'):
        disparity = read_disparity(tmp_path / 'out' / name)
        assert disparity.shape == (48, 96) and 0 < disparity.min() < disparity.max() < 1
    meta = read_json(tmp_path / 'out/meta.json')
    assert (meta['d_min'], meta['d_max'], meta['input_size'], meta['flip']) == (.1, 100, [128, 64], False)
    assert run('infer_depth.py', *arguments, tmp_path / 'flip', '--device', 'cpu', '--flip', '--shard', '1/2',
               '--size', 24, 12) == 0
    assert read_disparity(tmp_path / 'flip/a/1.png').shape == (12, 24) and not (tmp_path / 'flip/2.png').exists()
    capsys.readouterr()
    (home / 'images/3.png').write_bytes(b'')
    assert run('infer_depth.py', *arguments, tmp_path / 'out', '--device', 'cpu') == 1
    (home / 'images/3.png').unlink()
    assert 'FAILED 3.png' in capsys.readouterr().err


def test_refusals_of_infer_depth(home, tmp_path, capsys):
    arguments = (home / 'depth.py', home / 'depth.pth', home / 'images', tmp_path / 'out')
    assert 'no such config' in run('infer_depth.py', 'nowhere.py', *arguments[1:])
    assert 'no such checkpoint' in run('infer_depth.py', arguments[0], 'nowhere.pth', *arguments[2:])
    assert 'no such folder' in run('infer_depth.py', *arguments[:2], tmp_path / 'nowhere', tmp_path / 'out')
    assert run('infer_depth.py', home / 'images', tmp_path / 'out') == 2
    assert 'CONFIG CHECKPOINT IMAGE_ROOT OUT' in capsys.readouterr().err
    assert run('infer_depth.py', *arguments, '--shard', '2/2') == 2
    assert not (tmp_path / 'out').exists()


def test_metric_depth_maps(tmp_path):
    (tmp_path / 'depth').mkdir()
    cv2.imwrite(str(tmp_path / 'depth/a_depth.png'), np.array([[0, 512]] * 2, np.uint16))
    np.save(tmp_path / 'depth/b_depth.npy', np.array([[4., 8.]]))
    arguments = ('dataset_converters/depth_maps.py', tmp_path / 'depth')
    assert run(*arguments, tmp_path / 'png', '--suffix', '_depth.png', '--image-suffix', '_leftImg8bit',
               '--holes', 'far', '--num-workers', 0) == 0
    np.testing.assert_allclose(read_disparity(tmp_path / 'png/a_leftImg8bit.png'), [[1 / 65535, .5]] * 2, atol=1e-5)
    meta = read_json(tmp_path / 'png/meta.json')
    assert meta.pop('farthest') == 1 / 65535
    write_json(tmp_path / 'png/meta.json', meta)
    assert 'farthest was None' in run(*arguments, tmp_path / 'png', '--suffix', '_depth.png', '--image-suffix',
                                      '_leftImg8bit', '--holes', 'far', '--num-workers', 0)
    assert run(*arguments, tmp_path / 'npy', '--suffix', '_depth.npy', '--nearest', 2, '--num-workers', 0) == 0
    np.testing.assert_allclose(read_disparity(tmp_path / 'npy/b.png'), [[.5, .25]], atol=1e-5)
    assert read_json(tmp_path / 'npy/meta.json')['nearest'] == 2
    assert 'made in another way' in run(*arguments, tmp_path / 'npy', '--suffix', '_depth.npy')


def test_inverse_depth_maps(tmp_path, capsys):
    (tmp_path / 'midas').mkdir()
    cv2.imwrite(str(tmp_path / 'midas/a.png'), np.array([[51, 255]] * 2, np.uint8))
    arguments = ('dataset_converters/depth_maps.py', tmp_path / 'midas', tmp_path / 'out', '--num-workers', 0)
    assert run(*arguments, '--inverse', 255) == 0
    np.testing.assert_allclose(read_disparity(tmp_path / 'out/a.png'), [[.2, 1]] * 2, atol=1e-5)
    assert 'made in another way' in run(*arguments, '--inverse', 200)
    assert run(*arguments, '--inverse', 255, '--nearest', 2) == 2
    assert 'give one of them' in capsys.readouterr().err


def test_cityscapes_stereo_disparity(tmp_path, capsys):
    (tmp_path / 'disparity/ulm').mkdir(parents=True)
    cv2.imwrite(str(tmp_path / 'disparity/ulm/ulm_0_0_disparity.png'), np.array([[0, 1 + 64 * 256]], np.uint16))
    (tmp_path / 'disparity/ulm/ulm_0_1_disparity.png').write_bytes(b'rubbish')
    arguments = ('dataset_converters/cityscapes_disparity.py', tmp_path / 'disparity', tmp_path / 'out')
    assert run(*arguments, '--num-workers', 0) == 1
    assert 'ulm_0_1_disparity.png' in capsys.readouterr().err
    np.testing.assert_allclose(read_disparity(tmp_path / 'out/ulm/ulm_0_0_leftImg8bit.png'), [[.5, .5]], atol=1e-5)


def test_real_depth_maps(data_root, tmp_path):
    depth = data_root / 'kitti_sample/raw_drive/2011_09_26/proj_depth/velodyne_raw/image_02'
    assert run('dataset_converters/depth_maps.py', depth, tmp_path / 'out', '--shard', '0/40', '--num-workers', 0) == 0
    files = sorted(path.name for path in (tmp_path / 'out').glob('*.png'))
    assert files == ['0000000000.png', '0000000040.png']
    disparity = read_disparity(tmp_path / 'out' / files[0])
    assert disparity.shape == (375, 1242) and disparity.min() > 1 / 130
