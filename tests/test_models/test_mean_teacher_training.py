"""A mean teacher under MMEngine's runner, in a config of mmseg that lies elsewhere and was changed in a few lines."""

from __future__ import annotations

import copy
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.models import MeanTeacherSegmentor
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import write_disparity, write_png

SIDE, LABELLED, STEPS, INTERRUPTED = 64, 8, 6, 4

DEEPLAB = '''
backbone = dict(type='ResNetV1c', depth=18, base_channels=4, stem_channels=4, out_indices=(0, 1, 2, 3),
                dilations=(1, 1, 2, 4), strides=(1, 2, 1, 1), norm_cfg=dict(type='BN'), contract_dilation=True)
decode_head = dict(type='DepthwiseSeparableASPPHead', in_channels=32, in_index=3, channels=8, dilations=(1, 3, 6),
                   c1_in_channels=4, c1_channels=4, dropout_ratio=0.1, num_classes=2, norm_cfg=dict(type='BN'),
                   align_corners=False, loss_decode=dict(type='CrossEntropyLoss'))
auxiliary_head = dict(type='FCNHead', in_channels=16, in_index=2, channels=8, num_convs=1, concat_input=False,
                      num_classes=2, norm_cfg=dict(type='BN'), align_corners=False,
                      loss_decode=dict(type='CrossEntropyLoss', loss_weight=0.4))
'''
SEGFORMER = '''
backbone = dict(type='MixVisionTransformer', embed_dims=8, num_layers=[1, 1, 1, 1], num_heads=[1, 2, 4, 8],
                drop_rate=0.1, attn_drop_rate=0.1, drop_path_rate=0.1)
decode_head = dict(type='SegformerHead', in_channels=[8, 16, 32, 64], in_index=[0, 1, 2, 3], channels=8, num_classes=2,
                   norm_cfg=dict(type='BN'), align_corners=False, loss_decode=dict(type='CrossEntropyLoss'))
auxiliary_head = None
'''
THEIRS = '''
default_scope = 'mmseg'
work_dir = 'theirs'
randomness = dict(seed=1)
model = dict(
    type='EncoderDecoder', backbone=backbone, decode_head=decode_head, auxiliary_head=auxiliary_head,
    data_preprocessor=dict(type='SegDataPreProcessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375],
                           bgr_to_rgb=True, size=(48, 48)),
    train_cfg=dict(), test_cfg=dict(mode='whole'))
pipeline = [
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(64, 64), ratio_range=(0.5, 1.5), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(48, 48), cat_max_ratio=0.75), dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'), dict(type='PackSegInputs')]
images = dict(
    type='BaseSegDataset', data_root='data', img_suffix='.png', seg_map_suffix='.png',
    metainfo=dict(classes=('left', 'right'), palette=[[255, 0, 0], [0, 255, 0]]))
train_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(images, data_prefix=dict(img_path='images/train', seg_map_path='labels/train'), pipeline=pipeline))
val_dataloader = dict(
    batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(images, data_prefix=dict(img_path='images/val', seg_map_path='labels/val'), pipeline=[
        dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]))
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
val_cfg = dict(type='ValLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.01),
                     paramwise_cfg=dict(norm_decay_mult=0.))
param_scheduler = [dict(type='PolyLR', power=0.9, begin=0, end=6, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=6, val_interval=4)
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
    checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False))
log_processor = dict(by_epoch=False)
'''
CHANGED = '''
_base_ = 'theirs.py'
custom_imports = dict(imports=['mmdepthcp.registry'])
model = dict(_delete_=True, type='mmdepthcp.MeanTeacherSegmentor', segmentor=_base_.model, mixer=dict(type='depth'))
train_dataloader = dict(dataset=dict(
    _delete_=True, type='mmdepthcp.LabelledUnlabelledDataset', labelled=_base_.train_dataloader.dataset,
    subset=dict(count=8), disparity='data/disparity'))
custom_hooks = [dict(type='mmdepthcp.TeacherUpdateHook')]
'''


def write_streets(folder: Path) -> None:
    """Half of an image is dark, the other bright; what is bright is near."""
    for split, count in (('train', 2 * LABELLED), ('val', 2)):
        for number in range(count):
            rng = np.random.default_rng([count, number])
            bright = np.arange(SIDE) >= rng.integers(20, 44)
            image = rng.integers(0, 60, (SIDE, SIDE, 3)) + 150 * bright[None, :, None]
            write_png(folder / f'data/images/{split}/{number:02}.png', image.astype(np.uint8))
            write_png(folder / f'data/labels/{split}/{number:02}.png', np.tile(bright, (SIDE, 1)).astype(np.uint8))
            if split == 'train':
                disparity = .1 + .5 * bright + .3 * rng.random((SIDE, SIDE))
                write_disparity(folder / f'data/disparity/{number:02}.png', disparity)


@pytest.fixture
def their_config(tmp_path, monkeypatch):
    """A config in another folder, of one of the networks."""
    monkeypatch.setattr('mmengine.runner.runner.collect_env', dict)
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)
    write_streets(tmp_path)

    def load(network=DEEPLAB, changed=CHANGED, **settings):
        Path('theirs.py').write_text(network + THEIRS)
        Path('changed.py').write_text(changed)
        config = Config.fromfile('changed.py' if changed else 'theirs.py')
        for key, value in settings.items():
            config.merge_from_dict({key.replace('__', '.'): value})
        register_modules()
        return config

    yield load
    DefaultScope.overwrite_default_scope('mmdepthcp')


def own_samplers(**settings):
    """What a resumed run needs to draw the same numbers."""
    return dict(
        train_dataloader__sampler=dict(_delete_=True, type='mmdepthcp.EndlessSampler'),
        custom_hooks=[dict(type='mmdepthcp.TeacherUpdateHook'), dict(type='mmdepthcp.IterSeedHook')], **settings)


@pytest.mark.parametrize('network', [DEEPLAB, SEGFORMER], ids=['deeplabv3plus', 'segformer'])
def test_few_changed_lines(network, their_config, tmp_path):
    runner = Runner.from_cfg(their_config(network))
    seen = []
    update = MeanTeacherSegmentor.update_teacher
    runner.model.update_teacher = lambda limit: seen.append(limit) or update(runner.model, limit)
    runner.train()
    model, logged = runner.model, runner.message_hub.log_scalars
    assert isinstance(model, MeanTeacherSegmentor) and seen == [.99] * STEPS == [.99] * int(model.teacher.updates)
    names = {'train/decode.loss_ce', 'train/loss_unlabelled', 'train/confident', 'train/from_partner', 'val/mIoU',
             'val/teacher_mIoU'}
    assert names <= set(logged)
    assert all(math.isfinite(value) for name in names for value in logged[name].data[0])
    assert 0 < np.mean(logged['train/from_partner'].data[0]) < 1
    weights = [dict(network.named_parameters()) for network in (model.student, model.teacher)]
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in model.teacher.parameters())
    learnt = {id(parameter) for group in runner.optim_wrapper.optimizer.param_groups for parameter in group['params']}
    assert learnt == {id(parameter) for parameter in model.student.parameters()}

    plain_config = their_config(network, changed='')
    plain = MODELS.build(plain_config.model)
    state = torch.load('theirs/iter_6.pth', weights_only=False)['state_dict']
    fit = plain.load_state_dict(state, strict=False)
    assert not fit.missing_keys and all(name.startswith('teacher.') for name in fit.unexpected_keys)
    settings = dict(test_dataloader=plain_config.val_dataloader, test_evaluator=plain_config.val_evaluator,
                    test_cfg=dict(type='TestLoop'), load_from='theirs/iter_6.pth', work_dir='plain')
    plain_config.update(copy.deepcopy(settings))
    tested = Runner.from_cfg(plain_config).test()
    whole = their_config(network, work_dir='whole')
    whole.update({**copy.deepcopy(settings), 'work_dir': 'whole'})
    assert Runner.from_cfg(whole).test() == tested and tested['mIoU'] > 0


def test_the_changed_lines_are_all_that_is_needed(their_config):
    """In a process that imports nothing else."""
    their_config(SEGFORMER)
    code = ('from mmengine.config import Config; from mmengine.runner import Runner; '
            "runner = Runner.from_cfg(Config.fromfile('changed.py')); batch = next(iter(runner.train_dataloader)); "
            "print(sorted(batch), type(runner.model).__name__, *(type(hook).__name__ for hook in runner.hooks))")
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "['labelled', 'unlabelled'] MeanTeacherSegmentor" in result.stdout and 'TeacherUpdateHook' in result.stdout


def states(folder):
    content = torch.load(f'{folder}/iter_{STEPS}.pth', weights_only=False)
    return content['state_dict'], content['optimizer']


def differing(one, other):
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        return [f'{key}.{name}' for key in one for name in differing(one[key], other[key])]
    if isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        return [name for pair in zip(one, other, strict=True) for name in differing(*pair)]
    same = torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other
    return [] if same else ['']


def test_resumed_equals_uninterrupted_and_one_seed_gives_one_result(their_config):
    more = own_samplers(optim_wrapper__accumulative_counts=2)
    Runner.from_cfg(their_config(work_dir='whole', **more)).train()
    model, optimizer = states('whole')
    assert model['teacher.updates'] == STEPS // 2
    Runner.from_cfg(their_config(work_dir='parts', train_cfg__max_iters=INTERRUPTED, **more)).train()
    torch.rand(7)
    Runner.from_cfg(their_config(work_dir='parts', resume=True, train_dataloader__num_workers=1, **more)).train()
    assert not differing((model, optimizer), states('parts'))
    before = torch.load(f'parts/iter_{INTERRUPTED}.pth', weights_only=False)['state_dict']
    assert any(not torch.equal(before[name], model[name]) for name in model if name.startswith('teacher.'))


def test_a_teacher_that_is_worse_is_told_of(their_config, monkeypatch):
    config = their_config(train_cfg__max_iters=2, train_cfg__val_interval=2)
    runner = Runner.from_cfg(config)
    hook = next(hook for hook in runner.hooks if type(hook).__name__ == 'TeacherUpdateHook')
    said, evaluator = [], runner.build_evaluator(config.val_evaluator)
    monkeypatch.setattr(runner.logger, 'warning', said.append)
    evaluator.dataset_meta = runner.val_dataloader.dataset.metainfo
    for worse in ('student', 'teacher'):
        model = runner.model.eval()
        hook.before_val_epoch(runner)
        with torch.no_grad():
            getattr(model, worse).decode_head.conv_seg.bias.copy_(torch.tensor([-1e3, 1e3]))
            for index, batch in enumerate(runner.val_dataloader):
                outputs = model.val_step(batch)
                evaluator.process(outputs, batch)
                before = [sample.pred_sem_seg.data.clone() for sample in outputs]
                hook.after_val_iter(runner, index, batch, outputs)
                assert all(torch.equal(one, sample.pred_sem_seg.data)
                           for one, sample in zip(before, outputs, strict=True))
        metrics = evaluator.evaluate(2)
        hook.after_val_epoch(runner, metrics if worse == 'student' else {'mIoU': metrics['mIoU'] + 1})
        assert len(said) == (worse == 'teacher')
    assert 'the teacher is worse than its student: mIoU' in said[0]


def test_without_scoring_the_teacher(their_config):
    hooks = [dict(type='mmdepthcp.TeacherUpdateHook', score=False, limit=0.5)]
    runner = Runner.from_cfg(their_config(custom_hooks=hooks, train_cfg__max_iters=2, train_cfg__val_interval=2))
    runner.train()
    assert not any('teacher' in name for name in runner.message_hub.log_scalars)


def test_models_without_a_teacher_are_told_of(their_config):
    config = their_config(changed='')
    config.custom_hooks = [dict(type='mmdepthcp.TeacherUpdateHook')]
    with pytest.raises(InputError, match=r'EncoderDecoder has no teacher; set model\.type to'):
        Runner.from_cfg(config).train()


def test_weights_to_start_from_go_to_the_teacher_too(their_config):
    plain = MODELS.build(their_config(changed='').model)
    plain.decode_head.conv_seg.bias.data.fill_(3.)
    torch.save(dict(state_dict=plain.state_dict(), meta=dict(mmengine_version='0.10.7')), 'start.pth')
    runner = Runner.from_cfg(their_config(
        load_from='start.pth', train_cfg__max_iters=1, optim_wrapper__optimizer__lr=0.))
    runner.train()
    assert (runner.model.teacher.decode_head.conv_seg.bias == 3).all()
