# The 200 labelled images of KITTI in five folds; subset.fold (of all loaders) chooses the one that is held out,
# subset.fraction a part of the others
data_root = 'data/kitti/'
crop_size = (352, 768)

train_pipeline = [
    dict(type='mmdepthcp.LoadImage'),
    dict(type='mmdepthcp.LoadLabels'),
    dict(type='RandomResize', scale=(1242, 375), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='mmdepthcp.LoadImage'),
    dict(type='Resize', scale=(1248, 384), keep_ratio=False),
    dict(type='mmdepthcp.LoadLabels'),
    dict(type='PackSegInputs'),
]
# the learning rates of the configs are for this many at once, over all processes
auto_scale_lr = dict(enable=False, base_batch_size=8)
train_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='mmdepthcp.EndlessSampler', shuffle=True),
    dataset=dict(
        type='mmdepthcp.KITTIStreetDataset',
        data_root=data_root,
        data_prefix=dict(img_path='semantics/training/image_2', seg_map_path='semantics/training/semantic'),
        subset=dict(part='train', fold=0, num_folds=5, fraction=1.0, seed=0),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmdepthcp.KITTIStreetDataset',
        data_root=data_root,
        data_prefix=dict(img_path='semantics/training/image_2', seg_map_path='semantics/training/semantic'),
        subset=dict(part='val', fold=0, num_folds=5, seed=0),
        pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
