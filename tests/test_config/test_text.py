"""The config in a checkpoint is data."""

from pathlib import Path

import pytest
from mmengine.config import Config

import mmdepthcp.models  # noqa: F401
from mmdepthcp.config.loading import load_config
from mmdepthcp.config.text import config_in_checkpoint, read_config_text
from mmdepthcp.utils.errors import InputError

REPO = Path(__file__).parents[2]


@pytest.mark.parametrize('name', ['depthcp_toy.py', 'monodepth/monodepth_r18_kitti.py', 'finetune/mask_rcnn_toy.py'])
def test_what_mmengine_writes_is_read(name):
    config = load_config(REPO / 'configs' / name)
    assert read_config_text(config.pretty_text, 'x') == Config.fromstring(config.pretty_text, '.py').to_dict()


def test_odd_values():
    config = Config({'a': {'x y': -1e-5, 3: float('inf')}, 'b': [(1,), None, True, {'c': 'a\n"b\''}], 'name': 'ü'})
    assert read_config_text(config.pretty_text, 'x') == config.to_dict()
    assert read_config_text('a = 2 * 3 / 4 - 1\nb = [16] * 3', 'x') == {'a': .5, 'b': [16, 16, 16]}
    assert read_config_text('"words"\na = 1\nb = dict(c=a, **dict(d={2: [a]}))', 'x') == {
        'a': 1, 'b': {'c': 1, 'd': {2: [1]}}}


@pytest.mark.parametrize('text', [
    "__import__('os').mkdir('run')", "a = __import__('os').mkdir('run')", "import os\nos.mkdir('run')",
    "a = [open('run', 'w')]", "a = dict(b=eval('1'))", 'a = lambda: 1', "a = f'{1}'", 'def a(): pass', 'a = (b := 1)',
    'a.b = 1', 'a = c', 'class A: pass', 'a = [b for b in (1, 2)]', 'a = 9 ** 9 ** 9', 'a = "x" * 9999999999',
    'a = [1] * 9999999999', 'a = 1 / 0',
    'a = [1]\nb = a * 5000\nc = b * 5000',
    'a = {**1}', 'dict = 1\na = dict(b=2)', 'a = (' * 300, 'a = \0', '{{ fileDirname }}', "a = {[]: 1}"])
def test_code_is_refused(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if text.startswith('dict'):
        assert read_config_text(text, 'x') == {'dict': 1, 'a': {'b': 2}}
        return
    with pytest.raises(InputError, match=r'^x\.pth: .*name the config file instead'):
        read_config_text(text, 'x.pth')
    assert not Path('run').exists()


@pytest.mark.parametrize('kind', ['os.mkdir', 'mmengine.fileio.put_text', 'mmengine.mkdir_or_exist', 'antigravity'])
def test_types_are_registered_names(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = f"model = dict(type='DepthCP', neck=[dict(type='{kind}', path='run', dir_name='run')])"
    with pytest.raises(InputError, match=f'names the type {kind}, which is not known'):
        config_in_checkpoint(text, 'x.pth')
    found = config_in_checkpoint("custom_imports = dict(imports=['antigravity'])\n" + text.replace(kind, 'ResNet'), 'x')
    assert found.model.neck[0].type == 'ResNet' and 'custom_imports' not in found


def test_a_single_run_carries_no_stages():
    from mmdepthcp.config.loading import leave_out_stages, load_config

    config = load_config('configs/depthcp_toy.py')
    whole = set(config.keys())
    assert {'stages', 'pipeline'} <= whole
    leave_out_stages(config)
    assert whole - set(config.keys()) == {
        'stages', 'stage_values', 'pipeline', 'comparisons', 'from_depth', 'on_trunk', 'on_pairs', 'to_coco'}
    assert len(config.pretty_text) < 10_000
