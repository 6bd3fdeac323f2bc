"""Rates, several processes, and the tools, of transfer and of both tasks at once."""

from __future__ import annotations

import copy
import runpy
import sys
from pathlib import Path

import pytest
import torch
import torch.multiprocessing as mp
from mmengine.config import ConfigDict
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS, init_default_scope
from small_data import write_data

from mmdepthcp.apis import export_backbone
from mmdepthcp.cli.tools import register_modules
from mmdepthcp.config.loading import load_config
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.scores import read_scores
from tests.test_models.test_multi_task import build, clips, multi_task

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True, scope='module')
def scope(default_scope):
    register_modules()
    init_default_scope('mmseg')


def rates(config, iterations):
    """The rate before each of some iterations."""
    settings, = config.param_scheduler
    optimizer = torch.optim.SGD([torch.zeros(1)], config.optim_wrapper.optimizer.lr)
    schedule = PARAM_SCHEDULERS.build(dict(settings, optimizer=optimizer))
    found = {}
    for number in range(max(iterations) + 1):
        found[number] = optimizer.param_groups[0]['lr']
        optimizer.step()
        schedule.step()
    return [found[number] for number in iterations]


def test_published_schedules():
    path = ROOT / 'configs/multitask/pad_r101_cityscapes.py'
    config = load_config(path)
    assert config.train_cfg.max_iters == 40000 and config.optim_wrapper.clip_grad.max_norm == 10
    assert rates(config, (0, 29999, 30000, 39999)) == pytest.approx([1e-2, 1e-2, 1e-3, 1e-3])
    camvid = load_config(path, ['param_scheduler.0.end=20000', 'param_scheduler.0.milestones=[15000]'])
    assert rates(camvid, (14999, 15000)) == pytest.approx([1e-2, 1e-3])


@pytest.mark.parametrize(('options', 'of_depth'), [
    ([], 1e-3), (['optim_wrapper.paramwise_cfg.custom_keys.depth_decoder.lr_mult=1.0'], 1e-2)])
def test_published_rates_of_the_parts(options, of_depth):
    config = load_config(ROOT / 'configs/multitask/pad_r101_cityscapes.py', options)
    model = build(multi_task())
    groups = build_optim_wrapper(model, config.optim_wrapper).optimizer.param_groups
    settings = {id(parameter): group for group in groups for parameter in group['params']}
    expected = {
        'backbone': 1e-3, 'decode_head.depth_decoder': of_depth, 'decode_head.segmentation_decoder': 1e-2,
        'decode_head.conv': 1e-2, 'decode_head.depth_to_segmentation': 1e-2, 'decode_head.segmentation_to_depth': 1e-2,
        'pose_net': 1e-6}
    for name, parameter in model.named_parameters():
        part, = (part for part in expected if name.startswith(part))
        assert settings[id(parameter)]['lr'] == pytest.approx(expected[part]), name
        assert settings[id(parameter)]['weight_decay'] == 5e-4


def test_rates_of_the_segmentor_alone():
    config = load_config(ROOT / 'configs/multitask/unet_transfer_toy.py')
    model = MODELS.build(ConfigDict(copy.deepcopy(config.model.to_dict())))
    published = load_config(ROOT / 'configs/multitask/unet_transfer_r101_cityscapes.py').optim_wrapper
    groups = build_optim_wrapper(model, published).optimizer.param_groups
    settings = {id(parameter): group['lr'] for group in groups for parameter in group['params']}
    assert {settings[id(parameter)] for parameter in model.backbone.parameters()} == {1e-3}
    assert {settings[id(parameter)] for parameter in model.decode_head.parameters()} == {1e-2}


def model_without_draws():
    """No dropout, no noise, and statistics of normalisation that do not depend on the batch."""
    settings = multi_task(view_synthesis=dict(automasked=False))
    settings['decode_head']['decoder']['aspp_dilations'] = None
    return build(settings).eval()


def item(number):
    """A labelled and an unlabelled clip of one camera."""
    pair = dict(labelled=clips(1, seed=number), unlabelled=clips(1, labelled=False, seed=10 + number))
    pair['labelled']['data_samples'][0].gt_sem_seg.data[:] %= 5  # no pixel is ignored: as many count in each item
    return pair


def joined(*items):
    return {kind: dict(
        inputs=dict(clean=[clip for each in items for clip in each[kind]['inputs']['clean']]),
        data_samples=[sample for each in items for sample in each[kind]['data_samples']])
        for kind in ('labelled', 'unlabelled')}


def _run_rank(rank, port, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    model = model_without_draws()
    wrapped = torch.nn.parallel.DistributedDataParallel(model)
    loss = model.parse_losses(wrapped(**model.data_preprocessor(item(rank), True), mode='loss'))[0]
    loss.backward()
    torch.save(dict(loss=loss.detach(), grads={name: weight.grad for name, weight in model.named_parameters()}),
               f'{folder}/{rank}.pt')
    torch.distributed.barrier()


def test_two_processes_train_as_one(tmp_path, unused_port):
    """One labelled and one unlabelled clip per process, against two of each in one batch."""
    mp.start_processes(_run_rank, (unused_port, str(tmp_path)), nprocs=2, start_method='fork')
    ranks = [torch.load(tmp_path / f'{rank}.pt') for rank in range(2)]
    model = model_without_draws()
    loss = model.parse_losses(model(**model.data_preprocessor(joined(item(0), item(1)), True), mode='loss'))[0]
    loss.backward()
    torch.testing.assert_close((ranks[0]['loss'] + ranks[1]['loss']) / 2, loss.detach(), atol=1e-5, rtol=1e-5)
    for name, weight in model.named_parameters():
        for rank in ranks:
            torch.testing.assert_close(rank['grads'][name], weight.grad, atol=1e-4, rtol=1e-3, msg=name)


@pytest.mark.parametrize('name', ['pad_toy', 'unet_transfer_toy'])
def test_checkpoints_are_scored_exported_and_a_start_for_others(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('mmengine.runner.runner.collect_env', dict)
    path = ROOT / f'configs/multitask/{name}.py'
    config = load_config(path)
    write_data(dict(test_dataloader=config.test_dataloader))
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    torch.save(dict(state_dict=model.state_dict()), 'iter_1000.pth')
    options = ['test_dataloader.num_workers=0', 'test_dataloader.persistent_workers=False',
               'test_dataloader.dataset.indices=1']
    with monkeypatch.context() as patch:
        patch.setattr(sys, 'argv', ['test.py', str(path), 'iter_1000.pth', '--out', 'scores.json', '--work-dir', 'w',
                                    '--cfg-options', *options])
        runpy.run_path(str(ROOT / 'tools/test.py'), run_name='__main__')
    assert any('mIoU' in score.name for score in read_scores('scores.json'))

    report = export_backbone('iter_1000.pth', 'backbone.pth', 'mmseg')
    assert len(report.fits['backbone'].matched) == report.fits['backbone'].wanted == 120
    exported = torch.load('backbone.pth', weights_only=True)['state_dict']
    assert torch.equal(exported['backbone.conv1.weight'], model.backbone.conv1.weight)

    prefix = 'decode_head.segmentation_decoder.' if name == 'pad_toy' else 'decode_head.decoder.'
    other = load_config(ROOT / 'configs/multitask/unet_transfer_toy.py', [
        'model.backbone.init_cfg.checkpoint=iter_1000.pth',
        'model.decode_head.decoder.init_cfg.checkpoint=iter_1000.pth',
        f'model.decode_head.decoder.init_cfg.prefix={prefix}'])
    started = MODELS.build(other.model)
    started.init_weights()
    for part, weight in started.decode_head.decoder.state_dict().items():
        assert torch.equal(weight, model.state_dict()[prefix + part])
