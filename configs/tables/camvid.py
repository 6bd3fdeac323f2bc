# What pretraining does for segmentation of real images, with the small network of depthcp_camvid_small.py; needs
# camvid/ and kitti_sample/ below data/ or below $MMDEPTHCP_DATA:
#   python tools/compare.py configs/tables/camvid.py
title = 'Pretraining on CamVid, small network'
seeds = (0, 1, 2)

images = '{{$MMDEPTHCP_DATA:data}}/camvid/images/train'
depthcp = 'configs/depthcp_camvid_small.py'
from_depth = [
    'model.backbone.init_cfg.checkpoint={depth}',
    'train_dataloader.dataset.dataset.data_prefix.disparity_path={work_dir}/disparity',
    'train_dataloader.dataset.dataset.data_prefix.region_path={work_dir}/regions',
]

# depth is learnt once, with seed 0
prepare = [
    dict(name='depth', config='configs/monodepth_r18_mixed_small.py'),
    dict(
        name='disparity',
        tool='tools/infer_depth.py',
        args=[
            'configs/monodepth_r18_mixed_small.py', '{depth}', images, '{work_dir}/disparity', '--batch-size', '8'
        ],
        outputs=['{work_dir}/disparity', '{work_dir}/disparity/meta.json']),
    dict(
        name='regions',
        tool='tools/group_regions.py',
        args=[
            images, '{work_dir}/disparity', '{work_dir}/regions', '--intrinsics', '1.1', '1.47', '0.5', '0.5',
            '--params', 'max_regions=60', 'weights=0.2,15,4,-5'
        ],
        outputs=['{work_dir}/regions', '{work_dir}/regions/meta.json']),
]

transfer = ('semantic_few', 'knn')
whole = ('backbone', 'neck', 'decode_head')
pretrainings = dict(
    random=dict(label='random', needs=()),
    # what DepthCP's encoder starts from here
    depth=dict(label='MonoDepth', trained_on='CamVid + KITTI', checkpoint='{depth}', tasks=transfer),
    swav=dict(label='SwAV', trained_on='CamVid', config='configs/swav_camvid_small.py', tasks=transfer, needs=()),
    densecl=dict(
        label='DenseCL', trained_on='CamVid', config='configs/densecl_camvid_small.py', tasks=transfer, needs=()),
    pixpro=dict(label='PixPro', trained_on='CamVid', tasks=transfer, unavailable='not implemented yet'),
    depthg=dict(label='DepthG', trained_on='CamVid', tasks=('unsup',), unavailable='not implemented yet'),
    depthcp_pixel=dict(
        label='DepthCP, λ = 1',
        trained_on='CamVid',
        config=depthcp,
        options=[*from_depth, 'model.pixel_weight=1.0', 'model.region_weight=0.0'],
        parts=whole),
    depthcp_mixed=dict(
        label='DepthCP, λ = 0.5',
        trained_on='CamVid',
        config=depthcp,
        options=[*from_depth, 'model.pixel_weight=0.5', 'model.region_weight=0.5'],
        parts=whole),
    colour_position=dict(
        label='k-means on colour and position',
        tasks=('unsup',),
        needs=(),
        scorer='tools/colour_position_baseline.py'),
)

miou = dict(key='mIoU', label='mIoU')
semantic_parts = dict(backbone='model.backbone', neck='model.neck', decode_head='model.decode_head')
probe_parts = dict(backbone='model.backbone.backbone')
tasks = dict(
    semantic_few=dict(
        label='semantic, 1/30 of the labels',
        config='configs/finetune/semantic_fpn_camvid_small.py',
        scores=[miou],
        parts=semantic_parts,
        options=['train_dataloader.dataset.subset.fraction=0.0333']),
    knn=dict(
        label='k-NN probe',
        config='configs/probes/knn_camvid_small.py',
        scores=[miou],
        parts=probe_parts,
        train=False),
    unsup=dict(
        label='unsupervised',
        config=depthcp,
        scores=[dict(key='Acc', label='Acc'), miou],
        train=False,
        options=['model.backbone.init_cfg=None']),
)
