"""The configs, each on small files in the layout that it names: what training and validation take is built, and items
go through the pipelines at the config's own sizes.
"""

from __future__ import annotations

import math
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS, init_default_scope
from mmengine.runner import Runner
from small_data import HEIGHT, WIDTH, image, settings_in, write_calibration, write_data

from mmdepthcp.cli.tools import register_modules, set_work_dir
from mmdepthcp.config.loading import load_config
from mmdepthcp.datasets.street import StreetDataset
from mmdepthcp.engine.hooks import PretrainedCheckHook
from mmdepthcp.engine.hooks.neighbour_check import image_config
from mmdepthcp.experiments.building import read_stages
from mmdepthcp.experiments.plans import Planner
from mmdepthcp.experiments.tables import read_table
from mmdepthcp.models.depth import DepthRegressor, MonoDepth
from mmdepthcp.models.segmentors.inference import InferenceSettings
from mmdepthcp.models.selfsup import DepthCP, PiCIE
from mmdepthcp.registry import DATASETS, HOOKS, MODELS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import write_png

ROOT = Path(__file__).parents[1]
BASES = sorted((ROOT / 'configs/_base_').rglob('*.py'))
TABLES = sorted((ROOT / 'configs/tables').glob('*.py'))
CONFIGS = sorted({*(ROOT / 'configs').rglob('*.py')} - {*BASES, *TABLES})
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader', 'bank_dataloader')


def path_of(name: str) -> Path:
    path, = (path for path in CONFIGS if path.stem == name)
    return path


@pytest.fixture(params=CONFIGS, ids=lambda path: path.stem)
def runner(request, tmp_path, monkeypatch) -> Runner:
    """The runner of a config, with its data loaders, optimiser and schedules."""
    register_modules()
    monkeypatch.delenv('MMDEPTHCP_DATA', raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('mmengine.runner.runner.collect_env', dict)
    monkeypatch.setattr('mmengine.optim.optimizer.amp_optimizer_wrapper.is_cuda_available', lambda: True)
    if request.param.name.startswith('mask_rcnn'):
        pytest.importorskip('mmcv.ops')
    config = load_config(request.param)
    set_work_dir(config, request.param, None)
    init_default_scope(config.default_scope)
    loaders = {key: config[key] for key in LOADERS if config.get(key)}
    write_data(loaders)
    for loader in loaders.values():
        loader.update(num_workers=0, persistent_workers=False)
    runner = Runner.from_cfg(config)
    if config.get('train_dataloader') is None:
        return runner
    assert len(runner.train_loop.dataloader) > 0
    runner.optim_wrapper = runner.build_optim_wrapper(config.optim_wrapper)
    runner.param_schedulers = runner.build_param_scheduler(config.param_scheduler)
    return runner


def size_in(pipeline: list[dict]) -> tuple[int, int]:
    """(H, W) after the last transform that sets it."""
    sizes = [step.get('scale') or step['size'] for step in pipeline if 'scale' in step or 'size' in step]
    return tuple(sizes[-1][::-1])


def check_mixed_views(model: DepthCP, config: Config, batch: dict) -> None:
    group = config.train_dataloader.dataset
    inputs, samples = batch['inputs'], batch['data_samples']
    assert len(inputs) >= 2 * group.num_images and len(inputs) % group.num_images == 0
    assert inputs.shape[1:] == (3, *size_in(group.dataset.pipeline))
    for level, weight in model.level_weights.items():
        assert weight == 0 or samples[level].num_groups > 1


def check_clips(model: MonoDepth, config: Config, batch: dict) -> None:
    datasets = config.train_dataloader.dataset.get('datasets', [config.train_dataloader.dataset])
    for name in ('clean', 'network'):
        assert batch['inputs'][name].shape[1:3] == (len(model.frame_offsets) + 1, 3)
        assert batch['inputs'][name].shape[3:] == size_in(datasets[0].pipeline)
    for sample in batch['data_samples']:
        assert tuple(sample.offsets) == (*sorted((0, *model.frame_offsets)),)
        assert 'intrinsics' in sample or model.pose_net.intrinsics_head is not None


def check_segmentation(model: DepthCP, config: Config, dataset: StreetDataset, batch: dict) -> None:
    assert batch['inputs'].shape[1:] == (3, *size_in(config.val_dataloader.dataset.pipeline))
    assert batch['data_samples'][0].gt_sem_seg.data.shape == (1, HEIGHT, WIDTH)
    assert model.num_clusters == len(dataset.metainfo['classes'])


def check_depth(config: Config, batch: dict) -> None:
    size = size_in(config.val_dataloader.dataset.pipeline)
    assert batch['inputs']['network'].shape[1:] == (1, 3, *size)
    assert batch['data_samples'][0].gt_depth_map.data.shape == (1, HEIGHT, WIDTH)


def tensors_in(node: Any) -> Iterator[torch.Tensor]:
    if isinstance(node, torch.Tensor):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, (list, tuple)) else ():
        yield from tensors_in(child)


def check_plain_batches(runner: Runner, small: bool) -> None:
    """A batch of fine-tuning, of probes, of MMPretraining's algorithms."""
    loader, model = runner.train_dataloader, runner.model
    raw = loader.collate_fn([loader.dataset[index] for index in range(loader.batch_size if small else 2)])
    batch = model.data_preprocessor(raw, training=True)
    assert {images.shape[-3] for images in tensors_in(batch['inputs'])} == {3}
    if isinstance(model, DepthRegressor):
        check_student(runner, batch)
    ends = [step['end'] for step in runner.cfg.param_scheduler]
    length = runner.cfg.train_cfg
    ends_later = isinstance(model, DepthRegressor)  # where its rate would be 0
    assert not ends or max(ends) == length.get('max_iters', length.get('max_epochs')) + ends_later
    if small:
        for hook in runner.hooks:
            if type(hook).__name__ in ('CalibrationHook', 'ClassListHook', 'DenseCLHook', 'TeacherUpdateHook'):
                hook.before_train(runner)
        if isinstance(model, PiCIE):
            model.find_clusters(lambda: [model.data_preprocessor(raw, training=True)], seed=0)
        logged = model.train_step(raw, runner.optim_wrapper)
        assert all(math.isfinite(value.detach()) for value in logged.values())
    if runner.cfg.get('val_cfg'):
        check_validation(runner, small)


def check_student(runner: Runner, batch: dict) -> None:
    """It learns from crops and is asked about whole images."""
    config, (crop,) = runner.cfg, [step['crop_size'] for step in settings_in(runner.cfg.train_dataloader, 'crop_size')]
    shapes = [sample.gt_disparity.data.shape[1:] for sample in batch['data_samples']]
    assert {tuple(batch['inputs']['network'].shape[-2:]), *map(tuple, shapes)} == {tuple(crop)}
    whole = DATASETS.build({**config.train_dataloader.dataset, 'pipeline': config.score_pipeline})
    assert whole[0]['inputs']['clean'].shape == (1, 3, *size_in(config.score_pipeline))
    assert config.round_iters[0] == config.train_cfg.max_iters


def check_bank(runner: Runner) -> None:
    """A probe that is only tested."""
    runner.call_hook('before_test')
    assert len(runner.model.decode_head.bank) > 0
    loader = runner.test_dataloader
    runner.test_evaluator.dataset_meta = loader.dataset.metainfo
    raw = loader.collate_fn([loader.dataset[0]])
    runner.test_evaluator.process(runner.model.test_step(raw), raw)
    assert 'mIoU' in runner.test_evaluator.evaluate(1)


def test_config(runner):
    small = runner.cfg.filename.endswith(('_toy.py', '_small.py'))
    if runner.cfg.get('train_dataloader') is None:
        if small:
            check_bank(runner)
        return
    counts_iterations = runner.cfg.train_cfg.type == 'IterBasedTrainLoop' and not isinstance(runner.model, MonoDepth)
    if counts_iterations or runner.cfg.default_scope == 'mmpretrain':
        check_plain_batches(runner, small)
        return
    model, config, loader = runner.model, runner.cfg, runner.train_dataloader
    index = next(iter(loader.sampler))
    assert index[:2] == (config.randomness.seed, 0)
    starts = [0, *getattr(loader.dataset, 'cumulative_sizes', [])[:-1]]
    raw = loader.collate_fn([loader.dataset[(*index[:2], start)] for start in starts])
    batch = model.data_preprocessor(raw, training=True)
    if isinstance(model, DepthCP):
        check_mixed_views(model, config, batch)
    elif isinstance(model, MonoDepth):
        check_clips(model, config, batch)
        infer = Compose(config.get('test_pipeline') or config.test_dataloader.dataset.pipeline)
        path = raw['data_samples'][0].img_path
        infer(dict(img_path=path, frame_paths=[path], offsets=[0]))
    if small:
        logged = model.train_step(raw, runner.optim_wrapper)
        assert all(math.isfinite(value.detach()) for value in logged.values())
    if config.get('val_cfg'):
        check_validation(runner, small)


def check_validation(runner: Runner, small: bool) -> None:
    loader, evaluator = runner.val_loop.dataloader, runner.val_loop.evaluator
    raw = loader.collate_fn([loader.dataset[0]])
    batch = runner.model.data_preprocessor(raw, training=False)
    if isinstance(runner.model, DepthCP):
        check_segmentation(runner.model, runner.cfg, loader.dataset, batch)
    elif isinstance(runner.model, MonoDepth):
        check_depth(runner.cfg, batch)
    if small:
        runner.model.eval()
        with torch.no_grad():
            evaluator.process(runner.model.val_step(raw), raw)
        scores = evaluator.evaluate(1)
        assert scores and all(math.isfinite(value) for value in scores.values())


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_several_processes(path):
    """Each config that trains says what its learning rate is for, and normalises over all processes."""
    config = load_config(path)
    if not config.get('train_dataloader'):
        return
    assert config.auto_scale_lr == dict(enable=False, base_batch_size=config.train_dataloader.batch_size)
    if config.model.type != 'DenseCL':
        assert config.sync_bn == 'torch'


def test_learning_rates_of_few_labels_on_cityscapes():
    """The encoder's and the decoder's, before and after the fall."""
    config = load_config(path_of('depthmix_cityscapes'))
    wrapper = build_optim_wrapper(
        torch.nn.ModuleDict(dict(backbone=torch.nn.Linear(1, 1), decode_head=torch.nn.Linear(1, 1))),
        config.optim_wrapper)
    schedule = PARAM_SCHEDULERS.build(dict(config.param_scheduler[0], optimizer=wrapper.optimizer))
    rates = {}
    for iteration in range(30001):
        if iteration in (0, 29999, 30000):
            rates[iteration] = sorted({round(group['lr'], 8) for group in wrapper.optimizer.param_groups})
        wrapper.optimizer._global_step = iteration + 1
        schedule.step()
    assert rates == {0: [1e-3, 1e-2], 29999: [1e-3, 1e-2], 30000: [1e-4, 1e-3]}
    assert config.train_cfg.max_iters == 40000 and config.optim_wrapper.clip_grad.max_norm == 10


@pytest.mark.parametrize('data', ['toy', 'camvid_small', 'cityscapes'])
def test_all_columns_of_few_labels_learn_from_the_same_labels(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('MMDEPTHCP_DATA', raising=False)
    register_modules()
    chosen = {}
    for method in ('supervised', 'supervised_strong', 'mean_teacher', 'classmix', 'depthmix'):
        config = load_config(path_of(f'{method}_{data}'), [
            'train_dataloader.dataset.subset.count=4', 'train_dataloader.dataset.subset.seed=3'])
        init_default_scope(config.default_scope)
        if not chosen:
            write_data(load_config(path_of(f'depthmix_{data}'), ['train_dataloader.dataset.subset.count=4']
                                   ).train_dataloader.to_dict())
        dataset = DATASETS.build(config.train_dataloader.dataset)
        labelled = getattr(dataset, 'labelled', dataset)
        items = getattr(dataset, '_labelled_items', range(len(dataset)))
        chosen[method] = {Path(labelled.get_data_info(index)['img_path']).stem for index in items}
    assert len(chosen['supervised']) == 4
    assert all(names == chosen['supervised'] for names in chosen.values())


KITTI_PRETRAINING = ('depthcp_kitti', 'depthcp_kitti_pixel', 'swav_kitti', 'densecl_kitti')


@pytest.mark.parametrize('name', KITTI_PRETRAINING)
def test_pretraining_on_kitti_sees_the_colour_cameras(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load_config(path_of(name))
    register_modules()
    init_default_scope(config.default_scope)
    for camera in range(4):
        write_png(Path(f'data/kitti/raw/2011_09_26/drive/image_{camera:02d}/data/1.png'), image(camera))
    settings, = (node for node in settings_in(config.train_dataloader.dataset, 'data_root'))
    dataset = DATASETS.build({**settings, 'pipeline': []})
    assert [Path(item['img_path']).parts[-3] for item in dataset] == ['image_02', 'image_03']
    if name.startswith('depthcp'):
        assert size_in(settings['pipeline']) == (384, 768)
        assert size_in(config.val_dataloader.dataset.pipeline) == (384, 1280)


@pytest.mark.parametrize('name', ['monodepth_r18_kitti', 'monodepth_r18_kitti_scratch'])
def test_kitti_depth_takes_every_line_of_its_lists(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load_config(path_of(name))
    register_modules()
    init_default_scope(config.default_scope)
    drive, frames = '2011_09_26/2011_09_26_drive_0001_sync', range(8)
    write_calibration(Path('data/kitti/raw/2011_09_26/calib_cam_to_cam.txt'), 'P_rect_{:02d}', 'S_rect_{:02d}')
    for camera in (2, 3):
        for number in frames:
            write_png(Path(f'data/kitti/raw/{drive}/image_{camera:02d}/data/{number:010d}.png'), image(number))
            path = Path(f'data/kitti/depth/{drive}/proj_depth/velodyne_raw/image_{camera:02d}/{number:010d}.png')
            write_png(path, np.full((HEIGHT, WIDTH), 2560, np.uint16))
    chosen = {'eigen_zhou/train': range(1, 7), 'eigen_zhou/val': range(2, 5), 'eigen/test': range(7, 8)}
    for split, numbers in chosen.items():
        path = Path(f'data/kitti/splits/{split}.txt')
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('\n'.join(f'{drive} {number} {side}' for number in numbers for side in 'lr'))
    for loader, numbers in zip((config.train_dataloader, config.val_dataloader, config.test_dataloader),
                               chosen.values(), strict=True):
        dataset = DATASETS.build({**loader.dataset, 'pipeline': []})
        taken = [(Path(item['img_path']).parts[-3][-1], int(Path(item['img_path']).stem)) for item in dataset]
        assert taken == [(camera, number) for camera in '23' for number in numbers]
    # Zhou's list has 39 810 lines
    loader, epochs = config.train_dataloader, config.train_cfg.max_epochs
    assert (loader.drop_last, 39810 // loader.batch_size * epochs) == (True, 99510 if 'scratch' in name else 66340)
    assert config.param_scheduler[0].milestones == [15] and config.optim_wrapper.optimizer.lr == 1e-4


@pytest.mark.parametrize('name', ['monodepth_r18_kitti', 'monodepth_r18_kitti_scratch'])
def test_learning_rate_of_depth_falls_after_epoch_15(name):
    config = load_config(path_of(name))
    optimizer = torch.optim.Adam([torch.zeros(1)], config.optim_wrapper.optimizer.lr)
    schedule = PARAM_SCHEDULERS.build(dict(config.param_scheduler[0], optimizer=optimizer))
    rates = []
    for _ in range(config.train_cfg.max_epochs):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([1e-4] * 15 + [1e-5] * (config.train_cfg.max_epochs - 15))


@pytest.mark.parametrize('name', ['mask_rcnn_r50_fpn_cityscapes', 'mask_rcnn_r50_fpn_kitti', 'mask_rcnn_toy'])
def test_mask_rcnn_does_not_decay_norms(name):
    pytest.importorskip('mmcv.ops')
    register_modules()
    config = load_config(path_of(name))
    init_default_scope(config.default_scope)
    model = MODELS.build(config.model)
    groups = build_optim_wrapper(model, config.optim_wrapper).optimizer.param_groups
    decay = {id(parameter): group['weight_decay'] for group in groups for parameter in group['params']}
    norms = {id(parameter) for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)
             for parameter in module.parameters()}
    others = {id(parameter) for parameter in model.parameters()} - norms
    assert {decay[each] for each in norms} == {0} and {decay[each] for each in others} == {1e-4}
    assert all(block.norm2.weight.eq(1).all() for block in model.backbone.layer1)


@pytest.mark.parametrize('name', ['monodepth_r18_kitti', 'monodepth_r18_cityscapes'])
def test_depth_starts_from_imagenet(name, tmp_path, monkeypatch, notices):
    torchvision = pytest.importorskip('torchvision')
    register_modules()
    torch.manual_seed(0)
    imagenet = torchvision.models.resnet18().state_dict()
    torch.save(imagenet, tmp_path / 'imagenet.pth')
    assert load_config(path_of(name)).model.backbone.init_cfg.checkpoint == 'torchvision://resnet18'
    monkeypatch.setenv('IMAGENET_R18', str(tmp_path / 'imagenet.pth'))
    config = load_config(path_of(name))
    init_default_scope(config.default_scope)
    model = MODELS.build(config.model)
    model.init_weights()
    for key, tensor in model.backbone.state_dict().items():
        assert torch.equal(tensor, imagenet[key])
    first = imagenet['conv1.weight'] / 2
    assert torch.equal(model.pose_net.encoder.conv1.weight, torch.cat([first, first], 1))
    assert torch.equal(model.pose_net.encoder.layer4[1].conv2.weight, imagenet['layer4.1.conv2.weight'])
    hook = HOOKS.build(config.custom_hooks[-1])
    hook.check(model)
    assert [said.partition(' come')[0] for said in notices if ' come from' in said] == [
        'backbone: 120 of 120 tensors', 'pose_net.encoder: 120 of 120 tensors']
    scratch = load_config(path_of(f'{name}_scratch'))
    assert not scratch.model.backbone.get('init_cfg') and scratch.train_cfg.max_epochs == 30


@pytest.mark.parametrize(('name', 'key', 'file'), [
    ('stego_vits8_potsdam3', 'DINO_VITS8', 'dino_deitsmall8_300ep_pretrain.pth'),
    ('depthg_vitb8_cityscapes27_legacy', 'DINO_VITB8', 'dino_vitbase8_pretrain.pth')])
def test_transformers_come_from_dino_or_from_a_file(name, key, file, monkeypatch):
    monkeypatch.delenv(key, raising=False)
    checkpoint = load_config(path_of(name)).model.backbone.init_cfg.checkpoint
    assert checkpoint.startswith('https://') and checkpoint.endswith(f'/{file}')
    monkeypatch.setenv(key, 'mine.pth')
    assert load_config(path_of(name)).model.backbone.init_cfg.checkpoint == 'mine.pth'


@pytest.mark.parametrize('path', [path for path in CONFIGS if path.parent.name == 'depthg'], ids=lambda path: path.stem)
def test_the_random_field_can_be_asked_for(path):
    settings = load_config(path, ['model.test_cfg.crf.iterations=3']).model.test_cfg
    assert InferenceSettings.of(settings).crf.iterations == 3


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_neighbours_are_checked_and_the_trunk_sees_the_view_they_were_found_with(path):
    config = load_config(path)
    pairs = config.get('train_dataloader') and config.train_dataloader.dataset
    if not pairs or 'neighbours' not in pairs:
        return
    assert 'mmdepthcp.NeighbourCheckHook' in [hook.type for hook in config.custom_hooks]
    name = Path(pairs.neighbours).parent.name
    source = load_config(path_of(name))
    images, others = (image_config(each.train_dataloader.dataset.dataset) for each in (config, source))
    assert settings_of(images, 'pipeline') == settings_of(others, 'pipeline')
    assert config.model.backbone == source.model.backbone
    assert config.model.data_preprocessor == source.model.data_preprocessor
    assert pairs.get('centred', True) == source.train_dataloader.dataset.get('centred', True)


def settings_of(node: dict, key: str) -> list:
    return [settings[key] for settings in settings_in(node, key)]


def test_no_network_is_said_in_words(monkeypatch, tmp_path):
    def fail(*args, **kwargs):
        raise URLError('no route to host')

    monkeypatch.setattr('torch.hub.download_url_to_file', fail)
    monkeypatch.setattr('torch.hub.get_dir', lambda: str(tmp_path))
    setting = dict(type='Pretrained', checkpoint='torchvision://resnet18')
    model = torch.nn.ModuleDict(dict(backbone=torch.nn.Linear(1, 1)))
    model.backbone.init_cfg = setting
    with pytest.raises(InputError, match=r'torchvision://resnet18: cannot be downloaded.*no route to host'):
        PretrainedCheckHook().before_run(SimpleNamespace(model=model, _load_from=None))


def test_every_config_of_a_method_is_in_its_page_and_its_metafile():
    for metafile in (ROOT / 'configs').glob('*/metafile.yml'):
        content = yaml.safe_load(metafile.read_text())
        collection, = content['Collections']
        page = (ROOT / collection['README']).read_text()
        listed = {ROOT / model['Config'] for model in content['Models']}
        folder = metafile.parent
        assert listed == {*folder.glob('*.py'), *folder.parent.glob(f'{folder.name}_*.py')}
        assert all(f'{path.name})' in page for path in listed) and 'bibtex' in page
        assert all(model['In Collection'] == collection['Name'] for model in content['Models'])


@pytest.mark.parametrize('path', BASES, ids=lambda path: path.stem)
def test_parts_of_configs_can_be_read(path):
    assert load_config(path).to_dict()


def test_stages_of_pipelines_name_tools_configs_and_options_that_exist(monkeypatch):
    monkeypatch.chdir(ROOT)
    staged = {path: config for path in CONFIGS if 'pipeline' in (config := load_config(path))}
    assert len(staged) >= 2
    for path, config in staged.items():
        for stage in read_stages(config, str(path), 'work_dirs/test'):
            assert all(Path(word).is_file() for word in stage.command if word.endswith('.py'))
            monkeypatch.setattr(sys, 'argv', list(stage.command))
            assert runpy.run_path(stage.command[0], run_name='tool')['parse_args']()


@pytest.mark.parametrize('path', TABLES, ids=lambda path: path.stem)
def test_tables_name_configs_tools_and_options_that_exist(path, monkeypatch):
    pytest.importorskip('mmcv.ops')
    monkeypatch.chdir(ROOT)
    table = read_table(path)
    plan = Planner(table, 'work_dirs/test').plan()
    assert plan.cells and {cell.column for cell in plan.cells} <= set(table.tasks)
    for stage in {stage.command[0]: stage for stage in plan.stages}.values():
        monkeypatch.setattr(sys, 'argv', list(stage.command))
        assert runpy.run_path(stage.command[0], run_name='tool')['parse_args']()
    for stage in plan.stages:
        assert all(Path(word).is_file() for word in stage.command if word.endswith('.py'))
