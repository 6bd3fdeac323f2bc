"""DepthG and STEGO under MMEngine's runner: hooks, validation, interrupting and resuming, all settings that change with
the iteration among them.
"""

import json
from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.config.loading import load_config
from mmdepthcp.utils.images import read_image
from tests.test_configs import write_data

ROOT = Path(__file__).parents[2]
STEPS, INTERRUPTED = 4, 2
CHANGING = ['model.depth.decay=0.5', 'model.depth.decay_interval=2', 'model.points.decay=0.8',
            'model.points.decay_interval=2', 'model.points.side=4']
KINDS = dict(
    intent=('depthg_toy', CHANGING),
    legacy=('depthg_toy_legacy', [*CHANGING, 'model.points.decay_at_start=True']))


@pytest.fixture(params=KINDS)
def train(request, tmp_path, monkeypatch):
    """Trains for some steps into a folder, on few images, and validates on the way."""
    register_modules()
    name, settings = KINDS[request.param]
    monkeypatch.setattr('mmengine.runner.runner.collect_env', dict)
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)

    def train(folder, steps, num_workers=0, **more):
        config = load_config(ROOT / f'configs/depthg/{name}.py', [
            *settings, f'train_cfg.max_iters={steps}', f'train_cfg.val_interval={INTERRUPTED}',
            f'default_hooks.checkpoint.interval={INTERRUPTED}', 'default_hooks.checkpoint.max_keep_ckpts=5',
            'default_hooks.logger.interval=1',
            f'train_dataloader.num_workers={num_workers}', f'train_dataloader.persistent_workers={num_workers > 0}',
            'train_dataloader.batch_size=4', 'val_dataloader.num_workers=0', 'val_dataloader.persistent_workers=False',
            'model.backbone.backbone.init_cfg=None', 'model.backbone.neck.init_cfg=None',
            'model.backbone.decode_head.init_cfg=None'])
        config.update(work_dir=folder, test_dataloader=None, test_cfg=None, test_evaluator=None, **more)
        config.custom_hooks = [hook for hook in config.custom_hooks if not hook.type.endswith('NeighbourCheckHook')]
        for hook in config.custom_hooks:
            if hook.type.endswith(('Calibration', 'CalibrationHook', 'SimilarityHistogramHook')):
                hook.num_items = 6
            if 'interval' in hook:
                hook.interval = INTERRUPTED
        config.visualizer.name = f'{tmp_path}/{folder}'  # of each run its own
        init_default_scope(config.default_scope)
        if not Path('data').exists():
            write_data({key: config[key] for key in ('train_dataloader', 'val_dataloader')})
        torch.manual_seed(0)
        runner = Runner.from_cfg(config)
        runner.train()
        return runner, torch.load(f'{folder}/iter_{steps}.pth', weights_only=False)

    return train


def logged(runner, name):
    return runner.message_hub.get_scalar(f'train/{name}').data[0].tolist()


def test_resumed_equals_uninterrupted(train):
    runner, whole = train('whole', STEPS)
    train('parts', INTERRUPTED)
    torch.rand(7)
    resumed, state = train('parts', STEPS, num_workers=1, resume=True)
    for name, tensor in whole['state_dict'].items():
        assert torch.equal(state['state_dict'][name], tensor), name
    for name in ('loss', 'loss_self', 'loss_depth', 'loss_negative', 'loss_linear'):
        course = logged(runner, name)
        assert len(set(course)) == STEPS
        assert logged(resumed, name)[-(STEPS - INTERRUPTED):] == course[INTERRUPTED:]

    record = [json.loads(Path(folder, 'validation.json').read_text()) for folder in ('whole', 'parts')]
    assert record[0] == record[1] and [entry['iteration'] for entry in record[0]] == [2, 4]
    log = next(Path('whole').glob('*/*.log')).read_text()
    course = [score['value'] for entry in record[0] for score in entry['scores']
              if (score['name'], score['protocol'], score['unit']) == ('mIoU', 'toy10', '%')]
    assert (f'toy10/mIoU: last {course[1]} (iteration 4); best {max(course)} (iteration '
            f'{[2, 4][course.index(max(course))]}), chosen with the labels') in log
    assert log.count('similarities, negative: features') == 3 and log.count('calibrated on 6 items') == 1
    pictures = sorted(path.name for path in Path('whole').rglob('similarities*.png'))
    assert pictures == [f'similarities_{iteration}.png' for iteration in (0, 2, 4)]
    assert read_image(next(Path('whole').rglob('similarities_0.png'))).shape[1] > 900
