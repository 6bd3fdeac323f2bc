# What depth is worth to STEGO, on CamVid and the features of DepthCP: learnt depth, and controls that tell nothing of
# the image. Rows of one seed share initialisation, batches and random points.
#   python tools/compare.py configs/tables/depthg_camvid.py
_base_ = ['../_base_/stages_camvid.py', '../_base_/depthg_rows.py']
title = 'STEGO and DepthG on CamVid'
seeds = (0, 1, 2)

# 'depth' of the rows is learnt here
disparity = dict(
    none=[],
    depth=[_base_.disparity_path + '{work_dir}/disparity'],
    others=[_base_.disparity_path + '{work_dir}/others'],
    constant=[_base_.disparity_path + '{work_dir}/constant'])
made_by = dict(none=[], depth=['disparity'], others=['others'], constant=['constant'])
configs = {kind: f'configs/depthg/{"depthg" if path else "stego"}_camvid_small.py' for kind, path in disparity.items()}
# trunks that others have trained with labels, which the rows say: no rivals without labels
others_trunks = dict(vits14='ViT-S/14 for saliency', r50half='ResNet-50 of half width, with labels')
trunk_data = {
    (stem, kind): [*disparity[kind], f'train_dataloader.dataset.neighbours={{work_dir}}/neighbours_{stem}.npz']
    for stem in others_trunks for kind in ('none', 'depth')
}
trunk_configs = {(stem, kind): f'configs/depthg/{"depthg" if kind == "depth" else "stego"}_{stem}_camvid.py'
                 for stem, kind in trunk_data}
prepare = [
    *_base_.stages.from_video,
    *_base_.stages.trunk,
    *_base_.stages.controls['disparity'].values(),
    *(dict(
        name=f'features_{kind}',
        tool='tools/cache_features.py',
        args=[configs[kind], f'{{work_dir}}/features/{kind}', '--cfg-options', *_base_.on_trunk, *path],
        outputs=[f'{{work_dir}}/features/{kind}', f'{{work_dir}}/features/{kind}/meta.json'],
        needs=['trunk', *made_by[kind]]) for kind, path in disparity.items()),
    *(dict(
        name=f'neighbours_{stem}',
        tool='tools/nearest_neighbours.py',
        args=[f'configs/depthg/stego_{stem}_camvid.py', f'{{work_dir}}/neighbours_{stem}.npz'],
        outputs=[f'{{work_dir}}/neighbours_{stem}.npz'],
        needs=[]) for stem in others_trunks),
    *(dict(
        name=f'features_{stem}_{kind}',
        tool='tools/cache_features.py',
        args=[trunk_configs[stem, kind], f'{{work_dir}}/features/{stem}_{kind}', *(
            ['--cfg-options', *disparity[kind]] if disparity[kind] else [])],
        outputs=[f'{{work_dir}}/features/{stem}_{kind}', f'{{work_dir}}/features/{stem}_{kind}/meta.json'],
        needs=made_by[kind]) for stem, kind in trunk_data),
]

pretrainings = dict(
    features=dict(
        label='features of DepthCP',
        config='configs/depthg/features_camvid_small.py',
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
        for name, (label, kind, settings) in _base_.rows.items()
    },
    **{
        f'features_{stem}': dict(
            label='features',
            init=label,
            config=f'configs/depthg/features_{stem}_camvid.py',
            options=['train_cfg.val_interval=400'],
            needs=())
        for stem, label in others_trunks.items()
    },
    **{
        f'{"depthg" if kind == "depth" else "stego"}_{stem}': dict(
            label='DepthG, farthest points' if kind == 'depth' else 'STEGO',
            init=others_trunks[stem],
            config=trunk_configs[stem, kind],
            options=[
                *options, 'train_cfg.val_interval=400',
                f'train_dataloader.dataset.cache={{work_dir}}/features/{stem}_{kind}'
            ],
            needs=(f'neighbours_{stem}', f'features_{stem}_{kind}'))
        for (stem, kind), options in trunk_data.items()
    })
tasks = dict(
    unsup=dict(
        label='no labels',
        config='configs/probes/cluster_camvid_small.py',
        scores=_base_.scores,
        parts=dict(backbone='model.backbone.backbone'),
        own=True))
