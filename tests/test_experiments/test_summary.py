"""Gathering an experiment's results, complete and with parts missing."""

import json
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mmdepthcp.config.loading import load_config
from mmdepthcp.experiments.building import read_stages
from mmdepthcp.experiments.summary import collect, format_value, read_loss_curve, table
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import write_json
from mmdepthcp.utils.images import write_png
from mmdepthcp.utils.scores import Score, scores_of_metrics, write_scores

TOOL = Path(__file__).parents[2] / 'tools/summarise.py'


def log(folder, run, losses, first=10):
    path = folder / run / 'vis_data/scalars.json'
    path.parent.mkdir(parents=True)
    lines = [json.dumps(dict(lr=0.1, loss=loss, step=first + 10 * number)) for number, loss in enumerate(losses)]
    path.write_text('\n'.join([*lines, json.dumps({'toy9/mIoU': 12.0, 'step': 1}), '{"cut']))


PIPELINE = '''
train_cfg = dict(max_epochs=2)
pipeline = [
    dict(name='depth', config='{config}'),
    dict(name='depth_score', tool='tools/test.py', outputs=['{work_dir}/depth_metrics.json'], reports={
        'depth.abs_rel': 'abs_rel', 'depth.abs_rel_constant': 'abs_rel_constant', 'depth.a1': 'a1'}),
    dict(name='quality', tool='tools/region_quality.py', outputs=['{work_dir}/regions', '{work_dir}/regions.json'],
         reports={'regions.count_mean': 'count_mean', 'regions.oracle_miou': 'oracle_miou'}),
    dict(name='exact', tool='tools/region_quality.py', outputs=['{work_dir}/exact.json'],
         reports={'regions.oracle_miou_exact_depth': 'oracle_miou'}),
    dict(name='pretrain', config='{config}', reports={
        f'pretrain.{name}': name for name in ('iterations', 'loss_first', 'loss_last')}),
    dict(name='unsup', tool='tools/test.py', outputs=['{work_dir}/unsup.json'],
         reports={'unsup.acc': 'Acc', 'unsup.miou': 'mIoU'}),
    dict(name='random', tool='tools/test.py', outputs=['{work_dir}/random.json'],
         reports={'unsup.miou_random_init': 'mIoU'}),
]
comparisons = {'mIoU': {'pretrained': 'unsup.miou', 'random': 'unsup.miou_random_init'}, 'none': {'a': 'x.y'}}
'''


@pytest.fixture
def stages(work_dir, tmp_path):
    (tmp_path / 'c.py').write_text(PIPELINE)
    return read_stages(load_config(tmp_path / 'c.py'), str(tmp_path / 'c.py'), str(work_dir))


@pytest.fixture
def work_dir(tmp_path):
    work = tmp_path / 'demo'
    for name, seconds, finished in (('depth', 10.5, True), ('regions', 2.25, True), ('summary', 1.0, False)):
        write_json(work / f'pipeline/{name}.json', dict(name=name, seconds=seconds, finished=finished))
    write_scores(work / 'depth_metrics.json', scores_of_metrics(
        {'depth/abs_rel': 0.2, 'depth/abs_rel_constant': 0.5, 'depth/a1': 0.75}))
    write_scores(work / 'regions.json', [Score('count_mean', 80.5), Score('oracle_miou', 0.6)])
    write_scores(work / 'exact.json', [Score('count_mean', 70), Score('oracle_miou', 0.8)])
    write_scores(work / 'unsup.json', scores_of_metrics({'toy9/Acc': 70.0, 'toy9/mIoU': 45.0}))
    write_scores(work / 'random.json', [Score('Acc', 0.4), Score('mIoU', 0.125)])
    log(work / 'depth', 'a', [0.3, 0.2])
    log(work / 'pretrain', 'a', [7.0, 6.0, 5.0])
    log(work / 'pretrain', 'b', [5.5, 4.0], first=20)
    torch.save({'meta': {'iter': 34}, 'state_dict': {}}, work / 'pretrain/epoch_2.pth')
    (work / 'pretrain/last_checkpoint').write_text(str(work / 'pretrain/epoch_2.pth'))
    return work


def test_everything_is_found(work_dir, stages):
    summary, missing = collect(work_dir, stages)
    assert not missing
    assert summary == dict(
        seconds=dict(total=12.75, depth=10.5, regions=2.25),
        depth=dict(abs_rel=0.2, abs_rel_constant=0.5, a1=0.75),
        regions=dict(count_mean=80.5, oracle_miou=0.6, oracle_miou_exact_depth=0.8),
        pretrain=dict(iterations=34, loss_first=7.0, loss_last=4.0),
        unsup=dict(acc=0.7, miou=0.45, miou_random_init=0.125))


def test_resumed_run_replaces_what_it_repeats(work_dir):
    curve = read_loss_curve(work_dir / 'pretrain')
    assert curve.iterations == (10, 20, 30) and curve.losses == (7.0, 5.5, 4.0)


def test_missing_parts_are_named_and_null(work_dir, stages):
    (work_dir / 'random.json').unlink()
    (work_dir / 'exact.json').write_text('{"cut')
    write_scores(work_dir / 'depth_metrics.json', [Score('a1', 0.5)])
    (work_dir / 'pretrain/last_checkpoint').unlink()
    summary, missing = collect(work_dir, stages)
    assert summary['unsup']['miou_random_init'] is None and summary['unsup']['miou'] == 0.45
    assert summary['regions']['oracle_miou_exact_depth'] is None
    assert summary['depth'] == dict.fromkeys(('abs_rel', 'abs_rel_constant', 'a1'))
    assert summary['pretrain']['iterations'] is None
    text = '\n'.join(missing)
    for words in ('random.json: no such file', 'exact.json: not valid JSON', 'holds no abs_rel',
                  'no checkpoint that tells its iterations'):
        assert words in text
    with pytest.raises(InputError, match='no such work dir'):
        collect(work_dir / 'none', stages)


def test_table(work_dir, stages):
    lines = table(collect(work_dir, stages).summary).splitlines()
    assert any(line.split() == ['unsup', 'acc', '0.7'] for line in lines)
    assert any(line.split() == ['miou_random_init', '0.125'] for line in lines)
    assert len({len(line) for line in lines}) == 1
    assert [format_value(value) for value in (None, 0.12345678, 12.0, 345.67, 0.0)] == \
        ['–', '0.1235', '12', '345.7', '0']


def test_tool_writes_json_and_report(work_dir, tmp_path, monkeypatch, capsys):
    write_png(work_dir / 'segmentation/a.png', np.zeros((4, 12, 3), np.uint8))
    config = tmp_path / 'c.py'
    config.write_text(PIPELINE + "train_dataloader = dict(dataset=dict(type='StreetDataset', data_root='nowhere', "
                      "data_prefix=dict(img_path='x')))")
    monkeypatch.setattr(sys, 'argv', ['summarise.py', str(config), '--work-dir', str(work_dir), '--title', 'A & B'])
    runpy.run_path(str(TOOL), run_name='__main__')
    printed = capsys.readouterr().out
    assert 'miou_random_init' in printed and 'not found: pictures: ' in printed
    assert json.loads((work_dir / 'summary.json').read_text())['unsup']['miou'] == 0.45
    page = (work_dir / 'report.html').read_text()
    assert 'A &amp; B' in page and page.count('data:image/jpeg') == 1 and page.count('<svg') == 3
    assert 'src="http' not in page and not re.search(r'href="(?!#)', page)
