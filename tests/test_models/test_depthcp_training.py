"""DepthCP under MMEngine's runner: training, validation, interrupting and resuming."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample

from mmdepthcp.registry import DATASETS, HOOKS
from mmdepthcp.structures import MixedViewsSample

SIZE = (32, 64)


@DATASETS.register_module()
class StubViews(torch.utils.data.Dataset):
    """Four items of two random views, drawn anew in every epoch."""

    metainfo: dict = {}

    def __len__(self):
        return 4

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        sample = MixedViewsSample()
        for level in ('region_matches', 'pixel_matches'):
            setattr(sample, level, InstanceData(
                points=torch.from_numpy((rng.random((30, 2)) * SIZE[::-1]).astype(np.float32)),
                views=torch.from_numpy(rng.integers(0, 2, 30)),
                groups=torch.from_numpy(np.unique(rng.integers(0, 8, 30), return_inverse=True)[1])))
        views = torch.from_numpy(rng.integers(0, 256, (2, 3, *SIZE), dtype=np.uint8))
        return dict(inputs=views, data_samples=sample)


@DATASETS.register_module()
class StubLabelled(torch.utils.data.Dataset):
    """Two images whose left half is one class, their right half another."""

    metainfo = dict(classes=('left', 'right'), palette=[[255, 0, 0], [0, 255, 0]], protocol='stub2')

    def __len__(self):
        return 2

    def __getitem__(self, index):
        image = np.random.default_rng(index).integers(0, 60, (3, *SIZE), dtype=np.uint8)
        image[:, :, SIZE[1] // 2:] += 150
        labels = torch.zeros(1, 40, 80, dtype=torch.long)
        labels[:, :, 40:] = 1
        sample = SegDataSample(metainfo=dict(ori_shape=(40, 80), img_shape=SIZE, img_path=f'{index}.png'))
        sample.gt_sem_seg = PixelData(data=labels)
        return dict(inputs=torch.from_numpy(image), data_samples=sample)


@HOOKS.register_module()
class StopBeforeEpoch(Hook):
    """Stands for the power failure."""

    priority = 'VERY_LOW'

    def __init__(self, epoch):
        self.epoch = epoch

    def before_train_epoch(self, runner):
        if runner.epoch == self.epoch:
            raise KeyboardInterrupt


def config(work_dir, workers=0, **settings):
    loader = dict(batch_size=1, num_workers=workers, persistent_workers=workers > 0)
    return Config(dict(
        default_scope='mmdepthcp',
        work_dir=str(work_dir),
        experiment_name=work_dir.name,
        randomness=dict(seed=3),
        model=dict(
            type='DepthCP',
            backbone=dict(type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=8,
                          out_indices=(0, 1, 2, 3), drop_path_rate=0.2),
            neck=dict(type='mmseg.FPN', in_channels=[8, 16, 32, 64], out_channels=16, num_outs=4),
            decode_head=dict(type='SemanticFPNFeatures', in_channels=[16] * 4, channels=16,
                             norm_cfg=dict(type='GN', num_groups=4)),
            num_prototypes=12, num_clusters=2, projection_channels=8),
        train_dataloader=dict(
            dataset=dict(type='StubViews'), sampler=dict(type='EpochSampler', shuffle=True), **loader),
        val_dataloader=dict(
            dataset=dict(type='StubLabelled'), sampler=dict(type='DefaultSampler', shuffle=False), **loader),
        val_evaluator=dict(type='UnsupervisedSegMetric'),
        optim_wrapper=dict(
            type='OptimWrapper', accumulative_counts=2,
            optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=1e-4)),
        param_scheduler=[
            dict(type='LinearLR', start_factor=0.1, by_epoch=True, begin=0, end=1, convert_to_iter_based=True),
            dict(type='CosineAnnealingLR', eta_min=1e-5, by_epoch=True, begin=1, end=4, convert_to_iter_based=True)],
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=4, val_interval=2),
        val_cfg=dict(type='ValLoop'),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', interval=1), logger=dict(type='LoggerHook', interval=1)),
        custom_hooks=[dict(type='EpochSeedHook'), dict(type='SwAVMonitorHook', interval=4)],
        **settings))


def assert_equal(got, expected, where=''):
    assert type(got) is type(expected), where
    if isinstance(got, dict):
        assert got.keys() == expected.keys(), where
        for key in got:
            assert_equal(got[key], expected[key], f'{where}.{key}')
    elif isinstance(got, (list, tuple)):
        assert len(got) == len(expected), where
        for index, pair in enumerate(zip(got, expected, strict=True)):
            assert_equal(*pair, f'{where}[{index}]')
    elif isinstance(got, torch.Tensor):
        assert torch.equal(got, expected), where
    else:
        assert got == expected, where


def last_state(work_dir):
    checkpoint = torch.load(work_dir / 'epoch_4.pth', weights_only=False)
    return {name: checkpoint[name] for name in ('state_dict', 'optimizer', 'param_schedulers')}


def test_interrupted_and_resumed_equals_uninterrupted_bit_for_bit(tmp_path):
    runner = Runner.from_cfg(config(tmp_path / 'whole'))
    runner.train()
    watched = ('loss_region', 'region_to_lnk', 'region_usage', 'region_matches', 'pixel_to_lnk')
    expected = {f'train/{name}' for name in watched} | {'val/stub2/Acc', 'val/stub2/mIoU'}
    assert expected <= set(runner.message_hub.log_scalars)

    broken = config(tmp_path / 'broken')
    broken.custom_hooks.append(dict(type='StopBeforeEpoch', epoch=2))
    with pytest.raises(KeyboardInterrupt):
        Runner.from_cfg(broken).train()
    torch.rand(7)
    Runner.from_cfg(config(tmp_path / 'broken', workers=1, resume=True)).train()
    assert_equal(last_state(tmp_path / 'broken'), last_state(tmp_path / 'whole'))


def test_untrained_model_is_scored_under_the_runner(tmp_path):
    settings = config(tmp_path / 'test')
    settings.update(test_dataloader=settings.val_dataloader, test_cfg=dict(type='TestLoop'),
                    test_evaluator=dict(type='UnsupervisedSegMetric', out_file=str(tmp_path / 'scores.json')))
    scores = Runner.from_cfg(settings).test()
    assert 0 < scores['stub2/mIoU'] <= scores['stub2/Acc'] <= 100
    assert (tmp_path / 'scores.json').is_file()
