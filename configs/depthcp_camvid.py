# CamVid training images at 480x352, ResNet-50 of the paper, λ = 0.5: for a GPU. Depth from monodepth_r18_mixed.py.
_base_ = [
    '_base_/models/depthcp_r50.py', '_base_/datasets/camvid_groups.py',
    '_base_/schedules/depthcp_25e.py', '_base_/default_runtime.py'
]
model = dict(num_clusters=11)
# 45 iterations an epoch: 200 epochs
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, by_epoch=True, begin=0, end=10, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min=1e-5, by_epoch=True, begin=10, end=200, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=200, val_interval=20)
default_hooks = dict(checkpoint=dict(interval=20))
