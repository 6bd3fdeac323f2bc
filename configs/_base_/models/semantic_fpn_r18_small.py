# The network of depthcp_r18_small.py with a classifier
_base_ = 'semantic_fpn_r50.py'
model = dict(
    backbone=dict(depth=18, base_channels=32, stem_channels=32),
    neck=dict(in_channels=[32, 64, 128, 256], out_channels=64),
    decode_head=dict(
        in_channels=[64, 64, 64, 64], channels=64, norm_cfg=dict(type='GN', num_groups=16, requires_grad=True)))
