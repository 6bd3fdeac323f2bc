# What depth is worth to STEGO, on CamVid and the features of DepthCP: learnt depth, and controls that tell nothing of
# the image. Rows of one seed share initialisation, batches and random points.
#   python tools/compare.py configs/tables/depthg_camvid.py
_base_ = ['../_base_/stages.py', '../_base_/depthg_rows.py']
title = 'STEGO and DepthG on CamVid'
seeds = (0, 1, 2)

stage_values = dict(
    depth_config='configs/monodepth/monodepth_r18_mixed_small.py',
    images='{{$MMDEPTHCP_DATA:data}}/camvid/images/train',
    camera=['--intrinsics', '1.1', '1.47', '0.5', '0.5'],
    regions=['max_regions=60', 'weights=0.2,15,4,-5'],
    trunk_config='configs/depthcp_camvid_small.py',
    stego_config='configs/depthg/stego_camvid_small.py')
# 'depth' of the rows is learnt here
disparity = dict(
    none=[],
    depth=[_base_.disparity_path + '{work_dir}/disparity'],
    others=[_base_.disparity_path + '{work_dir}/others'],
    constant=[_base_.disparity_path + '{work_dir}/constant'])
made_by = dict(none=[], depth=['disparity'], others=['others'], constant=['constant'])
configs = {kind: f'configs/depthg/{"depthg" if path else "stego"}_camvid_small.py' for kind, path in disparity.items()}
prepare = [
    *_base_.stages.from_video,
    *_base_.stages.trunk,
    *(dict(
        name=kind,
        tool='tools/dataset_converters/control_disparity.py',
        args=['{work_dir}/disparity', f'{{work_dir}}/{kind}', '--kind', kind],
        outputs=[f'{{work_dir}}/{kind}/meta.json'],
        needs=['disparity']) for kind in ('others', 'constant')),
    *(dict(
        name=f'features_{kind}',
        tool='tools/cache_features.py',
        args=[configs[kind], f'{{work_dir}}/features/{kind}', '--cfg-options', *_base_.on_trunk, *path],
        outputs=[f'{{work_dir}}/features/{kind}/meta.json'],
        needs=['trunk', *made_by[kind]]) for kind, path in disparity.items()),
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
    })
tasks = dict(
    unsup=dict(
        label='no labels',
        config='configs/probes/cluster_camvid_small.py',
        scores=_base_.scores,
        parts=dict(backbone='model.backbone.backbone'),
        own=True))
