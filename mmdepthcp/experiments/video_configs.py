"""The configs of a plan: short texts over those that come with the package, for people to read, edit and run again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmdepthcp.apis.resnets import ResNetKind
from mmdepthcp.config.writing import Changed, Code, setting
from mmdepthcp.experiments.video_methods import MODELS, is_small, pretraining
from mmdepthcp.experiments.video_tasks import METHODS, Plan, Task
from mmdepthcp.utils.requirements import installed_version
from mmdepthcp.utils.resources import ROOT

CONFIG, DEPTH, FINETUNE = 'config.py', 'depth.py', 'finetune.py'
FIELD_OF_VIEW = 50.
"""Horizontal, degrees, of a camera that nothing is known about."""
PICTURES = 12
"""About how many predictions are drawn; one takes a second."""
GROUPING = ['max_regions=60', 'weights=0.2,15,4,-5']
"""Settings of ``group_regions.py`` for views of some hundred pixels."""


@dataclass(frozen=True)
class Start:
    """Weights that the encoder starts from.

    Attributes:
        file: checkpoint.
        prefix: what the names of the encoder's tensors start with there.
    """

    file: str
    prefix: str = ''

    @property
    def settings(self) -> dict[str, str]:
        """As ``init_cfg``."""
        return dict(type='Pretrained', checkpoint=self.file, **({'prefix': self.prefix} if self.prefix else {}))


@dataclass(frozen=True)
class Labels:
    """Images with labels.

    Attributes:
        images, labels: folders.
        classes: names, in the order of their indices.
        palette: RGB, one colour for each class.
        train, val: files that list what to learn from and what to score on.
    """

    images: Path
    labels: Path
    classes: Sequence[str]
    palette: Sequence[Sequence[int]]
    train: Path
    val: Path


@dataclass(frozen=True)
class Setup:
    """All that the configs of an experiment say.

    Attributes:
        plan, task: what is done.
        out: the experiment's folder.
        images: the frames to pretrain on, a folder.
        disparity: where their disparity is or is written to.
        intrinsics: normalised (fx/W, fy/H, cx/W, cy/H) for cutting regions.
        calibrated: whether all frames have calibration files; else depth learns the focal length.
        field_of_view: horizontal, degrees, that this is held near.
        depth_source: arguments in front of the folders of ``infer_depth.py``.
        start: of the encoder of the first training.
        depth_start: of the pretrained network, where depth is not learnt here.
        targets: packages to export the backbone for.
        labels: labelled images, if there are any.
        seed: of all trainings.
        says: a line on where this is from.
    """

    plan: Plan
    task: Task
    out: Path
    images: Path
    disparity: Path
    intrinsics: tuple[float, float, float, float]
    calibrated: bool
    field_of_view: float = FIELD_OF_VIEW
    depth_source: Sequence[str] = ('{depth_config}', '{depth}')
    start: Start | None = None
    depth_start: Start | None = None
    targets: Sequence[str] = ('mmseg',)
    labels: Labels | None = None
    seed: int = 0
    says: str = ''

    @property
    def frames(self) -> Path:
        """Folder of all frames."""
        return self.out / 'frames'


def shipped(name: str) -> str:
    """The absolute path of a config that comes with the package."""
    return str(ROOT / 'configs' / name)


def targets_of(kind: ResNetKind) -> tuple[str, ...]:
    """The packages that a backbone is exported for: torchvision knows full widths only; timm has to be there."""
    others = dict(timm=installed_version('timm') is not None, torchvision=kind.full_width)
    return ('mmseg', 'mmdet', *(name for name, possible in others.items() if possible))


def configs(setup: Setup) -> dict[str, str]:
    """Name of each config file and its text."""
    texts = {CONFIG: pretrain_config(setup)}
    if setup.task.depth == 'own':
        texts[DEPTH] = depth_config(setup)
    if setup.labels is not None:
        texts[FINETUNE] = finetune_config(setup)
    return texts


def _document(*parts: str | tuple[str, Any]) -> str:
    """A config of comments and settings."""
    return '\n'.join(part if isinstance(part, str) else setting(*part) for part in parts) + '\n'


def depth_config(setup: Setup) -> str:
    """The training of depth from the frames."""
    plan, kind = setup.plan, setup.plan.network
    channels = kind.stage_channels
    small = not kind.full_width
    encoder = dict(depth=kind.depth, base_channels=kind.base_channels, stem_channels=kind.stem_channels)
    model: dict[str, Any] = dict(
        backbone=dict(encoder, **({'init_cfg': setup.start.settings} if setup.start else {})),
        decode_head=dict(in_channels=(kind.stem_channels, *channels)),
        pose_net={})
    if small:
        half = kind.base_channels
        model['decode_head']['channels'] = (half // 2, half // 2, half, 2 * half, 4 * half)
        model['pose_net'] = dict(encoder=dict(base_channels=half, stem_channels=half), in_channels=8 * half)
    if not setup.calibrated:
        model['pose_net'].update(learn_intrinsics=True, field_of_view=setup.field_of_view, prior_weight=0.05)
    if not model['pose_net']:
        del model['pose_net']
    clips = dict(
        type='VideoClipDataset', layout='folder', data_prefix=dict(img_path=Code('frames')),
        intrinsics='calibration' if setup.calibrated else None)
    resize = dict(type='ResizeClip', scale=Code('view_size'))
    workers = plan.workers
    return _document(
        f'# {setup.says}',
        '# Depth from the frames, Godard et al., ICCV 2019. Edit and run again: '
        f'tools/run_pipeline.py {CONFIG}, which knows',
        '# what follows from a change.',
        ('_base_', [shipped('_base_/models/monodepth_r18.py'), shipped('_base_/schedules/monodepth_20e.py'),
                    shipped('_base_/default_runtime.py')]),
        ('frames', str(setup.frames)),
        ('epochs', plan.depth_epochs),
        '# sides are multiples of 32',
        ('view_size', plan.view_size),
        *([] if setup.calibrated else [
            '# the camera is not known: its focal length is learnt, held near this field of view (degrees)']),
        ('model', model),
        ('load', [dict(type='LoadClip'), resize]),
        ('auto_scale_lr', dict(enable=False, base_batch_size=plan.depth_batch)),
        ('train_dataloader', dict(
            batch_size=plan.depth_batch, num_workers=workers, persistent_workers=True, drop_last=True,
            sampler=dict(type='EpochSampler', shuffle=True),
            dataset=dict(
                clips, ann_file=str(setup.out / 'lists/depth_train.txt'),
                pipeline=[Code('*load'), dict(type='FlipClip'), dict(type='ColorJitterClip'),
                          dict(type='PackMonoInputs')]))),
        ('val_dataloader', None), ('val_cfg', None), ('test_cfg', None),
        '# held-back frames, for tools/check_depth.py',
        ('check_dataset', dict(
            clips, ann_file=str(setup.out / 'lists/depth_check.txt'),
            pipeline=[Code('*load'), dict(type='PackMonoInputs')])),
        '# what infer_depth.py uses',
        ('test_pipeline', [Code('*load'), dict(type='PackMonoInputs')]),
        ('optim_wrapper', dict(optimizer=dict(lr=5e-4 if kind.depth < 50 else 1e-4))),
        ('param_scheduler', [
            dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=20),
            dict(type='CosineAnnealingLR', eta_min=1e-5, by_epoch=True, begin=0, end=Code('epochs'),
                 convert_to_iter_based=True)]),
        ('train_cfg', dict(max_epochs=Code('epochs'))),
        ('default_hooks', _hooks(10, max(1, plan.depth_epochs // 10))),
        ('custom_hooks', [dict(type='EpochSeedHook'), dict(type='MonoDepthWatchHook', start=300)]),
        ('randomness', dict(seed=setup.seed)))


def _hooks(interval: int, checkpoints: int, **more: Any) -> dict[str, Any]:
    return dict(
        logger=dict(interval=interval),
        checkpoint=dict(type='mmdepthcp.CheckpointHook', interval=checkpoints, max_keep_ckpts=1, **more))


def pretrain_config(setup: Setup) -> str:
    """The pretraining, with the stages of the whole experiment."""
    plan, task = setup.plan, setup.task
    start = setup.depth_start
    if task.depth == 'own':
        start = Start(str(setup.out / f'depth/epoch_{plan.depth_epochs}.pth'), 'backbone.')
    words = pretraining(
        task.method, plan, setup.images, setup.disparity, setup.out / 'regions', start.settings if start else None,
        len(setup.labels.classes) if setup.labels else None)
    return _document(
        f'# {setup.says}',
        '# Edit and run again what follows from a change:',
        f'#   python tools/run_pipeline.py {setup.out / CONFIG} --work-dir {setup.out}',
        ('_base_', [*map(shipped, words.bases), shipped('_base_/stages_videos.py')]),
        *words.settings,
        ('randomness', dict(seed=setup.seed)),
        '',
        ('stage_values', _stage_values(setup)),
        ('pipeline', _pipeline(setup)))


def _stage_values(setup: Setup) -> dict[str, Any]:
    size = [str(side) for side in setup.plan.view_size]
    camera = ['--intrinsics', *(f'{number:.5g}' for number in setup.intrinsics)]
    return dict(
        depth_config=str(setup.out / DEPTH), finetune_config=str(setup.out / FINETUNE), frames=str(setup.frames),
        images=str(setup.images), disparity=str(setup.disparity), depth_source=list(setup.depth_source),
        camera=[*camera, '--scale', *size], regions=GROUPING, targets=list(setup.targets))


def _pipeline(setup: Setup) -> list[Changed]:
    task, plan = setup.task, setup.plan
    needs = METHODS[task.method]
    own = task.depth == 'own'
    together = {'processes': plan.processes} if plan.processes > 1 else {}
    parts = MODELS[task.method].parts
    begin = {'options': ['model.backbone.init_cfg.checkpoint={depth}']} if own else {}
    filled = [f'model.{part}.init_cfg.checkpoint={{pretrain}}' for part in parts]
    emptied = [f'model.{part}.init_cfg=None' for part in parts]
    made = {'needs': [name for name in task.commands if name in ('depth', 'disparity', 'regions')]}
    more: dict[str, dict[str, Any]] = dict(
        depth=together, disparity={'needs': ['depth'] if own else [], **together},
        regions={'needs': ['disparity'] if needs.disparity and task.depth != 'disparity' else []},
        pretrain={**made, **begin, **together}, finetune={'options': filled, **together},
        random={'options': emptied, **together})
    stages = [name for name in task.commands if plan.compares or not name.startswith('random')]
    return [Changed(f'_base_.stages.{name}', more.get(name, {})) for name in stages]


def finetune_config(setup: Setup) -> str:
    """Semantic FPN on the labelled images."""
    plan, kind, labels = setup.plan, setup.plan.network, setup.labels
    assert labels is not None
    width, height = plan.view_size
    length = plan.finetune_iterations
    pretrained = str(setup.out / f'pretrain/{MODELS[setup.task.method].last(plan)}')
    small = is_small(kind)
    parts = {part: dict(init_cfg=dict(type='Pretrained', checkpoint=Code('pretrained'), prefix=f'{part}.'))
             for part in MODELS[setup.task.method].parts}
    model: dict[str, Any] = {part: dict(parts.get(part, {})) for part in ('backbone', 'neck', 'decode_head')}
    model['backbone'].update(depth=kind.depth, base_channels=kind.base_channels, stem_channels=kind.stem_channels)
    model['neck'].update(in_channels=kind.stage_channels)
    model['decode_head'].update(num_classes=len(labels.classes))
    data = dict(
        type='mmdepthcp.StreetDataset', metainfo=Code('metainfo'),
        data_prefix=dict(img_path=str(labels.images), seg_map_path=str(labels.labels)))
    read = [dict(type='mmdepthcp.LoadImage'), dict(type='mmdepthcp.LoadLabels')]
    return _document(
        f'# {setup.says}',
        '# Semantic FPN on the labelled images, from the pretrained backbone',
        ('_base_', [shipped(f'_base_/models/semantic_fpn_{"r18_small" if small else "r50"}.py'),
                    shipped('_base_/datasets/camvid_semantic.py'), shipped('_base_/semantic_runtime.py')]),
        ('pretrained', pretrained),
        ('iterations', length),
        ('metainfo', dict(classes=tuple(labels.classes), palette=[list(colour) for colour in labels.palette])),
        ('model', model),
        ('train_pipeline', [
            *read, dict(type='RandomResize', scale=(width, height), ratio_range=(1.0, 1.5), keep_ratio=True),
            dict(type='RandomCrop', crop_size=(height, width), cat_max_ratio=0.75), dict(type='RandomFlip', prob=0.5),
            dict(type='PhotoMetricDistortion'), dict(type='PackSegInputs')]),
        ('test_pipeline', [read[0], dict(type='Resize', scale=(width, height), keep_ratio=False), read[1],
                           dict(type='PackSegInputs')]),
        ('auto_scale_lr', dict(enable=False, base_batch_size=plan.finetune_batch)),
        ('train_dataloader', dict(
            batch_size=plan.finetune_batch, num_workers=plan.workers,
            dataset=dict(_delete_=True, ann_file=str(labels.train), pipeline=Code('train_pipeline'), **data))),
        ('val_dataloader', dict(
            num_workers=plan.workers,
            dataset=dict(_delete_=True, ann_file=str(labels.val), pipeline=Code('test_pipeline'), **data))),
        ('test_dataloader', Code('val_dataloader')),
        ('optim_wrapper', dict(
            type='OptimWrapper', optimizer=dict(
                type='SGD', lr=0.05 if small else 0.01, momentum=0.9, weight_decay=1e-4))),
        ('param_scheduler', [
            dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=max(1, length // 10)),
            dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=max(1, length // 10), end=Code('iterations'),
                 by_epoch=False)]),
        '# scored by tools/test.py when it has ended',
        ('train_cfg', dict(type='IterBasedTrainLoop', max_iters=Code('iterations'),
                           val_interval=Code('iterations + 1'))),
        ('default_hooks', dict(
            _hooks(10, max(1, length // 5), by_epoch=False),
            visualization=dict(interval=max(1, setup.task.tested // PICTURES)))),
        ('randomness', dict(seed=setup.seed)))
