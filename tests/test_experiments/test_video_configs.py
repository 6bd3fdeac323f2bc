"""The configs of a plan: they can be read, and a step of training goes through for every method."""

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, DefaultScope
from mmengine.runner import Runner

from mmdepthcp.apis.resnets import ResNetKind
from mmdepthcp.cli.tools import register_modules
from mmdepthcp.config.loading import load_config
from mmdepthcp.config.writing import Changed, Code, setting
from mmdepthcp.experiments.building import read_stages
from mmdepthcp.experiments.video_configs import CONFIG, DEPTH, FINETUNE, Labels, Setup, Start, configs, targets_of
from mmdepthcp.experiments.video_frames import read_shots, write_lists
from mmdepthcp.experiments.video_tasks import METHODS, Plan, Task
from mmdepthcp.utils.fileio import write_json
from mmdepthcp.utils.images import write_disparity, write_png, write_regions

SMALL, R18, R50 = ResNetKind(18, base_channels=32, stem_channels=32), ResNetKind(18), ResNetKind(50)
PLAN = Plan(SMALL, (96, 64), 1, 8, 1, 2, 3, 4, 6, 3, 32, 2, 4, True, 0, 1)
FRAMES = 8


@pytest.fixture(scope='module', autouse=True)
def registered():
    register_modules()


def picture(seed):
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(noise, (64, 48))


@pytest.fixture
def out(tmp_path):
    for number in range(FRAMES):
        name = f'shot/{number:06d}.png'
        write_png(tmp_path / 'frames' / name, picture(number))
        write_disparity(tmp_path / 'disparity' / name, np.linspace(.05, .9, 48)[:, None].repeat(64, 1))
        write_regions(tmp_path / 'regions' / name, np.arange(12).reshape(3, 4).repeat(16, 0).repeat(16, 1))
    for number in range(3):
        write_png(tmp_path / f'labelled/images/{number}.png', picture(number))
        write_png(tmp_path / f'labelled/labels/{number}.png', np.full((48, 64), number, np.uint8))
    shots = read_shots(tmp_path / 'frames')
    write_lists(shots, tmp_path, 1, 1, 2)
    for name, numbers in (('train', (0, 1)), ('val', (2,))):
        (tmp_path / f'lists/labelled_{name}.txt').write_text(''.join(f'{number}.png\n' for number in numbers))
    return tmp_path


def setup_of(out, method='depthcp', network=SMALL, depth='own', **more):
    root = out / 'labelled'
    labels = Labels(root / 'images', root / 'labels', ('a', 'b', "c's"), [[0, 0, 0], [9, 9, 9], [99, 9, 0]],
                    out / 'lists/labelled_train.txt', out / 'lists/labelled_val.txt')
    return Setup(replace(PLAN, network=network, **more), Task(method, depth, 2, 1), out, out / 'frames',
                 out / 'disparity', (1.0, 1.3, 0.5, 0.5), False, labels=labels, targets=targets_of(network))


def written(setup):
    for name, text in configs(setup).items():
        (setup.out / name).write_text(text)
        assert max(map(len, text.replace(str(setup.out), '').splitlines())) <= 120
    return {name: load_config(setup.out / name) for name in configs(setup)}


def step(config):
    """One step of training, without pretrained weights."""
    for part in ('backbone', 'neck', 'decode_head'):
        if part in config.model:
            config.model[part].pop('init_cfg', None)
    with DefaultScope.overwrite_default_scope(config.default_scope):
        model = MODELS.build(config.model)
        loader = Runner.build_dataloader(config.train_dataloader, seed=0)
        batch = loader.collate_fn([loader.dataset[0, 0, index] for index in range(
            min(loader.batch_size, len(loader.dataset)))])
        logged = model.train_step(batch, build_optim_wrapper(model, config.optim_wrapper))
    assert all(math.isfinite(float(value)) for value in logged.values())
    return model, logged


@pytest.mark.parametrize('method', METHODS)
def test_a_step_of_every_method(out, method):
    _, logged = step(written(setup_of(out, method))[CONFIG])
    assert float(logged['loss']) != 0


def test_a_step_of_depth_learns_the_focal_length(out):
    config = written(setup_of(out))[DEPTH]
    model, logged = step(config)
    assert model.backbone.feature_channels == (32, 32, 64, 128, 256) and 'focal_x' in logged
    assert config.check_dataset.ann_file.endswith('depth_check.txt')


def test_lengths_are_changed_in_one_place(out):
    written(setup_of(out))
    for name, line in ((CONFIG, 'epochs = 3'), (DEPTH, 'epochs = 3'), (FINETUNE, 'iterations = 4')):
        text = (out / name).read_text()
        assert text.count(f'{line}\n') == 1
        (out / name).write_text(text.replace(f'{line}\n', line.replace(line[-1], '17\n')))
        config = load_config(out / name)
        assert config.train_cfg.get('max_epochs', config.train_cfg.get('max_iters')) == 17
        assert config.param_scheduler[-1]['end'] == 17


@pytest.mark.parametrize('tested, interval', [(1, 1), (40, 3), (5000, 416)])
def test_some_predictions_are_drawn_however_many_images_are_scored(out, tested, interval):
    setup = setup_of(out)
    setup = replace(setup, task=replace(setup.task, tested=tested))
    config = written(setup)[FINETUNE]
    assert config.default_hooks.visualization == dict(type='SegVisualizationHook', interval=interval)


def test_a_step_of_finetuning(out):
    model, _ = step(written(setup_of(out))[FINETUNE])
    assert model.decode_head.num_classes == 3


@pytest.mark.parametrize(('method', 'network'), [('depthcp', R18), ('depthcp', R50), ('swav', R50), ('pixpro', R18)])
def test_larger_networks_are_built(out, method, network):
    found = written(setup_of(out, method, network))
    for config in found.values():
        with DefaultScope.overwrite_default_scope(config.default_scope):
            model = MODELS.build(config.model)
        assert model.backbone.base_channels == 64 and len(model.backbone.layer3) == (6 if network is R50 else 2)


def test_calibrated_cameras_are_read(out):
    write_json(out / 'frames/intrinsics.json', dict(fx=60, fy=60, cx=32, cy=24, width=64, height=48))
    shots = read_shots(out / 'frames')
    assert shots.footage.calibrated and shots.intrinsics == pytest.approx((0.9375, 1.25, 0.5, 0.5))
    config = written(replace(setup_of(out), calibrated=True))[DEPTH]
    assert 'learn_intrinsics' not in config.model.pose_net
    assert 'focal_x' not in step(config)[1]


def stages_in(out, **more):
    written(setup_of(out, **more))
    path = str(out / CONFIG)
    return {stage.name: stage for stage in read_stages(load_config(path), path, str(out))}


def test_stages_build_on_each_other(out):
    stages = stages_in(out)
    assert list(stages) == ['depth', 'depth_check', 'disparity', 'regions', 'pretrain', 'export', 'finetune',
                            'finetune_score', 'random', 'random_score', 'report']
    names = {name: {need.name for need in stage.upstream} for name, stage in stages.items()}
    assert names['pretrain'] == {'depth', 'disparity', 'regions'} and not names['random']
    assert names['report'] == set(stages) - {'report'}
    assert f'model.backbone.init_cfg.checkpoint={out}/depth/epoch_3.pth' in stages['pretrain'].command
    assert stages['pretrain'].outputs == (f'{out}/pretrain/epoch_3.pth',)
    assert f'model.neck.init_cfg.checkpoint={out}/pretrain/epoch_3.pth' in stages['finetune'].command
    assert 'model.neck.init_cfg=None' in stages['random'].command
    assert f'{out}/backbone_{{target}}.pth' in stages['export'].command
    assert [stage.processes for stage in stages.values()] == [1] * 11


def test_only_what_a_method_needs_is_made(out):
    assert 'regions' not in stages_in(out, method='depth_pixpro')
    assert not {'disparity', 'regions'} & set(stages_in(out, method='swav'))
    assert not {'depth', 'depth_check', 'disparity'} & set(stages_in(out, depth='disparity'))


def test_gpus_are_used_together(out):
    stages = stages_in(out, processes=4)
    line = stages['pretrain'].command_line(out)
    assert line[1:5] == ['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=4']
    assert '--auto-scale-lr' in line and line[line.index('--launcher') + 1] == 'pytorch'
    assert '--launcher' not in stages['disparity'].command_line(out) and stages['disparity'].processes == 4
    assert stages['pretrain'].digest != stages_in(out)['pretrain'].digest
    assert stages['export'].processes == 1


def test_encoder_starts_from_what_is_given(out):
    setup = replace(setup_of(out), start=Start('/weights.pth'))
    found = written(setup)
    assert found[DEPTH].model.backbone.init_cfg == dict(type='Pretrained', checkpoint='/weights.pth')
    assert found[CONFIG].model.backbone.init_cfg.prefix == 'backbone.'
    alone = written(replace(setup_of(out, depth='hf'), depth_start=Start('/weights.pth', 'backbone.')))
    assert alone[CONFIG].model.backbone.init_cfg.checkpoint == '/weights.pth' and DEPTH not in alone


@pytest.mark.parametrize('value', [
    dict(a=1, b=(1,), c=[], d=None, e='it\'s "x"'), [dict(type='A' * 60, b=dict(c=[1.5] * 30))], {},
    dict(long={f'key_{index}': index for index in range(30)})])
def test_settings_read_as_they_are_written(value):
    text = setting('x', value)
    space: dict = {}
    exec(text, space)
    assert space['x'] == value
    assert max(map(len, text.splitlines())) <= 120


def test_code_stands_as_it_is():
    assert setting('x', [Code('*load'), dict(a=Code('b'))]) == 'x = [*load, dict(a=b)]'
    assert setting('x', [Changed('a.b'), Changed('c', dict(d=1, e=[]))]) == 'x = [a.b, dict(c, d=1, e=[])]'


def test_paths_with_odd_characters_stay_texts(out):
    odd = out / "it's {odd} 1e3"
    setup = replace(setup_of(out), images=odd, disparity=odd)
    text = configs(setup)[CONFIG]
    (out / CONFIG).write_text(text)
    assert load_config(out / CONFIG).images == str(odd) and isinstance(Path(str(odd)), Path)
