# The four stages of the frozen ResNet-18 of half width as one map of 480 channels
_base_ = 'probe_r50.py'
model = dict(
    backbone=dict(backbone=dict(depth=18, base_channels=32, stem_channels=32)), decode_head=dict(in_channels=480))
