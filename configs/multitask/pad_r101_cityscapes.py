# Depth and segmentation together on Cityscapes at 1024x512, from monodepth_r101_cityscapes.py. 372 labelled images:
# train_dataloader.dataset.subset.count=372
_base_ = [
    '../_base_/models/pad_r101.py', '../_base_/datasets/cityscapes_half_clips.py',
    '../_base_/schedules/three_ways_40k.py', '../_base_/three_ways_runtime.py'
]
depth = 'work_dirs/monodepth_r101_cityscapes/iter_50000.pth'
model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=depth, prefix='backbone.')),
    decode_head=dict(decoder=dict(init_cfg=dict(type='Pretrained', checkpoint=depth, prefix='decode_head.'))),
    pose_net=dict(init_cfg=dict(type='Pretrained', checkpoint=depth, prefix='pose_net.')))
custom_hooks = [*_base_.custom_hooks, dict(type='mmdepthcp.MonoDepthWatchHook')]
