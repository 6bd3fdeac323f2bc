# The same kind of network with the parts of monodepth_toy.py: ResNet-18 of half width, no ASPP
_base_ = 'pad_r101.py'
model = dict(
    backbone=dict(depth=18, dilated=False, base_channels=32, stem_channels=32),
    decode_head=dict(
        decoder=dict(in_channels=(32, 32, 64, 128, 256), channels=(16, 16, 32, 64, 128), aspp_dilations=None)),
    pose_net=dict(encoder=dict(base_channels=32, stem_channels=32), in_channels=256))
