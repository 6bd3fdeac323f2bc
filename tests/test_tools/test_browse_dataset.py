"""tools/browse_dataset.py on configs of every kind of sample."""

import runpy
import sys
from pathlib import Path

import pytest

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.config.loading import load_config
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
