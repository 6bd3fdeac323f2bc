"""Every tool that fills a folder refuses one that another process fills."""

import ast
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from mmdepthcp.experiments.report import Report, write_report
from mmdepthcp.preparation.disparity_export import DisparityFile, convert_tree
from mmdepthcp.preparation.region_grouping import RegionGrouper, group_tree
from mmdepthcp.toy import ToySettings, write_toy_streets
from mmdepthcp.utils import processes
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import write_png
from mmdepthcp.utils.processes import claim
from mmdepthcp.videos import extract_frames

TOOLS = Path(__file__).parents[2] / 'tools'
WITHOUT_FOLDER = {
    'colour_position_baseline.py', 'export_backbone.py', 'region_quality.py', 'pair_quality.py',
    'instances_to_coco.py', 'check_depth.py', 'learn_edges.py'}
BY_FUNCTION = {
    'infer_depth.py', 'group_regions.py', 'cityscapes_disparity.py', 'depth_maps.py', 'toy_streets.py',
    'nearest_neighbours.py', 'cache_features.py', 'five_crops.py', 'control_disparity.py', 'potsdam3.py',
    'select_images.py', 'video_frames.py', 'embed.py', 'pretrain_videos.py', 'control_regions.py',
    'summarise.py', 'report_videos.py'}
CONFIG = '''
pipeline = [dict(name='a', tool='tools/export_backbone.py', args=['--help'])]
title, seeds = 'T', (0,)
pretrainings = dict(random=dict(label='random'))
tasks = dict(
    seg=dict(label='seg', config='seg.py', scores=[dict(key='mIoU', label='mIoU')], parts=dict(a='b'), train=False))
optim_wrapper = dict(type='OptimWrapper')
'''


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(processes, 'TRIES', 1)
    monkeypatch.chdir(tmp_path)
    for name in ('c.py', 'seg.py'):
        Path(name).write_text(CONFIG)
    write_png('images/a.png', np.zeros((8, 8, 3), np.uint8))
    Path('disparity').mkdir()


@pytest.mark.parametrize('fill', [
    lambda out: group_tree(RegionGrouper(Path('images'), Path('disparity'), intrinsics=(1, 2, .5, .5)), out),
    lambda out: convert_tree(DisparityFile(Path('images'), out, '.png', '', np.load), {}),
    lambda out: write_toy_streets(out, {'val': 1}, ToySettings()),
    lambda out: extract_frames(['images'], out),
    lambda out: write_report(out, Report('title', {})),
], ids=['regions', 'disparity', 'toy', 'videos', 'report'])
def test_functions(fill):
    with claim('out'), pytest.raises(InputError, match='out: in use by process'):
        fill(Path('out'))


@pytest.mark.parametrize('tool', ['train.py', 'run_pipeline.py', 'compare.py'])
def test_tools(monkeypatch, tool):
    monkeypatch.setattr(sys, 'argv', [tool, 'c.py', '--work-dir', 'out'])
    with claim('out'), pytest.raises(SystemExit) as ended:
        runpy.run_path(str(TOOLS / tool), run_name='__main__')
    assert str(ended.value).startswith('error: out: in use by process')
    with claim('out'):
        if tool != 'train.py':
            monkeypatch.setattr(sys, 'argv', [tool, 'c.py', '--work-dir', 'out', '--list'])
            try:
                runpy.run_path(str(TOOLS / tool), run_name='__main__')
            except SystemExit as ending:
                assert not ending.code


def test_no_tool_is_forgotten():
    for path in TOOLS.rglob('*.py'):
        names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
        assert ('claim' in names) + (path.name in WITHOUT_FOLDER) + (path.name in BY_FUNCTION) == 1, path
