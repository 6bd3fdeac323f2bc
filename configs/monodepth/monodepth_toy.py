# Toy streets at 128x64, a ResNet-18 of half width, from scratch: minutes on two cores
_base_ = ['../_base_/models/monodepth_r18.py', '../_base_/default_runtime.py']

data_root = 'data/toy/'
input_size = (128, 64)

# Between two frames far things move by less than a pixel, too little for automasking to keep them.
model = dict(
    automask=False,
    flip_test=True,
    backbone=dict(base_channels=32, stem_channels=32),
    decode_head=dict(in_channels=(32, 32, 64, 128, 256), channels=(16, 16, 32, 64, 128)),
    pose_net=dict(encoder=dict(base_channels=32, stem_channels=32), in_channels=256))

clip_pipeline = [
    dict(type='LoadClip'),
    dict(type='ResizeClip', scale=input_size),
    dict(type='FlipClip'),
    dict(type='ColorJitterClip'),
    dict(type='PackMonoInputs'),
]
frame_pipeline = [
    dict(type='LoadClip'),
    dict(type='ResizeClip', scale=input_size),
    dict(type='PackMonoInputs'),
]
# the learning rates of the configs are for this many at once, over all processes
auto_scale_lr = dict(enable=False, base_batch_size=4)
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='EpochSampler', shuffle=True),
    dataset=dict(
        type='VideoClipDataset',
        layout='cityscapes',
        data_root=data_root,
        data_prefix=dict(img_path='leftImg8bit_sequence/train', camera_path='camera/train'),
        pipeline=clip_pipeline))
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='VideoClipDataset',
        layout='cityscapes',
        data_root=data_root,
        data_prefix=dict(img_path='leftImg8bit/val', camera_path='camera/val', depth_path='depth/val'),
        test_mode=True,
        pipeline=frame_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(type='MonoDepthMetric', crop_type=None, min_depth=1e-3, max_depth=80)
test_evaluator = val_evaluator

custom_hooks = [dict(type='EpochSeedHook'), dict(type='MonoDepthWatchHook', start=300)]
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', eta_min=1e-5, by_epoch=True, begin=0, end=12, convert_to_iter_based=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12, val_interval=4)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
