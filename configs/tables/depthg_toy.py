# What depth is worth to STEGO, on toy streets and the features of DepthCP: exact depth, learnt depth, and controls that
# tell nothing of the image. Rows of one seed share initialisation, batches and random points.
#   python tools/compare.py configs/tables/depthg_toy.py
_base_ = ['../_base_/stages_toy.py', '../_base_/depthg_rows.py']
title = 'STEGO and DepthG on toy streets'
seeds = (2, 3, 4, 5, 6)

# 'depth' of the rows is the exact one here
disparity = dict(
    none=[],
    learnt=[_base_.disparity_path + '{work_dir}/disparity'],
    depth=[_base_.disparity_path + '{work_dir}/exact'],
    others=[_base_.disparity_path + '{work_dir}/others'],
    constant=[_base_.disparity_path + '{work_dir}/constant'])
made_by = dict(none=[], learnt=['disparity'], depth=['exact'], others=['others'], constant=['constant'])
configs = {kind: f'configs/depthg/{"depthg" if path else "stego"}_toy.py' for kind, path in disparity.items()}
prepare = [
    _base_.stages.toy_streets,
    *_base_.stages.from_video,
    *_base_.stages.trunk,
    _base_.stages.exact,
    *_base_.stages.controls['exact'].values(),
    *(dict(
        name=f'features_{kind}',
        tool='tools/cache_features.py',
        args=[configs[kind], f'{{work_dir}}/features/{kind}', '--cfg-options', *_base_.on_trunk, *path],
        outputs=[f'{{work_dir}}/features/{kind}', f'{{work_dir}}/features/{kind}/meta.json'],
        needs=['trunk', *made_by[kind]]) for kind, path in disparity.items()),
]

rows = dict(
    _base_.rows,
    learnt=('DepthG, learnt depth', 'learnt', _base_.near),
    learnt_far=('DepthG, learnt depth, farthest points', 'learnt', _base_.far))
pretrainings = dict(
    features=dict(
        label='features of DepthCP',
        config='configs/depthg/features_toy.py',
        options=[*_base_.on_trunk, 'train_cfg.val_interval=400'],
        needs=('trunk',)),
    **{
        name: dict(
            label=label,
            config=configs[kind],
            options=[
                *_base_.on_pairs, *disparity[kind], *settings, 'train_cfg.val_interval=400',
                f'train_dataloader.dataset.cache={{work_dir}}/features/{kind}'
            ],
            needs=('neighbours', f'features_{kind}'))
        for name, (label, kind, settings) in rows.items()
    })
tasks = dict(
    unsup=dict(
        label='no labels',
        config='configs/probes/cluster_toy.py',
        scores=_base_.scores,
        parts=dict(backbone='model.backbone.backbone'),
        own=True))
