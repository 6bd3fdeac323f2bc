# First of three steps to the depth network of Hoyer et al. (CVPR 2021): whole frames of 1024x512 teach the motion
# network; the encoder, from ImageNet, does not learn (its statistics of batch normalisation do)
_base_ = [
    '../_base_/models/monodepth_r18_imagenet.py', '../_base_/datasets/cityscapes_clips.py',
    '../_base_/default_runtime.py'
]
size = (1024, 512)
imagenet = '{{$IMAGENET_R101:torchvision://resnet101}}'
model = dict(
    backbone=dict(depth=101, dilated=True, init_cfg=dict(type='Pretrained', checkpoint=imagenet)),
    decode_head=dict(
        in_channels=(64, 256, 512, 1024, 2048), channels=(64, 128, 128, 256, 256), aspp_dilations=(6, 12, 18)))
clip_pipeline = [
    dict(type='LoadClip'),
    dict(type='ResizeClip', scale=size),
    dict(type='FlipClip'),
    dict(type='ColorJitterClip'),
    dict(type='PackMonoInputs'),
]
test_pipeline = [
    dict(type='LoadClip'),
    dict(type='ResizeClip', scale=size),
    dict(type='PackMonoInputs'),
]
auto_scale_lr = dict(enable=False, base_batch_size=2)
train_dataloader = dict(
    batch_size=2,
    sampler=dict(type='EndlessSampler', shuffle=True),
    # all frames, as published; static_threshold=2.0 leaves out those of a standing car
    dataset=dict(pipeline=clip_pipeline, static_threshold=None, cache_path=None))
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-4),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.0))))
param_scheduler = [dict(type='MultiStepLR', by_epoch=False, begin=0, end=300000, milestones=[160000], gamma=0.1)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=300000, val_interval=300001)
# no depth is measured at these frames: nothing to validate on
val_cfg = None
test_cfg = None
default_hooks = dict(
    logger=dict(log_metric_by_epoch=False), checkpoint=dict(by_epoch=False, interval=10000))
log_processor = dict(by_epoch=False)
custom_hooks = [
    dict(type='IterSeedHook'),
    dict(type='MonoDepthWatchHook'),
    dict(type='PretrainedCheckHook', whole=('backbone', 'decode_head', 'pose_net')),
]
