"""tools/train.py and tools/test.py on a model of one weight: flags of the house, resuming, errors in words."""

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.device import get_device

import mmdepthcp
from mmdepthcp.cli.trackers import log_to
from mmdepthcp.engine.resuming import forget_beginnings, latest_checkpoint
from mmdepthcp.utils.code_version import code_commit
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.scores import find_score, read_scores
from mmdepthcp.utils.storage import LocalBackend

TOOLS = Path(__file__).parents[2] / 'tools'

MODULE = '''
import pathlib
import torch
from mmengine.dataset import BaseDataset
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmdepthcp.utils.errors import InputError
from mmdepthcp.registry import DATASETS, METRICS, MODELS


@DATASETS.register_module()
class Numbers(torch.utils.data.Dataset):
    def __init__(self, bad=False):
        self.bad = bad

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if self.bad:
            raise InputError('3.png: the file is empty; make it again')
        return dict(inputs=torch.tensor([float(index)]), data_samples=index)


@MODELS.register_module()
class Line(BaseModel):
    def __init__(self, width=1, norm=False, init_cfg=None):
        super().__init__(init_cfg=init_cfg)
        self.norm = torch.nn.BatchNorm1d(width) if norm else torch.nn.Identity()
        self.layer = torch.nn.Linear(width, 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        values = self.layer(self.norm(torch.stack(list(inputs))))
        return dict(loss=values.square().mean()) if mode == 'loss' else list(values)


@METRICS.register_module()
class MeanValue(BaseMetric):
    default_prefix = 'line'

    def process(self, data_batch, data_samples):
        self.results += [float(value) for value in data_samples]

    def compute_metrics(self, results):
        return dict(mean=sum(results) / len(results), count=len(results))


@METRICS.register_module()
class DrawnMean(MeanValue):
    def __init__(self, save_dir=None):
        super().__init__()
        self.save_dir = save_dir

    def compute_metrics(self, results):
        if self.save_dir:
            pathlib.Path(self.save_dir, 'mean.txt').write_text(str(sum(results)))
        return super().compute_metrics(results)
'''

CONFIG = '''
default_scope = 'mmdepthcp'
custom_imports = dict(imports=['line_of_numbers'])
model = dict(type='Line')
data = dict(type='Numbers')
loader = dict(batch_size=2, num_workers=0, dataset=data, sampler=dict(type='DefaultSampler', shuffle=False))
train_dataloader = loader
test_dataloader = loader
test_evaluator = dict(type='MeanValue')
train_cfg = dict(by_epoch=True, max_epochs=2)
test_cfg = dict()
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01))
default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=1))
custom_hooks = [dict(type='PretrainedCheckHook')]
randomness = dict(seed=0)
'''


@pytest.fixture(scope='module')
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp('line')
    (folder / 'line_of_numbers.py').write_text(MODULE)
    (folder / 'line.py').write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.chdir(folder)
        yield folder


def run(tool, *args):
    """Run a tool in this process; return the message that it ended with, None if it ended well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', [tool, *map(str, args)])
        try:
            runpy.run_path(str(TOOLS / tool), run_name='__main__')
        except SystemExit as ending:
            return ending.code
    return None


def run_on_two_processes(script, home, *args, port):
    python = str(Path(sys.executable).parent)
    result = subprocess.run(
        ['bash', str(TOOLS / script), *map(str, args)], capture_output=True, text=True, cwd=home,
        env={**os.environ, 'PYTHONPATH': str(home), 'OMP_NUM_THREADS': '1', 'PORT': port,
             'PATH': f'{python}:{os.environ["PATH"]}'})
    assert result.returncode == 0, result.stderr


def weights(checkpoint):
    return torch.load(checkpoint, map_location='cpu', weights_only=False)['state_dict']


@pytest.fixture(scope='module')
def trained(home):
    assert run('train.py', 'line.py', '--cfg-options', 'train_cfg.max_epochs=1') is None
    checkpoint = home / 'work_dirs/line/epoch_1.pth'
    assert checkpoint.is_file()
    return checkpoint


def test_resume_goes_on(home, trained):
    assert run('train.py', 'line.py', '--work-dir', 'whole') is None
    assert run('train.py', 'line.py', '--resume') is None
    resumed = weights(trained.parent / 'epoch_2.pth')
    for name, tensor in weights(home / 'whole/epoch_2.pth').items():
        assert torch.equal(tensor, resumed[name])


def test_checkpoints_tell_which_code_trained(trained):
    meta = torch.load(trained, map_location='cpu', weights_only=False)['meta']
    code = Config.fromstring(meta['cfg'], '.py').code
    assert code.version == mmdepthcp.__version__
    assert code.commit == 'unknown' or len(code.commit.removesuffix('-dirty')) == 40


def test_tensorboard_in_one_line(home, capsys, monkeypatch):
    """Losses go there and, as without it, into the folder of the run; the log file has what --quiet keeps back."""
    events = pytest.importorskip('tensorboard.backend.event_processing.event_accumulator')
    assert run('train.py', 'line.py', '--work-dir', 'board', '--log-to', 'tensorboard', '--quiet',
               '--cfg-options', 'experiment_name=board') is None
    assert capsys.readouterr().out == ''
    file, = (home / 'board').rglob('events.out.tfevents.*')
    board = events.EventAccumulator(str(file))
    board.Reload()
    losses = [event.value for event in board.Scalars('loss')]
    scalars, = (home / 'board').rglob('scalars.json')
    written = [json.loads(line)['loss'] for line in scalars.read_text().splitlines()]
    assert losses and losses == pytest.approx(written, rel=1e-4)
    log, = (home / 'board').rglob('*.log')
    assert log.read_text().count('loss: ') == len(losses)


@pytest.mark.parametrize(('name', 'module'), [('tensorboard', 'torch.utils.tensorboard'), ('wandb', 'wandb')])
def test_a_missing_tracker_is_named(home, monkeypatch, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    ending = run('train.py', 'line.py', '--work-dir', 'nowhere', '--log-to', name)
    assert ending.startswith(f'error: --log-to {name} needs {name}: pip install {name} (')
    assert not Path('nowhere').exists()


def test_trackers_are_added_to_those_of_the_config(monkeypatch):
    monkeypatch.setitem(sys.modules, 'wandb', object())
    kept = dict(type='SegLocalVisualizer', vis_backends=[dict(type='mmdepthcp.LocalVisBackend')], name='visualizer')
    config = ConfigDict(visualizer=kept)
    for _ in range(2):
        log_to(config, ['wandb'])
    assert config.visualizer.to_dict() == dict(
        kept, vis_backends=[dict(type='mmdepthcp.LocalVisBackend'), dict(type='mmengine.WandbVisBackend')])


def test_commit_of_the_code(tmp_path, monkeypatch):
    (tmp_path / 'mmdepthcp').mkdir()
    monkeypatch.setattr(mmdepthcp, '__file__', str(tmp_path / 'mmdepthcp/__init__.py'))
    assert code_commit() == 'unknown'
    commit = ['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-qm', 'x', '--allow-empty']
    for command in (['init', '-q'], commit):
        subprocess.run(['git', '-C', str(tmp_path), *command], check=True)
    commit = code_commit()
    assert len(commit) == 40 and code_commit(7) == commit[:7]
    monkeypatch.setenv('PATH', '')
    assert code_commit() == 'unknown'


def test_scores_are_written(home, trained):
    assert run('test.py', 'line.py', trained, '--work-dir', 'w', '--out', 'w/scores.json') is None
    scores = {score.name: score.value for score in read_scores(home / 'w/scores.json')}
    state = weights(trained)
    expected = 1.5 * float(state['layer.weight']) + float(state['layer.bias'])
    assert scores['count'] == 4
    assert scores['mean'] == pytest.approx(expected, abs=1e-5)


def test_without_checkpoint_the_starting_weights_are_scored(home):
    assert run('test.py', 'line.py', 'none', '--work-dir', 'n', '--out', 'n/scores.json') is None
    assert find_score(read_scores(home / 'n/scores.json'), 'count', 'n').value == 4


LONGER = '''
_base_ = 'line.py'
param_scheduler = [dict(type='LinearLR', start_factor=0.5, by_epoch=False, begin=0, end=3),
                   dict(type='CosineAnnealingLR', eta_min=1e-5, by_epoch=True, begin=0, end={0}, T_max={0})]
train_cfg = dict(max_epochs={0})
'''


def rates(folder, epochs):
    read = [torch.load(f'{folder}/epoch_{epoch}.pth', weights_only=False) for epoch in epochs]
    return [(content['optimizer']['param_groups'][0]['lr'],
             [scheduler['_last_value'] for scheduler in content['param_schedulers']]) for content in read]


@pytest.mark.parametrize('change', ['optim_wrapper.optimizer.lr=0.01', 'optim_wrapper.optimizer.lr=0.03'])
def test_a_longer_schedule_is_that_of_the_config(home, change, capfd):
    """Rates after resuming are those of a training that had the longer schedule from the start, exactly."""
    work = change[-4:]
    for epochs in (3, 6):
        Path(f'line{epochs}.py').write_text(LONGER.format(epochs))
    assert run('train.py', 'line6.py', '--work-dir', f'{work}/whole', '--cfg-options', change) is None
    assert run('train.py', 'line3.py', '--work-dir', f'{work}/parts') is None
    capfd.readouterr()
    assert run('train.py', 'line6.py', '--work-dir', f'{work}/parts', '--resume', '--cfg-options', change) is None
    log = ''.join(capfd.readouterr())  # MMEngine's files are named by the second: runs may share one
    assert rates(f'{work}/parts', (4, 5, 6)) == rates(f'{work}/whole', (4, 5, 6))
    assert 'goes on with the settings of the config where the checkpoint has others:' in log
    assert ('lr 0.01 → 0.03' in log) == ('0.03' in change) and 'the schedule (param_scheduler)' in log


def test_resuming_with_the_same_settings_changes_nothing(home, capfd):
    Path('line3.py').write_text(LONGER.format(3))
    assert run('train.py', 'line3.py', '--work-dir', 'same/whole') is None
    assert run('train.py', 'line3.py', '--work-dir', 'same/parts', '--cfg-options', 'train_cfg.max_epochs=2') is None
    capfd.readouterr()
    assert run('train.py', 'line3.py', '--work-dir', 'same/parts', '--resume') is None
    assert 'goes on with the settings' not in ''.join(capfd.readouterr())
    assert rates('same/parts', [3]) == rates('same/whole', [3])


def test_weight_decay_of_the_config(home, trained):
    options = ['--cfg-options', 'optim_wrapper.optimizer.weight_decay=0.5']
    assert run('train.py', 'line.py', '--work-dir', 'decay', '--resume', trained, *options) is None
    content = torch.load('decay/epoch_2.pth', weights_only=False)
    assert content['optimizer']['param_groups'][0]['weight_decay'] == 0.5


@pytest.mark.parametrize(('options', 'message'), [
    (['model.width=2'], 'a checkpoint of another model: 1 of 2 tensors of Line fit'),
    (['optim_wrapper.optimizer.type=AdamW'], 'its optimiser has other settings than AdamW'),
    (['optim_wrapper.paramwise_cfg.bias_lr_mult=2.'], 'its optimiser has other groups of parameters than SGD'),
])
def test_a_checkpoint_that_does_not_fit_is_not_gone_on_from(home, trained, options, message):
    assert message in run('train.py', 'line.py', '--work-dir', 'f', '--resume', trained, '--cfg-options', *options)


def test_weights_alone_are_not_gone_on_from(home, trained):
    torch.save(dict(state_dict=weights(trained)), 'alone.pth')
    message = run('train.py', 'line.py', '--work-dir', 'f', '--resume', 'alone.pth')
    assert message.startswith('error: alone.pth: no training can go on from it, for it has no optimizer, message_hub, '
                              'meta.epoch, meta.iter; to start from its weights, leave out --resume and add')
    assert run('train.py', 'line.py', '--work-dir', 'f', '--cfg-options', 'load_from=alone.pth') is None


@pytest.mark.parametrize('last', [None, '', 'gone.pth', 'e/epoch_9.pth'])
def test_the_latest_complete_checkpoint_is_found(home, trained, last):
    folder = home / 'e'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    assert latest_checkpoint(folder) is None
    for number in (2, 10):
        shutil.copy(trained, folder / f'epoch_{number}.pth')
    (folder / 'epoch_11.pth').write_bytes(trained.read_bytes()[:900])
    if last is not None:
        (folder / 'last_checkpoint').write_text(last)
    assert latest_checkpoint(folder) == str(folder / 'epoch_10.pth')
    (folder / 'last_checkpoint').write_text('/moved/from/there/epoch_2.pth')
    assert latest_checkpoint(folder) == str(folder / 'epoch_2.pth')
    for number in (2, 10):
        (folder / f'epoch_{number}.pth').unlink()
    with pytest.raises(InputError, match='no checkpoint there can be gone on from'):
        latest_checkpoint(folder)


def test_what_weights_started_from_is_not_asked_for_again(home, trained):
    options = ['--cfg-options', 'model.init_cfg.type=Pretrained', 'model.init_cfg.checkpoint=gone.pth']
    assert run('test.py', 'line.py', trained, '--work-dir', 'g', *options) is None
    assert run('train.py', 'line.py', '--work-dir', 'g', '--resume', trained, *options) is None
    assert 'gone.pth: no such checkpoint file' in run('test.py', 'line.py', 'none', '--work-dir', 'g', *options)


def test_beginnings_are_forgotten_everywhere():
    file = dict(type='Pretrained', checkpoint='a')
    model = ConfigDict(dict(
        pretrained='b', backbone=dict(init_cfg=file, x=[dict(init_cfg=[dict(type='Kaiming'), file])]),
        neck=dict(pretrained=None, init_cfg=dict(type='mmengine.PretrainedInit', checkpoint='a'))))
    forget_beginnings(model)
    assert model.to_dict() == dict(
        pretrained=None, backbone=dict(init_cfg=None, x=[dict(init_cfg=[dict(type='Kaiming')])]),
        neck=dict(pretrained=None, init_cfg=None))


def test_there_is_a_checkpoint_while_the_next_one_is_written(home, monkeypatch):
    """A training that is killed while it writes a checkpoint still has the one before."""
    there, put = [], LocalBackend.put

    def look(backend, content, file):
        if str(file).endswith('.pth'):
            there.append(sorted(path.name for path in Path('k').glob('*.pth')))
        put(backend, content, file)

    monkeypatch.setattr(LocalBackend, 'put', look)
    assert run('train.py', 'line.py', '--work-dir', 'k', '--cfg-options', 'train_cfg.max_epochs=3',
               'default_hooks.checkpoint.max_keep_ckpts=1') is None
    assert there == [[], ['epoch_1.pth'], ['epoch_2.pth']]
    assert [path.name for path in Path('k').glob('*.pth')] == ['epoch_3.pth']
    assert not list(Path('k').glob('.*'))


@pytest.mark.parametrize(('tool', 'args', 'message'), [
    ('train.py', ['no.py'], 'error: no.py: no such config file'),
    ('train.py', ['line.py', '--resume', 'no.pth'], 'error: no.pth: no such checkpoint file'),
    ('train.py', ['line.py', '--resume', 'line.py'], 'error: line.py: not a readable checkpoint'),
    ('train.py', ['line.py', '--cfg-options', 'lr'], 'error: --cfg-options lr: an option is written KEY=VALUE'),
    ('train.py', ['line.py', '--cfg-options', 'model.type.x=1'], 'model.type.x=1 does not fit the config'),
    ('train.py', ['line.py', '--auto-scale-lr'], 'needs auto_scale_lr.base_batch_size'),
    ('train.py', ['line.py', '--work-dir', 'b', '--cfg-options', 'train_dataloader.dataset.bad=1',
                  'train_dataloader.num_workers=1'], 'error: 3.png: the file is empty; make it again'),
    ('train.py', ['line.py', '--cfg-options', 'train_dataloader.batch_size=5', 'train_dataloader.drop_last=True'],
     'error: line.py: train_dataloader: the data set holds 4 samples, fewer than a batch'),
    pytest.param('train.py', ['line.py', '--amp'], 'error: line.py: mixed precision needs a GPU',
                 marks=pytest.mark.skipif(get_device() != 'cpu', reason='there is a GPU')),
    ('train.py', ['line.py', '--cfg-options', 'model.init_cfg.type=Pretrained', 'model.init_cfg.checkpoint=none.pth'],
     'error: none.pth: no such checkpoint file'),
    ('train.py', ['line.py', '--cfg-options', 'load_from=none.pth'], 'error: none.pth: no such checkpoint file'),
    ('train.py', ['line.py', '--work-dir', 'i', '--cfg-options', 'optim_wrapper.optimizer.lr=1e30'],
     'error: iteration 2: loss not finite. Resume from the last checkpoint'),
    ('test.py', ['line.py', 'no.pth'], 'error: no.pth: no such checkpoint file'),
    ('test.py', ['line.py', 'none', '--show-dir', 'x'], 'needs a visualization hook'),
])
def test_errors_in_words(home, tool, args, message):
    assert message in run(tool, *args)


@pytest.mark.parametrize('kind', ['DrawnMean', 'mmdepthcp.DrawnMean'])
def test_pictures_of_any_metric_that_draws(home, tmp_path, kind):
    options = ['--show-dir', tmp_path / 'drawn', '--cfg-options', f'test_evaluator.type={kind}']
    assert run('test.py', 'line.py', 'none', *options) is None
    assert (tmp_path / 'drawn/mean.txt').is_file()


def test_checkpoint_of_another_model_is_refused(trained):
    message = run('test.py', 'line.py', trained, '--work-dir', 'o', '--cfg-options', 'model.width=2')
    assert 'a checkpoint of another model: 1 of 2 tensors of Line fit' in message


def test_two_processes_train_as_one(home):
    options = ['train_cfg.max_epochs=1', 'model.norm=True', 'sync_bn=torch']
    assert run('train.py', 'line.py', '--work-dir', 'one', '--cfg-options', *options) is None
    run_on_two_processes('dist_train.sh', home, 'line.py', 2, '--work-dir', 'd', '--cfg-options', *options,
                         'train_dataloader.batch_size=1', port='29617')
    one, both = (weights(home / folder / 'epoch_1.pth') for folder in ('one', 'd'))
    assert one.keys() == both.keys() and 'norm.running_var' in one
    torch.testing.assert_close(dict(both), dict(one))


@pytest.mark.parametrize('tool', sorted(str(path.relative_to(TOOLS)) for path in TOOLS.rglob('*.py')))
def test_help(tool):
    result = subprocess.run([sys.executable, str(TOOLS / tool), '--help'], capture_output=True, text=True)
    assert result.returncode == 0 and result.stdout.startswith('usage:'), result.stderr
