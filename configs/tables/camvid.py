# What pretraining does for segmentation of real images, with the small network of depthcp_camvid_small.py; needs
# camvid/ and kitti_sample/ below data/ or below $MMDEPTHCP_DATA:
#   python tools/compare.py configs/tables/camvid.py
_base_ = '../_base_/stages_camvid.py'
title = 'Pretraining on CamVid, small network'
seeds = (0, 1, 2)

depthcp = 'configs/depthcp_camvid_small.py'

# depth is learnt once, with seed 0
prepare = [*_base_.stages.from_video, *_base_.stages.trunk]
from_depth = _base_.from_depth

whole = ('backbone', 'neck', 'decode_head')
pretrainings = dict(
    random=dict(label='random', needs=()),
    # what DepthCP's encoder starts from here
    depth=dict(label='MonoDepth', trained_on='CamVid + KITTI', checkpoint='{depth}', needs=('depth',)),
    swav=dict(
        label='SwAV', trained_on='CamVid', config='configs/swav/swav_camvid_small.py', needs=()),
    densecl=dict(
        label='DenseCL',
        trained_on='CamVid',
        config='configs/densecl/densecl_camvid_small.py',
        needs=()),
    # from the depth network's encoder, as DepthCP
    pixpro=dict(
        label='PixPro',
        trained_on='CamVid',
        config='configs/pixpro/pixpro_camvid_small.py',
        options=['model.backbone.init_cfg.checkpoint={depth}'],
        needs=('depth',)),
    depth_pixpro=dict(
        label='PixPro with depth',
        trained_on='CamVid',
        config='configs/pixpro/depth_pixpro_camvid_small.py',
        options=[
            'model.backbone.init_cfg.checkpoint={depth}',
            'train_dataloader.dataset.data_prefix.disparity_path={work_dir}/disparity'
        ],
        needs=('disparity',)),
    picie=dict(
        label='PiCIE',
        trained_on='CamVid',
        config='configs/picie/picie_camvid_small.py',
        options=['model.backbone.init_cfg.checkpoint={depth}'],
        needs=('depth',)),
    depthcp_pixel=dict(
        label='DepthCP, λ = 1',
        trained_on='CamVid',
        config=depthcp,
        options=[*from_depth, 'model.pixel_weight=1.0', 'model.region_weight=0.0'],
        needs=('regions',),
        parts=whole),
    depthcp_mixed=dict(
        label='DepthCP, λ = 0.5',
        trained_on='CamVid',
        config=depthcp,
        options=[*from_depth, 'model.pixel_weight=0.5', 'model.region_weight=0.5'],
        needs=('regions',),
        parts=whole),
    # codes on the features of DepthCP with λ = 0.1, learnt once, with seed 0
    stego=dict(
        label='STEGO on DepthCP',
        trained_on='CamVid',
        config='configs/depthg/stego_camvid_small.py',
        options=_base_.on_pairs,
        tasks=('unsup',),
        needs=('neighbours',)),
    depthg=dict(
        label='DepthG on DepthCP',
        trained_on='CamVid',
        config='configs/depthg/depthg_camvid_small.py',
        options=[*_base_.on_pairs, 'train_dataloader.dataset.dataset.data_prefix.disparity_path={work_dir}/disparity'],
        tasks=('unsup',),
        needs=('neighbours',)),
    colour_position=dict(
        label='k-means on colour and position',
        config=depthcp,
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
    # models that cluster by themselves as they are, others by a cluster probe on their features
    unsup=dict(
        label='no labels',
        config='configs/probes/cluster_camvid_small.py',
        scores=[dict(key='Acc', label='Acc'), miou],
        parts=dict(backbone='model.backbone.backbone'),
        own=True),
)
