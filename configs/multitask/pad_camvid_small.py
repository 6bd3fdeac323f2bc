# Depth and segmentation together on CamVid at 192x144, from the depth network of the pipeline depthcp_camvid_small.py
_base_ = [
    '../_base_/models/pad_r18_small.py', '../_base_/datasets/camvid_labelled_clips_small.py',
    '../_base_/schedules/three_ways_small.py', '../_base_/three_ways_runtime.py'
]
depth = 'work_dirs/depthcp_camvid_small/depth/epoch_40.pth'
model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=depth, prefix='backbone.')),
    decode_head=dict(
        decoder=dict(init_cfg=dict(type='Pretrained', checkpoint=depth, prefix='decode_head.')), num_classes=11),
    # CamVid's camera is not known: see monodepth_r18_mixed.py
    pose_net=dict(
        learn_intrinsics=True,
        field_of_view=50.0,
        prior_weight=0.05,
        init_cfg=dict(type='Pretrained', checkpoint=depth, prefix='pose_net.')))
custom_hooks = [*_base_.custom_hooks, dict(type='mmdepthcp.MonoDepthWatchHook', start=300)]
