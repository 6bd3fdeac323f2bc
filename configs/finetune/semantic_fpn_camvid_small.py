# Semantic FPN on CamVid at 192x144, with the small network of depthcp_camvid_small.py: about two minutes on two cores
_base_ = [
    '../_base_/models/semantic_fpn_r18_small.py',
    '../_base_/datasets/camvid_semantic.py',
    '../_base_/semantic_runtime.py',
]
crop_size = (144, 192)

train_pipeline = [
    dict(type='mmdepthcp.LoadImage'),
    dict(type='mmdepthcp.LoadLabels'),
    dict(type='RandomResize', scale=(192, 144), ratio_range=(1.0, 1.5), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='mmdepthcp.LoadImage'),
    dict(type='Resize', scale=(192, 144), keep_ratio=False),
    dict(type='mmdepthcp.LoadLabels'),
    dict(type='PackSegInputs'),
]
model = dict(decode_head=dict(num_classes=11))
train_dataloader = dict(num_workers=1, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(num_workers=1, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=0.0001))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=20),
    dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=20, end=200, by_epoch=False),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=200, val_interval=200)
