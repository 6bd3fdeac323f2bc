# Which part of DepthCP does it, on CamVid and depth that was learnt from video: one thing changes in a row. Every row
# has the same images, steps, optimiser and views.
#   python tools/compare.py configs/tables/ablation_camvid.py
_base_ = ['../_base_/stages_camvid.py', '../_base_/ablation_rows.py']
title = 'What matters in DepthCP, on CamVid'
seeds = (0, 1, 2)

regions_of = dict(whole=[], grid=[], colour=['--images', _base_.stage_values['images']])
prepare = [
    *_base_.stages.from_video,
    *(dict(
        name=f'regions_{kind}',
        tool=_base_.control_regions,
        args=['{work_dir}/regions', f'{{work_dir}}/regions_{kind}', '--kind', kind, *more],
        outputs=[f'{{work_dir}}/regions_{kind}/meta.json'],
        needs=['regions']) for kind, more in regions_of.items()),
]

pretrainings = dict(
    **{
        name: dict(
            label=label,
            config=_base_.stage_values['trunk_config'],
            options=[*_base_.from_depth, *changes],
            parts=('backbone', 'neck', 'decode_head'),
            needs=('regions', *stages))
        for name, (label, changes, stages) in _base_.variants.items()
    },
    depth=dict(label='MonoDepth, what they start from', checkpoint='{depth}', needs=('depth',)),
    nothing=dict(label='random weights', needs=()))

miou = dict(key='mIoU', label='mIoU')
tasks = dict(
    unsup=dict(
        label='no labels',
        config='configs/probes/cluster_camvid_small.py',
        scores=[dict(key='Acc', label='Acc'), miou],
        parts=dict(backbone='model.backbone.backbone'),
        own=True),
    knn=dict(
        label='k-NN probe',
        config='configs/probes/knn_camvid_small.py',
        scores=[miou],
        parts=dict(backbone='model.backbone.backbone'),
        train=False),
    semantic_few=dict(
        label='semantic, 1/30 of the labels',
        config='configs/finetune/semantic_fpn_camvid_small.py',
        scores=[miou],
        parts=dict(backbone='model.backbone', neck='model.neck', decode_head='model.decode_head'),
        options=['train_dataloader.dataset.subset.fraction=0.0333']))
