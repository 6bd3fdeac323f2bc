# Cityscapes at 1024x512, the protocol of Hoyer et al. (CVPR 2021): crops of 512x512, mirrored or not, no other change;
# scored at 1024x512, labels too. full_size_pipeline is for scores at the size of the labels. subset.count takes some of
# the training images as labelled ones.
data_root = 'data/cityscapes/'
size = (1024, 512)

train_pipeline = [
    dict(type='mmdepthcp.LoadImage'),
    dict(type='mmdepthcp.LoadLabels'),
    dict(type='mmdepthcp.WorkingSize', scale=size),
    dict(type='RandomCrop', crop_size=(512, 512)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='mmdepthcp.LoadImage'),
    dict(type='mmdepthcp.LoadLabels'),
    dict(type='mmdepthcp.WorkingSize', scale=size),
    dict(type='PackSegInputs'),
]
full_size_pipeline = [
    dict(type='mmdepthcp.LoadImage'),
    dict(type='mmdepthcp.ResizeStreet', scale=size),
    dict(type='mmdepthcp.LoadLabels'),
    dict(type='PackSegInputs'),
]
# the learning rates of the configs are for this many at once, over all processes
auto_scale_lr = dict(enable=False, base_batch_size=2)
train_dataloader = dict(
    batch_size=2,
    num_workers=4,
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
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmdepthcp.CityscapesStreetDataset',
        data_root=data_root,
        data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
        pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'], prefix='cityscapes19@1024x512')
test_evaluator = val_evaluator
