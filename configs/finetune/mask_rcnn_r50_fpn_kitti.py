# Mask R-CNN on one of five folds of KITTI: 4000 iterations, step at 3000
_base_ = [
    '../_base_/models/mask_rcnn_r50_fpn.py',
    '../_base_/datasets/kitti_instances.py',
    '../_base_/schedules/instances_24k.py',
    '../_base_/instances_runtime.py',
]
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', begin=0, end=4000, by_epoch=False, milestones=[3000], gamma=0.1),
]
train_cfg = dict(max_iters=4000, val_interval=1000)
