# Cityscapes with labels: crops of 1024x512 to learn from; subset.fraction takes a part of the training images
data_root = 'data/cityscapes/'
crop_size = (512, 1024)

train_pipeline = [
    dict(type='mmdepthcp.LoadImage'),
    dict(type='mmdepthcp.LoadLabels'),
    dict(type='RandomResize', scale=(2048, 1024), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='mmdepthcp.LoadImage'),
    dict(type='Resize', scale=(2048, 1024), keep_ratio=False),
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
        type='mmdepthcp.CityscapesStreetDataset',
        data_root=data_root,
        data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
        subset=dict(part='train', fraction=1.0, seed=0),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmdepthcp.CityscapesStreetDataset',
        data_root=data_root,
        data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
        pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
