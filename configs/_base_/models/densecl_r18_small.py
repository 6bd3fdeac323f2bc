# DenseCL on a ResNet-18 of half width
_base_ = 'densecl_r50.py'
model = dict(
    queue_len=2048,
    feat_dim=64,
    backbone=dict(depth=18, base_channels=32, stem_channels=32),
    neck=dict(in_channels=256, hid_channels=256, out_channels=64))
