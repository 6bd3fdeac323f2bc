"""tools/browse_dataset.py on configs of every kind of sample."""

import runpy
import sys
from pathlib import Path

import cv2
import pytest
from mmengine.runner import save_checkpoint

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.config.loading import load_config
from mmdepthcp.registry import MODELS
from tests.small_data import write_data

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(('config', 'pictures'), [
    ('depthcp_toy', {'group', 'pixel_matches', 'region_matches'}), ('depthg/depthg_toy', {'group', 'pair'}),
    ('monodepth/monodepth_toy', {'clip'}), ('finetune/semantic_fpn_toy', {'image'}),
    ('semi/depthmix_toy', {'labelled', 'unlabelled', 'mixed'}), ('semi/classmix_toy', {'labelled', 'unlabelled'})])
def test_pictures(config, pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    register_modules()
    path = ROOT / f'configs/{config}.py'
    write_data({'train_dataloader': load_config(path)['train_dataloader']})
    monkeypatch.setattr(sys, 'argv', [
        'browse_dataset.py', str(path), '--number', '1', '--output-dir', 'seen', '--not-show'])
    runpy.run_path(str(ROOT / 'tools/browse_dataset.py'), run_name='__main__')
    assert {file.name for file in Path('seen').iterdir()} == {f'train_000000_{name}.png' for name in pictures}


@pytest.mark.parametrize(('config', 'tiles'), [('semi/depthmix_toy', 6), ('semi/classmix_toy', 5)])
def test_what_a_teacher_lets_its_student_learn(config, tiles, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    register_modules()
    path = ROOT / f'configs/{config}.py'
    settings = load_config(path)
    write_data({'train_dataloader': settings['train_dataloader']})
    save_checkpoint({'state_dict': MODELS.build(settings.model).state_dict()}, 'teacher.pth')
    more = ['--cfg-options', 'train_dataloader.dataset.read_labels=True'] if tiles == 6 else []
    monkeypatch.setattr(sys, 'argv', [
        'browse_dataset.py', str(path), '--number', '1', '--output-dir', 'seen', '--not-show', '--checkpoint',
        'teacher.pth', *more])
    runpy.run_path(str(ROOT / 'tools/browse_dataset.py'), run_name='__main__')
    picture, unlabelled = (cv2.imread(f'seen/train_000000_{name}.png') for name in ('lesson', 'unlabelled'))
    height, width = settings.size[::-1]
    assert picture.shape == (height, tiles * width, 3)
    assert abs(picture[:, :width].astype(int) - unlabelled[:, :width]).max() <= 1
    assert not (picture[:, :width] == picture[:, -2 * width:-width]).all()
