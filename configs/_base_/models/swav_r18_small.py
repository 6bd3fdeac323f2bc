# SwAV on a ResNet-18 of half width
_base_ = 'swav_r50.py'
model = dict(
    backbone=dict(depth=18, base_channels=32, stem_channels=32),
    neck=dict(in_channels=256, hid_channels=256, out_channels=64),
    head=dict(loss=dict(feat_dim=64, num_prototypes=32)))
