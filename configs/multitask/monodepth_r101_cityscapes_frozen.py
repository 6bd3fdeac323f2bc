# Second step: crops of 512x512 teach the decoder anew, the motion network from the first step goes on
_base_ = 'monodepth_r101_cityscapes_pose.py'
pose = 'work_dirs/monodepth_r101_cityscapes_pose/iter_300000.pth'
model = dict(
    pose_net=dict(
        encoder=dict(init_cfg=None), init_cfg=dict(type='Pretrained', checkpoint=pose, prefix='pose_net.')))
clip_pipeline = [
    dict(type='LoadClip'),
    dict(type='ResizeClip', scale=_base_.size),
    dict(type='CropClip', size=(512, 512)),
    dict(type='FlipClip'),
    dict(type='ColorJitterClip'),
    dict(type='PackMonoInputs'),
]
auto_scale_lr = dict(base_batch_size=4)
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=clip_pipeline))
