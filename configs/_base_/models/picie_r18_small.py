# PiCIE on a ResNet-18 of half width
_base_ = 'picie_r18.py'
model = dict(
    backbone=dict(base_channels=32, stem_channels=32),
    decode_head=dict(in_channels=(32, 64, 128, 256), channels=64))
