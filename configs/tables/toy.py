# What pretraining does for other models, on toy streets, at a size that two cores manage:
#   python tools/compare.py configs/tables/toy.py
_base_ = '../_base_/stages_toy.py'
title = 'Pretraining on toy streets'
seeds = (0, 1, 2)

depthcp = 'configs/depthcp_toy.py'

# depth is learnt once, with seed 0
prepare = [_base_.stages.toy_streets, *_base_.stages.from_video, *_base_.stages.toy_objects, *_base_.stages.trunk]
from_depth = _base_.from_depth

data = ('toy_streets',)  # what rows without depth build on
whole = ('backbone', 'neck', 'decode_head')
its_encoder = ['model.backbone.init_cfg.checkpoint={depth}']
its_disparity = ['train_dataloader.dataset.data_prefix.disparity_path={work_dir}/disparity']
encoder = [f'model.backbone.init_cfg.{word}' for word in ('type=Pretrained', 'checkpoint={depth}', 'prefix=backbone.')]
pretrainings = dict(
    random=dict(label='random', needs=data),
    # what DepthCP's encoder starts from here
    depth=dict(label='MonoDepth', trained_on='toy', checkpoint='{depth}', needs=('depth',)),
    swav=dict(label='SwAV', trained_on='toy', config='configs/swav/swav_toy.py', needs=data),
    swav_depth=dict(
        label='SwAV',
        init='MonoDepth',
        trained_on='toy',
        config='configs/swav/swav_toy.py',
        options=encoder,
        needs=('depth',)),
    densecl=dict(
        label='DenseCL',
        trained_on='toy',
        config='configs/densecl/densecl_toy.py',
        tasks=('semantic', 'semantic_few', 'knn', 'unsup'),
        needs=data),
    densecl_depth=dict(
        label='DenseCL',
        init='MonoDepth',
        trained_on='toy',
        config='configs/densecl/densecl_toy.py',
        options=encoder,
        tasks=('semantic', 'semantic_few', 'knn', 'unsup'),
        needs=('depth',)),
    pixpro=dict(
        label='PixPro',
        init='MonoDepth',
        trained_on='toy',
        config='configs/pixpro/pixpro_toy.py',
        options=its_encoder,
        needs=('depth',)),
    depth_pixpro=dict(
        label='PixPro with depth',
        init='MonoDepth',
        trained_on='toy',
        config='configs/pixpro/depth_pixpro_toy.py',
        options=[*its_encoder, *its_disparity],
        needs=('disparity',)),
    depth_pixpro_fpn=dict(
        label='PixPro with depth, pyramid',
        init='MonoDepth',
        trained_on='toy',
        config='configs/pixpro/depth_pixpro_fpn_toy.py',
        options=[*its_encoder, *its_disparity],
        needs=('disparity',),
        parts=whole),
    picie=dict(
        label='PiCIE',
        init='MonoDepth',
        trained_on='toy',
        config='configs/picie/picie_toy.py',
        options=its_encoder,
        needs=('depth',)),
    depthcp_pixel=dict(
        label='DepthCP, λ = 1',
        init='MonoDepth',
        trained_on='toy',
        config=depthcp,
        options=[*from_depth, 'model.pixel_weight=1.0', 'model.region_weight=0.0'],
        needs=('regions',),
        parts=whole),
    depthcp_mixed=dict(
        label='DepthCP, λ = 0.5',
        init='MonoDepth',
        trained_on='toy',
        config=depthcp,
        options=[*from_depth, 'model.pixel_weight=0.5', 'model.region_weight=0.5'],
        needs=('regions',),
        parts=whole),
    depthcp_scratch=dict(
        label='DepthCP, λ = 0.5',
        init='scratch',
        trained_on='toy',
        config=depthcp,
        options=[*from_depth[1:], 'model.backbone.init_cfg=None', 'model.pixel_weight=0.5', 'model.region_weight=0.5'],
        needs=('regions',),
        parts=whole),
    depthcp=dict(
        label='DepthCP, λ = 0.1',
        init='MonoDepth',
        trained_on='toy',
        config=depthcp,
        options=from_depth,
        needs=('regions',),
        tasks=('unsup',)),
    # codes on the features of DepthCP with λ = 0.1, learnt once, with seed 0
    stego=dict(
        label='STEGO on DepthCP',
        trained_on='toy',
        config='configs/depthg/stego_toy.py',
        options=_base_.on_pairs,
        tasks=('unsup',),
        needs=('neighbours',)),
    depthg=dict(
        label='DepthG on DepthCP',
        trained_on='toy',
        config='configs/depthg/depthg_toy.py',
        options=[*_base_.on_pairs, 'train_dataloader.dataset.dataset.data_prefix.disparity_path={work_dir}/disparity'],
        tasks=('unsup',),
        needs=('neighbours',)),
    colour_position=dict(
        label='k-means on colour and position',
        config=depthcp,
        tasks=('unsup',),
        needs=data,
        scorer='tools/colour_position_baseline.py'),
)

miou = dict(key='mIoU', label='mIoU')
semantic_parts = dict(backbone='model.backbone', neck='model.neck', decode_head='model.decode_head')
tasks = dict(
    semantic=dict(
        label='semantic', config='configs/finetune/semantic_fpn_toy.py', scores=[miou], parts=semantic_parts),
    semantic_few=dict(
        label='semantic, 1/30 of the labels',
        config='configs/finetune/semantic_fpn_toy.py',
        scores=[miou],
        parts=semantic_parts,
        options=['train_dataloader.dataset.subset.fraction=0.0333']),
    instances=dict(
        label='instances',
        config='configs/finetune/mask_rcnn_toy.py',
        scores=[
            dict(key='segm_mAP', label='AP'),
            dict(key='segm_mAP_50', label='AP50'),
        ],
        parts=dict(backbone='model.backbone', neck='model.neck'),
        needs=('train_objects', 'val_objects')),
    knn=dict(
        label='k-NN probe',
        config='configs/probes/knn_toy.py',
        scores=[miou],
        parts=dict(backbone='model.backbone.backbone'),
        train=False),
    # models that cluster by themselves as they are, others by a cluster probe on their features
    unsup=dict(
        label='no labels',
        config='configs/probes/cluster_toy.py',
        scores=[dict(key='Acc', label='Acc'), miou],
        parts=dict(backbone='model.backbone.backbone'),
        own=True),
)
