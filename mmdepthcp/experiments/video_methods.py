"""What a pretraining on the frames of a video changes in the configs that come with the package, by method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mmdepthcp.apis.resnets import BLOCKS, ResNetKind
from mmdepthcp.config.writing import Changed, Code
from mmdepthcp.experiments.video_tasks import Plan

CLUSTERS = 16
"""Segments to tell apart where no labels say how many classes there are."""
PAPER_WIDTH = 768
"""Width of the views that the lengths of pastes are given for."""

Setting = str | tuple[str, Any]


class Words(NamedTuple):
    """A config.

    Attributes:
        bases: what it inherits from, below ``configs``.
        settings: what it changes: comments, and names with their values.
    """

    bases: list[str]
    settings: list[Setting]


@dataclass(frozen=True)
class Data:
    """Where a pretraining finds things.

    Attributes:
        images, disparity, regions: folders.
        init_cfg: what the backbone starts from.
        classes: how many classes the labels have, if there are any.
    """

    images: Path
    disparity: Path
    regions: Path
    init_cfg: Mapping[str, Any] | None
    classes: int | None


@dataclass(frozen=True)
class MethodConfig:
    """How a method is configured.

    Attributes:
        parts: of its network that Semantic FPN takes.
        by_epoch: whether its length counts epochs.
        words: writes its config.
    """

    parts: tuple[str, ...]
    by_epoch: bool
    words: Callable[[Plan, Data], Words]

    def last(self, plan: Plan) -> str:
        """Name of its last checkpoint."""
        return f'epoch_{plan.pretrain_epochs}.pth' if self.by_epoch else f'iter_{plan.pretrain_iterations}.pth'


def pretraining(method: str, plan: Plan, images: Path, disparity: Path, regions: Path,
                init_cfg: Mapping[str, Any] | None, classes: int | None) -> Words:
    """The config of a pretraining, see :class:`Data`."""
    return MODELS[method].words(plan, Data(images, disparity, regions, init_cfg, classes))


def is_small(kind: ResNetKind) -> bool:
    """Whether the configs of small networks fit it: its blocks are plain."""
    return not BLOCKS[kind.depth][0]


def _backbone(kind: ResNetKind, data: Data) -> dict[str, Any]:
    init_cfg = dict(data.init_cfg) if data.init_cfg else None
    return dict(depth=kind.depth, base_channels=kind.base_channels, stem_channels=kind.stem_channels,
                init_cfg=init_cfg)


def _depthcp(plan: Plan, data: Data) -> Words:
    kind = plan.network
    small = is_small(kind)
    width, height = plan.view_size
    scale = width / PAPER_WIDTH
    points = width * height / (20 if small else 41)
    pastes = dict(
        cp_times=(2, 4), position_jitter=max(1, round(16 * scale)), min_height=max(2, round(16 * scale)),
        min_width=max(2, round(6 * scale)), min_side=max(4, round(32 * scale)), whole_margin=max(1, round(16 * scale)),
        min_pasted=max(2, round(8 * scale)))
    load = [dict(type='LoadImage'), dict(type='LoadDisparity'), dict(type='LoadRegions'),
            dict(type='ResizeStreet', scale=Code('view_size'))]
    prefix = dict(img_path=Code('images'), disparity_path=str(data.disparity), region_path=str(data.regions))
    optimizer = (dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.01)) if small else
                 dict(type='AmpOptimWrapper', optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4)))
    per_epoch = max(1, plan.pretrain_iterations // plan.pretrain_epochs)
    warm_up = max(1, min(plan.pretrain_iterations // 10, 2 * per_epoch))
    return Words(
        [f'_base_/models/depthcp_{"r18_small" if small else "r50"}.py', '_base_/datasets/cityscapes_groups.py',
         '_base_/default_runtime.py'],
        [
            ('images', str(data.images)),
            ('epochs', plan.pretrain_epochs),
            '# sides are multiples of 32',
            ('view_size', plan.view_size),
            ('model', dict(
                backbone=_backbone(kind, data), neck=dict(in_channels=kind.stage_channels),
                num_prototypes=plan.prototypes, num_clusters=min(data.classes or CLUSTERS, plan.prototypes))),
            ('load_pipeline', load),
            '# lengths follow the width of the views',
            ('group_pipeline', [
                dict(type='CopyPaste', pastes=pastes),
                dict(type='SampleMatches', region_points=round(points), pixel_points=round(points * 5 / 9)),
                dict(type='PackMixedViews')]),
            ('train_dataloader', dict(
                num_workers=plan.workers,
                dataset=dict(
                    num_images=plan.group,
                    dataset=dict(_delete_=True, type='StreetDataset', data_prefix=prefix,
                                 pipeline=Code('load_pipeline')),
                    pipeline=Code('group_pipeline')))),
            '# there are no labels to validate with; the inferencer reads how to prepare an image from the test set',
            ('val_dataloader', None), ('val_evaluator', None), ('val_cfg', None),
            ('test_dataloader', dict(num_workers=0, dataset=dict(
                _delete_=True, type='StreetDataset', data_prefix=dict(img_path=Code('images')),
                pipeline=[load[0], load[-1], dict(type='mmseg.PackSegInputs')]))),
            ('test_cfg', dict(type='TestLoop')),
            ('optim_wrapper', optimizer),
            ('param_scheduler', [
                dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=warm_up),
                dict(type='CosineAnnealingLR', eta_min=1e-4 if small else 1e-5, by_epoch=True, begin=0,
                     end=Code('epochs'), convert_to_iter_based=True)]),
            ('train_cfg', dict(type='EpochBasedTrainLoop', max_epochs=Code('epochs'))),
            ('default_hooks', dict(
                logger=dict(interval=10),
                checkpoint=dict(interval=max(1, plan.pretrain_epochs // 10), max_keep_ckpts=1))),
        ])


def _of_iterations(name: str, model: Callable[[Plan], dict[str, Any]], pipeline: Callable[[Plan], list[Setting]],
                   load: Callable[[Plan], list[Any]]) -> Callable[[Plan, Data], Words]:
    """The words for a method whose length counts iterations.

    Args:
        name: of its configs, below ``configs``, without ``_camvid``.
        model: what follows from the plan in the model, beside the backbone.
        pipeline: settings that the pipeline takes.
        load: the pipeline of an image.
    """
    def words(plan: Plan, data: Data) -> Words:
        small, length = is_small(plan.network), plan.pretrain_iterations
        warm_up = max(1, length // 10)
        prefix = dict(img_path=str(data.images))
        if name.endswith('depth_pixpro'):
            prefix['disparity_path'] = str(data.disparity)
        changed = model(plan)
        changed['backbone'] = {**changed.get('backbone', {}), **_backbone(plan.network, data)}
        return Words(
            [f'{name}_camvid{"_small" if small else ""}.py'],
            [
                ('iterations', length),
                ('model', changed),
                *pipeline(plan),
                ('auto_scale_lr', dict(enable=False, base_batch_size=plan.group)),
                ('train_dataloader', dict(
                    batch_size=plan.group, num_workers=plan.workers,
                    dataset=dict(_delete_=True, type='mmdepthcp.StreetDataset', data_prefix=prefix,
                                 pipeline=load(plan)))),
                ('param_scheduler', [
                    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=warm_up),
                    dict(type='CosineAnnealingLR', eta_min=1e-6, by_epoch=False, begin=warm_up,
                         end=Code('iterations'))]),
                ('train_cfg', dict(max_iters=Code('iterations'))),
                ('default_hooks', dict(logger=dict(interval=10), checkpoint=dict(interval=max(1, length // 10)))),
            ])
    return words


LOAD = dict(type='mmdepthcp.LoadImage')


def _pixpro(plan: Plan) -> dict[str, Any]:
    kind = plan.network
    return dict(in_channels=(kind.stage_channels[2 if is_small(kind) else 3],))


def _two_views(plan: Plan, **more: Any) -> list[Setting]:
    width, height = plan.view_size
    shape = width / height
    views = dict(size=(height, width), aspect_range=(round(0.75 * shape, 2), round(1.33 * shape, 2)), **more)
    return ['# two views of an image; sizes are (height, width)',
            ('views', Changed('_base_.views', views))]


def _two_views_in_depth(plan: Plan) -> list[Setting]:
    stride = 16 if is_small(plan.network) else 32
    width, height = plan.view_size
    return _two_views(plan, grids=[(height // stride, width // stride)], smallest=0.004)


def _crops(plan: Plan) -> list[Setting]:
    width, height = plan.view_size
    side = max(64, round((width * height) ** 0.5 / 32) * 32)
    augment = Code('*_base_.gentle_augment' if is_small(plan.network) else '*_base_.augment')

    def crop(side: int, low: float, high: float) -> list[Any]:
        return [dict(type='RandomResizedCrop', scale=(side, side), crop_ratio_range=(low, high)), augment]

    return [('view', crop(side, 0.4, 1.0)), ('small_view', crop(side // 2, 0.15, 0.4))]


def _swav(plan: Plan) -> dict[str, Any]:
    return dict(
        neck=dict(in_channels=plan.network.stage_channels[-1]),
        head=dict(loss=dict(num_prototypes=plan.prototypes, frozen_steps=max(1, plan.pretrain_iterations // 20))))


def _densecl(plan: Plan) -> dict[str, Any]:
    return dict(neck=dict(in_channels=plan.network.stage_channels[-1]))


def _multi_view(*numbers_and_views: tuple[int, str]) -> list[Any]:
    numbers = [number for number, _ in numbers_and_views]
    views = [Code(view) for _, view in numbers_and_views]
    return [LOAD, dict(type='MultiView', num_views=numbers, transforms=views), dict(type='PackInputs')]


def _dense_views(plan: Plan) -> list[Setting]:
    return [
        *_crops(plan)[:1], '# the dense loss comes in once the features match at all',
        ('custom_hooks', [dict(type='mmdepthcp.PretrainedCheckHook'),
                          dict(type='DenseCLHook', start_iters=max(1, plan.pretrain_iterations // 4))])]


MODELS = dict(
    depthcp=MethodConfig(('backbone', 'neck', 'decode_head'), True, _depthcp),
    pixpro=MethodConfig(('backbone',), False, _of_iterations(
        'pixpro/pixpro', _pixpro, _two_views,
        lambda plan: [LOAD, Code('views'), dict(type='mmdepthcp.PackTwoViews')])),
    depth_pixpro=MethodConfig(('backbone',), False, _of_iterations(
        'pixpro/depth_pixpro', _pixpro, _two_views_in_depth,
        lambda plan: [LOAD, dict(type='mmdepthcp.LoadDisparity'), Code('views'),
                      dict(type='mmdepthcp.PackTwoViews')])),
    swav=MethodConfig(('backbone',), False, _of_iterations(
        'swav/swav', _swav, _crops, lambda plan: _multi_view((2, 'view'), (6, 'small_view')))),
    densecl=MethodConfig(('backbone',), False, _of_iterations(
        'densecl/densecl', _densecl, _dense_views, lambda plan: _multi_view((2, 'view')))))
"""By the name that users give."""
