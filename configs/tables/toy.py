# What pretraining does for other models, on toy streets, at a size that two cores manage:
#   python tools/compare.py configs/tables/toy.py
title = 'Pretraining on toy streets'
seeds = (0, 1, 2)

data_root = 'data/toy/'
images = data_root + 'leftImg8bit/train'
depthcp = 'configs/depthcp_toy.py'
to_coco = [
    '--suffixes', '_leftImg8bit.png', '_gtFine_instanceIds.png', '--classes', 'person', 'car', '--smallest', '100'
]
from_depth = [
    'model.backbone.init_cfg.checkpoint={depth}',
    'train_dataloader.dataset.dataset.data_prefix.disparity_path={work_dir}/disparity',
    'train_dataloader.dataset.dataset.data_prefix.region_path={work_dir}/regions',
]

# depth is learnt once, with seed 0
prepare = [
    dict(
        name='toy_streets',
        tool='tools/dataset_converters/toy_streets.py',
        args=[data_root, '--train', '120', '--val', '25', '--frames', '5', '--labels-per-sequence', '2'],
        outputs=[images]),
    dict(
        name='train_objects',
        tool='tools/dataset_converters/instances_to_coco.py',
        args=[images, data_root + 'gtFine/train', data_root + 'annotations/instances_train.json', *to_coco],
        outputs=[data_root + 'annotations/instances_train.json']),
    dict(
        name='val_objects',
        tool='tools/dataset_converters/instances_to_coco.py',
        args=[
            data_root + 'leftImg8bit/val', data_root + 'gtFine/val', data_root + 'annotations/instances_val.json',
            *to_coco
        ],
        outputs=[data_root + 'annotations/instances_val.json']),
    dict(name='depth', config='configs/monodepth_toy.py'),
    dict(
        name='disparity',
        tool='tools/infer_depth.py',
        args=['configs/monodepth_toy.py', '{depth}', images, '{work_dir}/disparity', '--batch-size', '8'],
        outputs=['{work_dir}/disparity', '{work_dir}/disparity/meta.json']),
    dict(
        name='regions',
        tool='tools/group_regions.py',
        args=[
            images, '{work_dir}/disparity', '{work_dir}/regions', '--camera-root', data_root + 'camera/train',
            '--params', 'max_regions=60', 'weights=0.2,15,4,-5'
        ],
        outputs=['{work_dir}/regions', '{work_dir}/regions/meta.json']),
]

data = ('toy_streets', 'train_objects', 'val_objects')  # what rows without depth build on
transfer = ('semantic', 'semantic_few', 'instances', 'knn')
whole = ('backbone', 'neck', 'decode_head')
pretrainings = dict(
    random=dict(label='random', needs=data),
    # what DepthCP's encoder starts from here
    depth=dict(label='MonoDepth', trained_on='toy', checkpoint='{depth}', tasks=transfer),
    swav=dict(label='SwAV', trained_on='toy', config='configs/swav_toy.py', tasks=transfer, needs=data),
    densecl=dict(
        label='DenseCL',
        trained_on='toy',
        config='configs/densecl_toy.py',
        tasks=('semantic', 'semantic_few', 'knn'),
        needs=data),
    pixpro=dict(label='PixPro', trained_on='toy', tasks=transfer, unavailable='not implemented yet'),
    depthg=dict(label='DepthG', trained_on='toy', tasks=('unsup',), unavailable='not implemented yet'),
    depthcp_pixel=dict(
        label='DepthCP, λ = 1',
        trained_on='toy',
        config=depthcp,
        options=[*from_depth, 'model.pixel_weight=1.0', 'model.region_weight=0.0'],
        parts=whole),
    depthcp_mixed=dict(
        label='DepthCP, λ = 0.5',
        trained_on='toy',
        config=depthcp,
        options=[*from_depth, 'model.pixel_weight=0.5', 'model.region_weight=0.5'],
        parts=whole),
    depthcp=dict(
        label='DepthCP, λ = 0.1',
        trained_on='toy',
        config=depthcp,
        options=from_depth,
        tasks=('unsup',)),
    colour_position=dict(
        label='k-means on colour and position',
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
        parts=dict(backbone='model.backbone', neck='model.neck')),
    knn=dict(
        label='k-NN probe',
        config='configs/probes/knn_toy.py',
        scores=[miou],
        parts=dict(backbone='model.backbone.backbone'),
        train=False),
    unsup=dict(
        label='unsupervised',
        config=depthcp,
        scores=[dict(key='Acc', label='Acc'), miou],
        train=False,
        options=['model.backbone.init_cfg=None']),
)
