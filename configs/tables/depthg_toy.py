# What depth is worth to STEGO, on toy streets and the features of DepthCP: exact depth, learnt depth, and controls that
# tell nothing of the image. Rows of one seed share initialisation, batches and random points.
#   python tools/compare.py configs/tables/depthg_toy.py
_base_ = '../_base_/stages.py'
title = 'STEGO and DepthG on toy streets'
seeds = (2, 3, 4, 5, 6)

stage_values = dict(
    depth_config='configs/monodepth/monodepth_toy.py',
    images='data/toy/leftImg8bit/train',
    camera=['--camera-root', 'data/toy/camera/train'],
    regions=['max_regions=60', 'weights=0.2,15,4,-5'])
stego, depthg = 'configs/depthg/stego_toy.py', 'configs/depthg/depthg_toy.py'
prefix = 'train_dataloader.dataset.dataset.data_prefix.disparity_path='
trunk = [f'model.backbone.{part}.init_cfg.checkpoint={{depthcp}}' for part in ('backbone', 'neck', 'decode_head')]
pairs = [*trunk, 'train_dataloader.dataset.neighbours={work_dir}/neighbours.npz', 'train_cfg.val_interval=400']
disparity = dict(
    none=[],
    learnt=[prefix + '{work_dir}/disparity'],
    exact=[prefix + '{work_dir}/exact'],
    others=[prefix + '{work_dir}/others'],
    constant=[prefix + '{work_dir}/constant'])

controls = [
    dict(
        name=kind,
        tool='tools/dataset_converters/control_disparity.py',
        args=['{work_dir}/exact', f'{{work_dir}}/{kind}', '--kind', kind],
        outputs=[f'{{work_dir}}/{kind}/meta.json'],
        needs=['exact']) for kind in ('others', 'constant')
]
caches = [
    dict(
        name=f'features_{kind}',
        tool='tools/cache_features.py',
        args=[depthg if path else stego, f'{{work_dir}}/features/{kind}', '--cfg-options', *trunk, *path],
        outputs=[f'{{work_dir}}/features/{kind}/meta.json'],
        needs=['depthcp', *({'none': [], 'learnt': ['disparity']}.get(kind, [kind]))])
    for kind, path in disparity.items()
]
prepare = [
    _base_.stages.toy_streets,
    *_base_.stages.from_video,
    dict(name='depthcp', config='configs/depthcp_toy.py', options=_base_.from_depth, needs=['regions']),
    dict(
        name='neighbours',
        tool='tools/nearest_neighbours.py',
        args=[stego, '{work_dir}/neighbours.npz', '--cfg-options', *trunk],
        outputs=['{work_dir}/neighbours.npz'],
        needs=['depthcp']),
    dict(
        name='exact',
        tool='tools/dataset_converters/depth_maps.py',
        args=[
            'data/toy/depth/train', '{work_dir}/exact', '--suffix', '_depth.png', '--image-suffix', '_leftImg8bit',
            '--holes', 'far'
        ],
        outputs=['{work_dir}/exact/meta.json'],
        needs=['toy_streets']),
    *controls,
    *caches,
]

near, far = ['model.points.kind=random'], ['model.points.kind=farthest']
published = [
    'model.depth.weight=0.19', 'model.depth.shift=0.03', 'model.depth.centre=False', 'model.depth.decay=0.6',
    'model.depth.decay_interval=43', 'model.depth.shift_decays=True'
]
legacy = [*published, 'model.depth.mode=legacy']
runs = dict(
    stego=('STEGO', 'none', []),
    stego_far=('STEGO, farthest points', 'exact', ['model.depth.weight=0', *far]),
    constant=('+ constant depth', 'constant', near),
    others=('+ depth of other images', 'others', near),
    legacy=('DepthG as published, random points', 'exact', [*legacy, *near]),
    legacy_constant=('the same weight and shift, constant depth', 'constant', [*published, *near]),
    legacy_far=('DepthG as published, its farthest points', 'exact', [*legacy, *far, 'model.points.legacy=True']),
    learnt=('DepthG, learnt depth, random points', 'learnt', near),
    learnt_far=('DepthG, learnt depth, farthest points', 'learnt', far),
    exact=('DepthG, exact depth, random points', 'exact', near),
    exact_far=('DepthG, exact depth, farthest points', 'exact', far),
    exact_euclid=('DepthG, exact depth in 3-D, random points', 'exact', ['model.depth.mode=euclid3d', *near]),
    exact_euclid_far=('DepthG, exact depth in 3-D, farthest points', 'exact', ['model.depth.mode=euclid3d', *far]))
pretrainings = dict(
    features=dict(
        label='features of DepthCP',
        config='configs/depthg/features_toy.py',
        options=[*trunk, 'train_cfg.val_interval=400'],
        needs=('depthcp',)),
    **{
        name: dict(
            label=label,
            config=stego if kind == 'none' else depthg,
            options=[
                *pairs, *disparity[kind], *settings, f'train_dataloader.dataset.cache={{work_dir}}/features/{kind}'
            ],
            needs=('neighbours', f'features_{kind}'))
        for name, (label, kind, settings) in runs.items()
    })
tasks = dict(
    unsup=dict(
        label='no labels',
        config='configs/probes/cluster_toy.py',
        scores=[
            dict(key='mIoU', label='mIoU'),
            dict(key='Acc', label='Acc'),
            dict(key='kmeans_mIoU', label='k-means mIoU'),
            dict(key='kmeans_Acc', label='k-means Acc'),
            dict(key='linear_mIoU', label='linear mIoU'),
        ],
        parts=dict(backbone='model.backbone.backbone'),
        own=True))
