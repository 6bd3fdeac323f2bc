"""The tool that chooses images to label, run in this process on a few toy streets."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import sys
from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.config.loading import load_config
from mmdepthcp.registry import MODELS
from mmdepthcp.toy import ToySettings, write_toy_streets
from mmdepthcp.utils import processes

ROOT = Path(__file__).parents[2]
STUDENT = ['train_cfg.max_iters=2', 'round_iters=[2]', 'param_scheduler.0.end=3', 'train_dataloader.num_workers=0',
           'train_dataloader.persistent_workers=False']
IMAGES = 'toy/leftImg8bit/train'


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    """Toy streets, and random weights of a depth network and of a segmentor, with the configs for two cores."""
    register_modules()
    folder = tmp_path_factory.mktemp('select')
    write_toy_streets(folder / 'toy', {'train': 4}, ToySettings(3, 3, 96, 48))
    for name, path in (('depth', 'monodepth/monodepth_toy'), ('segmentor', 'finetune/semantic_fpn_toy')):
        config = load_config(ROOT / f'configs/{path}.py')
        config.dump(folder / f'{name}.py')
        init_default_scope(config.default_scope)
        torch.manual_seed(0)
        torch.save(dict(state_dict=MODELS.build(config.model).state_dict()), folder / f'{name}.pth')
    return folder


@pytest.fixture(autouse=True)
def home(folder, monkeypatch) -> Path:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(processes, 'TRIES', 1)
    monkeypatch.setattr('mmengine.runner.runner.collect_env', dict)
    return folder


def run(*args) -> int | str | None:
    """What the tool ends with: 0 when all went well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', ['select_images.py', *map(str, args), '--device', 'cpu'])
        try:
            runpy.run_path(str(ROOT / 'tools/select_images.py'), run_name='__main__')
        except SystemExit as ending:
            return ending.code
    return None


def about(out: Path) -> dict:
    return json.loads((out / 'selection.json').read_text())


def test_a_selection_by_both_criteria(tmp_path, capfd):
    words = ('depth.py', 'depth.pth', IMAGES, tmp_path / 'out', '--budget', 6, '--rounds', 2, 4, '--student',
             ROOT / 'configs/selection/depth_student_toy.py', '--student-options', *STUDENT, '--batch-size', 4)
    assert run(*words) == 0
    assert '6 of 12 images in toy/leftImg8bit/train; method both, rounds 2 4 6, seed 0.' in capfd.readouterr().out
    found = about(tmp_path / 'out')
    assert [each['round'] for each in found['selected']] == [1, 1, 2, 2, 3, 3]
    assert found['rounds'] == [2, 4, 6] and set(found['drives']) == {'toyburg', 'toyfeld', 'toyhausen'}
    assert [sum(each[key] for each in found['drives'].values()) for key in ('chosen', 'all')] == [6, 12]
    lines = (tmp_path / 'out/selected_6.txt').read_text().split()
    assert lines == [each['image'] for each in found['selected']] and len(set(lines)) == 6
    assert lines[:4] == (tmp_path / 'out/selected_4.txt').read_text().split()
    train = load_config(ROOT / 'configs/finetune/semantic_fpn_toy.py').train_dataloader.dataset
    train.update(data_root='toy', ann_file=str(tmp_path / 'out/selected_4.txt'), pipeline=[])
    from mmdepthcp.registry import DATASETS
    dataset = DATASETS.build(train)
    assert [item['img_path'] for item in dataset] == [f'{IMAGES}/{line}' for line in lines[:4]]
    assert all(Path(item['seg_map_path']).is_file() for item in dataset)
    assert run(*words) == 0
    assert run(*words, '--seed', 1).startswith(f'error: {tmp_path}/out/selection.json: holds a selection made in anoth')


@pytest.mark.parametrize(('method', 'network'), [('diversity', 'segmentor'), ('entropy', 'segmentor'), ('random', '')])
def test_other_methods(method, network, tmp_path):
    names = [f'{network}.py', f'{network}.pth'] if network else []
    assert run(*names, IMAGES, tmp_path / 'all', '--method', method, '--budget', 3) == 0
    listed = [each['image'] for each in about(tmp_path / 'all')['selected']]
    Path('known.txt').write_text('\n'.join(listed[:2]))
    Path('few.txt').write_text('\n'.join(listed))
    assert run(*names, IMAGES, tmp_path / 'few', '--method', method, '--budget', 1, '--labelled', 'known.txt',
               '--among', 'few.txt') == 0
    assert [each['image'] for each in about(tmp_path / 'few')['selected']] == listed[2:]
    assert (tmp_path / 'few/labelled_1.txt').read_text().split() == listed


def test_parts_of_other_processes(tmp_path, capfd):
    words = ('depth.py', 'depth.pth', IMAGES, tmp_path / 'out', '--method', 'diversity', '--budget', 3)
    assert run(*words, '--shard', '1/2') == 0
    assert 'parts of other shards are missing' in capfd.readouterr().out
    assert run(*words, '--shard', '0/2') == 0 and run(*words, '--shard', '1/2') == 0
    assert len(about(tmp_path / 'out')['selected']) == 3


def test_what_is_refused(tmp_path, capsys):
    names, out = ('depth.py', 'depth.pth'), tmp_path / 'out'
    assert run(*names, IMAGES, out, '--budget', 3) == 2
    assert '--method both needs --student' in capsys.readouterr().err
    assert run(IMAGES, out, '--budget', 3, '--method', 'diversity') == 2
    assert 'expected CONFIG CHECKPOINT IMAGES OUTPUT' in capsys.readouterr().err
    assert run(*names, IMAGES, out, '--budget', 3, '--method', 'random') == 2
    assert run(IMAGES, out, '--method', 'random') == 2
    for words, complaint in (
            (['--budget', 13], 'a budget of 13 images, but there are 12 without labels'),
            (['--budget', 3, '--rounds', 4], 'rounds 4 3: must be numbers'),
            (['--budget', 3, '--labelled', 'nowhere.txt'], 'nowhere.txt: no such file'),
            (['--budget', 3, '--features', 'decoder7'], 'has no decoder7')):
        assert complaint in run(*names, IMAGES, out, '--method', 'diversity', *words)
    assert 'no such folder' in run('nowhere', out, '--budget', 3, '--method', 'random')
    assert not out.exists()


def test_students_learn_from_images_of_any_name(tmp_path):
    odd_name = os.fsdecode(b'Stra\xdfe')  # not UTF-8
    shutil.copytree(IMAGES, tmp_path / 'images')
    first = min((tmp_path / 'images').rglob('*.png'))
    first.rename(first.with_name(f'{odd_name}.png'))
    assert run('depth.py', 'depth.pth', tmp_path / 'images', tmp_path / 'out', '--budget', 12, '--rounds', 11,
               '--method', 'difficulty', '--student', ROOT / 'configs/selection/depth_student_toy.py',
               '--student-options', *STUDENT, '--batch-size', 4) == 0
    assert f'{first.parent.name}/{odd_name}.png' in {each['image'] for each in about(tmp_path / 'out')['selected']}
