# KITTI in colour, KITTI in grey and CamVid together, with learnt intrinsics where there is no calibration: for a GPU
_base_ = [
    '../_base_/models/monodepth_r18.py', '../_base_/datasets/mixed_clips.py', '../_base_/schedules/monodepth_20e.py',
    '../_base_/default_runtime.py'
]
# CamVid's camera is not known: square pixels, one focal length, held near a horizontal field of view of 50 degrees
model = dict(pose_net=dict(learn_intrinsics=True, field_of_view=50.0, prior_weight=0.05))
param_scheduler = [dict(type='MultiStepLR', by_epoch=True, milestones=[150], gamma=0.1)]
train_cfg = dict(max_epochs=200, val_interval=10)
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=10))
