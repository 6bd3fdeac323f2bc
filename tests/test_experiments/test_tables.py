"""Comparisons: what is planned, run, skipped, gathered and written, on tools that only write numbers."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from mmengine.config import Config

from mmdepthcp.experiments.building import final_checkpoint
from mmdepthcp.experiments.drawing import bar_plot
from mmdepthcp.experiments.engine import run_stages
from mmdepthcp.experiments.plans import Planner, fold_options, smoke_options
from mmdepthcp.experiments.results import (
    COLUMNS,
    comma_separated,
    differences,
    gather,
    markdown,
    markdown_differences,
    summarise,
    with_files,
)
from mmdepthcp.experiments.tables import read_table
from mmdepthcp.utils import resources
from mmdepthcp.utils.errors import InputError

TRAIN = '''
import json, pathlib, sys
args = sys.argv[1:]
options = dict(word.split('=', 1) for word in args if '=' in word)
if '--cfg-options-file' in args:
    options |= json.loads(pathlib.Path(args[args.index('--cfg-options-file') + 1]).read_text())
folder = pathlib.Path(args[args.index('--work-dir') + 1])
folder.mkdir(parents=True, exist_ok=True)
iters = options.get('train_cfg.max_iters', '5')
(folder / f'iter_{iters}.pth').write_text(' '.join(args))
with open(BUSY, 'a') as busy:
    busy.write(folder.name + '\\n')
if 'broken' in args[0] and options['randomness.seed'] == '1':
    sys.exit('broken on purpose')
'''

TEST = '''
import json, pathlib, sys
args = sys.argv[1:]
out = pathlib.Path(args[args.index('--out') + 1])
out.parent.mkdir(parents=True, exist_ok=True)
options = dict(word.split('=', 1) for word in args if '=' in word)
if '--cfg-options-file' in args:
    options |= json.loads(pathlib.Path(args[args.index('--cfg-options-file') + 1]).read_text())
seed, fold = int(options['randomness.seed']), int(options.get('test_dataloader.dataset.subset.fold', 0))
pretrained = 10 if 'model.backbone.init_cfg.checkpoint' in options else 0
scores = [dict(name='mIoU', value=20 + seed + fold + pretrained, unit='%'), dict(name='segm_mAP', value=0.5)]
out.write_text(json.dumps(dict(scores=scores)))
'''

SCORER = '''
import json, pathlib, sys
args = sys.argv[1:]
out = pathlib.Path(args[args.index('--json') + 1])
out.parent.mkdir(parents=True, exist_ok=True)
out.write_text(json.dumps(dict(scores=[dict(name='mIoU', value=0.15, protocol='toys')])))
'''

CONFIG = '''
subset = dict(part='train', fold=0)
train_dataloader = dict(batch_size=2, dataset=dict(type='A', subset=subset))
test_dataloader = dict(batch_size=1, dataset=dict(type='A', subset=dict(part='val', fold=0)))
train_cfg = dict(max_iters=5)
'''

TABLE = '''
title = 'Toys'
seeds = (0, 1)
prepare = [
    dict(name='data', tool='tools/scorer.py', args=['--json', '{work_dir}/data.json', '--seed', '0'],
         outputs=['{work_dir}/data.json']),
    dict(name='depth', config='pretrain.py'),
]
pretrainings = dict(
    random=dict(label='random', needs=('data',)),
    ours=dict(label='ours', trained_on='toys', config='pretrain.py', options=['start={depth}'],
              parts=('backbone', 'neck')),
    plain=dict(label='plain', tasks=('seg',), scorer='tools/scorer.py'),
    given=dict(label='given', file='given.pth', bare=True),
)
tasks = dict(
    seg=dict(label='seg', config='seg.py', scores=[dict(key='mIoU', label='mIoU')],
             parts=dict(backbone='model.backbone')),
    objects=dict(label='objects', config='seg.py', folds=2, options=['lr=1'], parts=dict(backbone='model.backbone'),
                 scores=[dict(key='mIoU', label='mIoU'), dict(key='segm_mAP', label='AP')]),
)
'''


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / 'tools').mkdir()
    train = TRAIN.replace('BUSY', repr(str(tmp_path / 'busy.txt')))
    for name, text in (('tools/train.py', train), ('tools/test.py', TEST), ('tools/scorer.py', SCORER),
                       ('pretrain.py', CONFIG), ('seg.py', CONFIG), ('broken.py', CONFIG), ('table.py', TABLE)):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(resources, 'ROOT', tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plan(smoke=False, path='table.py'):
    return Planner(read_table(path), 'work', smoke).plan()


def options_of(stage):
    return [word for word in stage.command if '=' in word]


def test_plan(home):
    planned = plan()
    assert [stage.name for stage in planned.prepare] == ['data', 'depth']
    assert [[stage.name for stage in group] for group in planned.groups[:3]] == [
        ['seg-random-0', 'seg-random-0-score', 'objects-random-0-0', 'objects-random-0-0-score', 'objects-random-0-1',
         'objects-random-0-1-score'],
        ['pretrain-ours-0', 'seg-ours-0', 'seg-ours-0-score', 'objects-ours-0-0', 'objects-ours-0-0-score',
         'objects-ours-0-1', 'objects-ours-0-1-score'],
        ['seg-plain-0-score']]
    assert len(planned.groups) == 6 and len(planned.cells) == 2 * (3 + 3 + 1)
    stages = {stage.name: stage for stage in planned.stages}
    assert options_of(stages['pretrain-ours-1']) == ['start=work/depth/iter_5.pth', 'randomness.seed=1']
    assert options_of(stages['objects-ours-0-1']) == [
        'lr=1', 'randomness.seed=0', 'train_dataloader.dataset.subset.fold=1', 'test_dataloader.dataset.subset.fold=1',
        'model.backbone.init_cfg.type=Pretrained',
        'model.backbone.init_cfg.checkpoint=work/pretrain/ours/0/iter_5.pth',
        'model.backbone.init_cfg.prefix=backbone.']
    def upstream(name):
        return {stage.name for stage in stages[name].upstream}

    assert upstream('seg-random-0') == {'data'}
    assert upstream('objects-ours-0-1-score') == {'data', 'depth', 'pretrain-ours-0', 'objects-ours-0-1'}
    assert stages['seg-random-1-score'].command[:3] == ('tools/test.py', 'seg.py', 'work/seg/random/1/iter_5.pth')


def test_paths_are_handed_over_as_data(home):
    stages = {stage.name: stage for stage in Planner(read_table('table.py'), '[my {runs}, 1').plan().stages}
    start = '[my {runs}, 1/depth/iter_5.pth'
    assert stages['pretrain-ours-1'].data == ((f'start={start}', json.dumps(start)),)
    checkpoint = '[my {runs}, 1/pretrain/ours/1/iter_5.pth'
    for name in ('seg-ours-1', 'seg-ours-1-score'):
        assert [json.loads(value) for _, value in stages[name].data] == [checkpoint]
    assert run(Planner(read_table('table.py'), '[my {runs}, 1').plan()) == {}


def test_a_given_file_without_prefixes(home):
    assert not any(cell.row == 'given' for cell in plan().cells)
    (home / 'given.pth').touch()
    stage = next(stage for stage in plan().stages if stage.name == 'seg-given-0')
    assert options_of(stage)[1:] == ['model.backbone.init_cfg.type=Pretrained',
                                     'model.backbone.init_cfg.checkpoint=given.pth']


def run(planned):
    return run_stages('work', planned.stages, keep_going=True)


def test_run_skip_and_gather(home):
    table, planned = read_table('table.py'), plan()
    assert run(planned) == {}
    done = (home / 'busy.txt').read_text().splitlines()
    assert run(plan()) == {} and (home / 'busy.txt').read_text().splitlines() == done
    measured = gather(table, planned.cells, 'work')
    found = summarise(measured, dict(seg=1, objects=2))
    assert tuple(found.loc['random', 'seg', 'mIoU']) == (20.5, pytest.approx(math.sqrt(0.5)), 2)
    assert tuple(found.loc['ours', 'objects', 'mIoU']) == (31.0, pytest.approx(math.sqrt(0.5)), 2)
    assert tuple(found.loc['ours', 'objects', 'AP']) == (50, 0, 2)
    assert tuple(found.loc['plain', 'seg', 'mIoU']) == (15, 0, 2)
    text = markdown(table, measured, 2)
    assert '| pretraining | trained on | seg, mIoU | objects, mIoU / AP |' in text and '| init' not in text
    assert '| ours | toys | 30.5 ± 0.7 | 31.0 ± 0.7 / 50.0 ± 0.0 |' in text
    assert '| plain | – | 15.0 ± 0.0 | – |' in text
    assert '| given | – | n/a | n/a |' in text
    assert 'Not available: given: given.pth: no such file.' in text and 'Seeds done' not in text
    (home / 'table.py').write_text(TABLE.replace("trained_on='toys',", "init='scratch', trained_on='toys',"))
    text = markdown(read_table('table.py'), measured, 3)
    assert '| pretraining | init | trained on | seg, mIoU |' in text
    assert '| ours | scratch | toys | 30.5 ± 0.7 |' in text
    assert '| plain | – | – | 15.0 ± 0.0 |' in text and 'ours (scratch, toys): seg 2, objects 2' in text
    lines = comma_separated(measured).splitlines()
    assert lines[0] == 'pretraining,task,score,seed,fold,value,unit,protocol'
    assert 'ours,objects,AP,1,1,50.0000,%,' in lines
    assert len(lines) == 1 + 2 * (1 + 4 + 1 + 4 + 1)
    text = markdown_differences(table, measured, 'random')
    assert '| ours (toys) | +10.0 ± 0.0 (2 of 2) |' in text and '| plain | -5.5 ± 0.7 (0 of 2) | … | … |' in text
    assert 'given' not in text
    bar_plot(table, measured, 'work/bars.png')
    assert Path('work/bars.png').stat().st_size > 1000


def test_a_changed_pretraining_renews_what_builds_on_it_alone(home):
    run(plan())
    (home / 'pretrain.py').write_text(CONFIG + 'lr = 3\n')
    (home / 'busy.txt').unlink()
    run(plan())
    assert len((home / 'busy.txt').read_text().splitlines()) == 1 + 2 * (1 + 3)  # depth, and twice ours
    (home / 'seg.py').write_text(CONFIG + 'lr = 3\n')
    (home / 'busy.txt').unlink()
    run(plan())
    assert len((home / 'busy.txt').read_text().splitlines()) == 2 * 2 * 3


def test_failures_stop_only_what_builds_on_them(home):
    (home / 'table.py').write_text(TABLE.replace("config='pretrain.py', options", "config='broken.py', options"))
    planned = plan()
    failures = run(planned)
    assert 'broken on purpose' in str(failures.pop('pretrain-ours-1'))
    assert set(failures) == {stage.name for stage in planned.stages if '-ours-1' in stage.name} - {'pretrain-ours-1'}
    assert 'not started, for pretrain-ours-1 failed' in str(failures['seg-ours-1'])
    text = markdown(read_table('table.py'), gather(read_table('table.py'), planned.cells, 'work'), 2)
    assert '| ours | toys | 30.0 |' in text and 'Seeds done where not all 2 are: ours (toys): seg 1, objects 1.' in text
    assert '| random | – | 20.5 ± 0.7 |' in text


def test_smoke(home):
    planned = plan(smoke=True)
    assert {(cell.seed, cell.fold) for cell in planned.cells} == {(0, 0)}
    stage = next(stage for stage in planned.stages if stage.name == 'pretrain-ours-0')
    assert 'train_cfg.max_iters=2' in stage.command and stage.outputs == ('work/pretrain/ours/0/iter_2.pth',)
    assert run(planned) == {}
    text = markdown(read_table('table.py'), gather(read_table('table.py'), planned.cells, 'work'), 1, folds=False)
    assert '| ours | toys | 30.0 | 30.0 / 50.0 |' in text


def test_smoke_options_of_epochs_and_groups():
    inner = dict(type='A')
    config = Config(dict(
        train_dataloader=dict(batch_size=2, dataset=dict(type='G', num_images=4, dataset=inner)),
        val_dataloader=dict(dataset=dict(type='C', datasets=[inner, inner])), train_cfg=dict(max_epochs=9),
        custom_hooks=[dict(type='H'), dict(type='CalibrationHook', num_items=32)]))
    assert smoke_options(config) == [
        'val_dataloader.dataset.datasets.0.indices=2', 'val_dataloader.dataset.datasets.1.indices=2',
        'default_hooks.logger.interval=1', 'custom_hooks.1.num_items=2',
        'train_dataloader.dataset.dataset.indices=16', 'train_cfg.max_epochs=1', 'train_cfg.val_interval=2']
    assert final_checkpoint(config) == 'epoch_9.pth'


def test_seeds_reach_the_options(home):
    (home / 'table.py').write_text(TABLE.replace("options=['lr=1']", "options=['subset.seed={seed}']").replace(
        "options=['start={depth}']", "options=['start={depth}', 'order={seed}']"))
    stages = {stage.name: stage for stage in plan().stages}
    assert 'subset.seed=1' in options_of(stages['objects-ours-1-0'])
    assert 'order=1' in options_of(stages['pretrain-ours-1'])


def test_prepared_stages_build_on_what_they_need(home):
    more = "    dict(name='maps', tool='tools/scorer.py', args=['{work_dir}/maps'], needs=('depth',)),\n]\npretrain"
    (home / 'table.py').write_text(TABLE.replace(']\npretrain', more, 1))
    maps = plan().prepare[-1]
    assert {stage.name for stage in maps.upstream} == {'depth', 'data'}  # depth itself builds on all before it
    (home / 'table.py').write_text(TABLE.replace(']\npretrain', more, 1).replace("('depth',)", "('data',)"))
    assert {stage.name for stage in plan().prepare[-1].upstream} == {'data'}


def test_what_can_be_tested_by_its_own_config_is(home):
    (home / 'segments.py').write_text(CONFIG + "test_evaluator = dict(type='mmdepthcp.M')\n")
    (home / 'seg.py').write_text(CONFIG + "test_evaluator = [dict(type='M')]\n")
    (home / 'table.py').write_text(TABLE.replace("seg=dict(", "seg=dict(own=True, ").replace(
        "config='pretrain.py', options", "config='segments.py', options"))
    stages = {stage.name: stage for stage in plan().stages}
    assert 'seg-ours-0' not in stages and 'seg-random-0' in stages
    assert stages['seg-ours-0-score'].command[:3] == (
        'tools/test.py', 'segments.py', 'work/pretrain/ours/0/iter_5.pth')
    assert options_of(stages['seg-ours-0-score']) == ['start=work/depth/iter_5.pth', 'randomness.seed=0']
    (home / 'segments.py').write_text(CONFIG + "test_evaluator = dict(type='OtherMetric')\n")
    assert 'seg-ours-0' in {stage.name for stage in plan().stages}


def test_folds_need_data_with_folds():
    with pytest.raises(InputError, match='no data set of the config has a subset with a fold'):
        fold_options(Config(dict(train_dataloader=dict(dataset=dict(type='A')))), 0)


def test_a_row_may_be_scored_by_its_own_network(home):
    (home / 'table.py').write_text(TABLE.replace(
        "label='ours',", "label='ours', scored_by=dict(seg='pretrain.py'),").replace(
        "parts=dict(backbone='model.backbone')),", "train=False),", 1))
    stages = {stage.name: stage for stage in plan().stages}
    assert stages['seg-ours-0-score'].command[:3] == (
        'tools/test.py', 'pretrain.py', 'work/pretrain/ours/0/iter_5.pth')
    assert stages['seg-random-0-score'].command[1] == 'seg.py'


def test_differences_are_paired_by_seed():
    values = dict(a=(10, 20, 30), b=(11, 19, 33), c=(9, 18))
    runs = [(name, 'seg', 'mIoU', seed, 0, float(value), '%', '')
            for name, row in values.items() for seed, value in enumerate(row)]
    measured = pd.DataFrame(runs, columns=COLUMNS)
    found = differences(measured, 'a', dict(seg=1))
    assert tuple(found.loc['b', 'seg', 'mIoU']) == (1, 2, 3, 2)
    assert tuple(found.loc['c', 'seg', 'mIoU']) == (-1.5, pytest.approx(math.sqrt(.5)), 2, 0)
    assert 'a' not in found.index.get_level_values('pretraining')


def test_parts_that_were_measured_elsewhere(home):
    table = read_table('table.py')

    def part(seed, *values):
        return pd.DataFrame([(row, 'seg', 'mIoU', seed, 0, value, '%', '')
                             for row, value in zip(('random', 'plain'), values, strict=False)], columns=COLUMNS)

    other = pd.concat([part(1, 12., 13.), part(0, 10.00004), part(1, 5.).assign(pretraining='of another table')])
    (home / 'other.csv').write_text(comma_separated(other))
    (home / 'more.csv').write_text(comma_separated(part(2, 14., 16.)))
    joined = with_files(table, part(0, 10., 12.), ['other.csv', 'more.csv'])
    assert list(joined.columns) == COLUMNS and len(joined) == 6
    assert tuple(differences(joined, 'random', dict(seg=1)).loc['plain', 'seg', 'mIoU']) == (
        pytest.approx(5 / 3), pytest.approx(math.sqrt(1 / 3)), 3, 3)
    with pytest.raises(InputError, match=r'other\.csv: random, seg, seed 1: mIoU is 12, but 11 in the work dir'):
        with_files(table, part(1, 11.), ['other.csv'])
    (home / 'more.csv').write_text(comma_separated(part(1, 12.5)))
    with pytest.raises(InputError, match=r'more\.csv: .* 12\.5, but 12 in other\.csv; leave one out'):
        with_files(table, part(0, 10.), ['other.csv', 'more.csv'])
    (home / 'more.csv').write_text('a,b\n1,2\n')
    with pytest.raises(InputError, match=r'more\.csv: has not the columns'):
        with_files(table, part(0, 10.), ['more.csv'])
    with pytest.raises(InputError, match=r'none\.csv: cannot be read'):
        with_files(table, part(0, 10.), ['none.csv'])
    (home / 'more.csv').write_text(comma_separated(part(1, 5.).assign(task='other')))
    with pytest.raises(InputError, match=r'more\.csv: no line is of a pretraining and a task of table\.py'):
        with_files(table, part(0, 10.), ['more.csv'])


def test_seeds_with_missing_folds_do_not_count():
    runs = [('a', 'b', 'c', seed, fold, 1., '%', '') for seed, fold in ((0, 0), (0, 1), (1, 0))]
    measured = pd.DataFrame(runs, columns=COLUMNS)
    found = summarise(measured, dict(b=2)).loc['a', 'b', 'c']
    assert found['count'] == 1 and math.isnan(found['std'])
    assert summarise(measured[2:], dict(b=2)).empty


@pytest.mark.parametrize(('old', 'new', 'message'), [
    ("title = 'Toys'", '', 'declares no title'),
    ("label='random',", "label='random', lable=1,", r'pretrainings\.random: lable unknown; the keys are label'),
    ("label='seg', config='seg.py',", "label='seg',", r'tasks\.seg: config missing'),
    ("label='mIoU')],", ')],', r'tasks\.seg\.scores: label missing'),
    ("needs=('data',)", "needs=('date',)", r'pretrainings\.random\.needs: date unknown; prepare has data, depth'),
    ("tasks=('seg',)", "tasks=('sag',)", r'pretrainings\.plain\.tasks: sag unknown; the tasks are seg, objects'),
])
def test_bad_tables(home, old, new, message):
    assert old in TABLE
    (home / 'table.py').write_text(TABLE.replace(old, new))
    with pytest.raises(InputError, match=message):
        read_table('table.py')


def test_a_score_that_not_every_row_has(home):
    (home / 'table.py').write_text(TABLE.replace(
        "label='seg', config='seg.py', scores=[dict(key='mIoU', label='mIoU')]",
        "label='seg', config='seg.py', scores=[dict(key='mIoU', label='mIoU'), "
        "dict(key='segm_mAP', label='AP', optional=True)]"))
    planned = plan()
    assert run(planned) == {}
    table = read_table('table.py')
    text = markdown(table, gather(table, planned.cells, 'work'), 2)
    assert '| plain | – | 15.0 ± 0.0 / – | – |' in text and '| 30.5 ± 0.7 / 50.0 ± 0.0 |' in text
    assert 'Seeds done' not in text
    assert '| plain | – | … / … | – |' in markdown(table, pd.DataFrame(columns=COLUMNS), 2)


def test_names_cannot_break_the_page(home):
    (home / 'table.py').write_text(TABLE.replace("title = 'Toys'", "title = 'Toys <b>'").replace(
        "label='random'", "label='random | 1 < 2 [x](y)'"))
    lines = markdown(read_table('table.py'), pd.DataFrame(columns=COLUMNS), 1).splitlines()
    assert lines[0] == '# Toys &lt;b&gt;'
    row = next(line for line in lines if 'random' in line)
    assert r'| random \| 1 &lt; 2 \[x\](y) |' in row
    assert row.replace(r'\|', '').count('|') == lines[2].count('|')


def test_unknown_placeholders_and_scores(home):
    (home / 'table.py').write_text(TABLE.replace('{depth}', '{deep}'))
    with pytest.raises(InputError, match=r"ours: only work_dir, depth, seed may stand in braces, not 'deep'"):
        plan()
    (home / 'table.py').write_text(TABLE.replace("key='segm_mAP'", "key='bbox_mAP'"))
    run(plan())
    with pytest.raises(InputError, match=r'scores\.json: holds no bbox_mAP, only mIoU, segm_mAP'):
        gather(read_table('table.py'), plan().cells, 'work')


def test_command_line(tmp_path):
    tool = Path(__file__).parents[2] / 'tools/compare.py'
    (tmp_path / 'pretrain.py').write_text(CONFIG)
    (tmp_path / 'seg.py').write_text(CONFIG)
    (tmp_path / 'table.py').write_text(TABLE)
    (tmp_path / 'tools').mkdir()
    (tmp_path / 'tools/scorer.py').write_text(SCORER)

    def call(*args):
        return subprocess.run([sys.executable, str(tool), 'table.py', '--work-dir', 'w', *args], cwd=tmp_path,
                              capture_output=True, text=True)

    listed = call('--list', '--rows', 'random', '--tasks', 'seg', '--seeds', '1').stdout.splitlines()
    assert [line.split()[0] for line in listed] == ['data', 'seg-random-1', 'seg-random-1-score']
    listed = call('--list', '--rows', 'ours', 'plain', '--tasks', 'seg', '--seeds', '1').stdout.splitlines()
    assert [line.split()[0] for line in listed] == [
        'data', 'depth', 'pretrain-ours-1', 'seg-ours-1', 'seg-ours-1-score', 'seg-plain-1-score']
    assert call('--list', '--rows', 'plain', '--tasks', 'objects').stdout == ''
    assert 'rows' in call('--help').stdout
    wrong = call('--rows', 'swav')
    assert wrong.returncode == 1 and 'swav unknown; there are random, ours, plain, given' in wrong.stderr
    assert call('--report', '--rows', 'random').returncode == 0  # the table is always whole
    assert (tmp_path / 'w/results.md').read_text().count('…') == 7
    assert (tmp_path / 'w/results.csv').read_text() == 'pretraining,task,score,seed,fold,value,unit,protocol\n'
    broken = TABLE.replace("label='objects', config='seg.py'", "label='objects', config='no.py'")
    (tmp_path / 'table.py').write_text(broken)
    partly = call('--report', '--tasks', 'seg')
    assert partly.returncode == 0 and 'what was asked for alone: no.py: no such config file' in partly.stderr
    assert 'objects' not in (tmp_path / 'w/results.md').read_text()
