# Which part of DepthCP does it, on toy streets: one thing changes in a row. Every row has the same images, steps,
# optimiser and views.
#   python tools/compare.py configs/tables/ablation_toy.py
_base_ = ['../_base_/stages_toy.py', '../_base_/ablation_rows.py']
title = 'What matters in DepthCP, on toy streets'
seeds = (0, 1, 2)

regions_of = dict(
    whole=[],
    grid=[],
    colour=['--images', _base_.stage_values['images']],
    true=['--labels', 'data/toy/gtFine/train', '--suffixes', '_leftImg8bit', '_gtFine_instanceIds'])
prepare = [
    _base_.stages.toy_streets, *_base_.stages.from_video, _base_.stages.exact,
    dict(
        name='regions_exact',
        tool='tools/group_regions.py',
        args=['{images}', '{work_dir}/exact', '{work_dir}/regions_exact', '{camera}', '--params', '{regions}'],
        outputs=['{work_dir}/regions_exact/meta.json'],
        needs=['exact']),
    *(dict(
        name=f'regions_{kind}',
        tool=_base_.control_regions,
        args=['{work_dir}/regions', f'{{work_dir}}/regions_{kind}', '--kind', kind, *more],
        outputs=[f'{{work_dir}}/regions_{kind}/meta.json'],
        needs=['regions']) for kind, more in regions_of.items()),
]

exact_order = f'{_base_.groups}.dataset.data_prefix.disparity_path={{work_dir}}/exact'
variants = dict(
    _base_.variants,
    exact=('regions and order: exact depth', [_base_.region_path + '_exact', exact_order], ['regions_exact']),
    true=('regions: true instances, order: exact depth', [_base_.region_path + '_true', exact_order],
          ['regions_true', 'exact']))
pretrainings = dict(
    **{
        name: dict(
            label=label,
            config=_base_.stage_values['trunk_config'],
            options=[*_base_.from_depth, *changes],
            parts=('backbone', 'neck', 'decode_head'),
            needs=('regions', *stages))
        for name, (label, changes, stages) in variants.items()
    },
    depth=dict(label='MonoDepth, what they start from', checkpoint='{depth}', needs=('depth',)),
    nothing=dict(label='random weights', needs=('toy_streets',)))

miou = dict(key='mIoU', label='mIoU')
tasks = dict(
    unsup=dict(
        label='no labels',
        config='configs/probes/cluster_toy.py',
        scores=[dict(key='Acc', label='Acc'), miou],
        parts=dict(backbone='model.backbone.backbone'),
        own=True),
    knn=dict(
        label='k-NN probe',
        config='configs/probes/knn_toy.py',
        scores=[miou],
        parts=dict(backbone='model.backbone.backbone'),
        train=False),
    semantic_few=dict(
        label='semantic, 1/30 of the labels',
        config='configs/finetune/semantic_fpn_toy.py',
        scores=[miou],
        parts=dict(backbone='model.backbone', neck='model.neck', decode_head='model.decode_head'),
        options=['train_dataloader.dataset.subset.fraction=0.0333']))
