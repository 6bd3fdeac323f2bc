# Depth and segmentation together on toy streets at 192x96, from the depth network of the pipeline depthcp_toy.py
_base_ = [
    '../_base_/models/pad_r18_small.py', '../_base_/datasets/toy_labelled_clips.py',
    '../_base_/schedules/three_ways_small.py', '../_base_/three_ways_runtime.py'
]
depth = 'work_dirs/depthcp_toy/depth/epoch_12.pth'
model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=depth, prefix='backbone.')),
    decode_head=dict(
        decoder=dict(init_cfg=dict(type='Pretrained', checkpoint=depth, prefix='decode_head.')), num_classes=10),
    pose_net=dict(init_cfg=dict(type='Pretrained', checkpoint=depth, prefix='pose_net.')),
    # as in monodepth_toy.py: far things move by less than a pixel
    view_synthesis=dict(automasked=False))
custom_hooks = [*_base_.custom_hooks, dict(type='mmdepthcp.MonoDepthWatchHook', start=300)]
