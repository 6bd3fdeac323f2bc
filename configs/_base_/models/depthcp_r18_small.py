# A ResNet-18 of half width with a pyramid of 64 channels: what two cores can train
_base_ = 'depthcp_r50.py'
model = dict(
    backbone=dict(depth=18, base_channels=32, stem_channels=32),
    neck=dict(in_channels=[32, 64, 128, 256], out_channels=64),
    decode_head=dict(
        in_channels=[64, 64, 64, 64], channels=64, norm_cfg=dict(type='GN', num_groups=16, requires_grad=True)),
    projection_channels=64,
    num_prototypes=32,
    cluster_by='features',
    cluster_beside=['prototypes', 'areas'],
    pixel_weight=0.1,
    region_weight=0.9)
custom_hooks = [
    dict(type='PretrainedCheckHook'),
    dict(type='EpochSeedHook'),
    dict(type='SwAVMonitorHook', interval=100),
    dict(type='ValidationRecordHook'),
]
