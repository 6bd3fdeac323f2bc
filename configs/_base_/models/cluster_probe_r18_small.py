# The same on a ResNet-18 of half width: 480 channels
_base_ = 'cluster_probe_r50.py'
model = dict(
    backbone=dict(backbone=dict(depth=18, base_channels=32, stem_channels=32)), clusters=dict(in_channels=480))
