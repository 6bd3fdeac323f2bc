# The same kind of network with the encoder and the decoder of monodepth_toy.py: ResNet-18 of half width, no ASPP
_base_ = 'aspp_unet_r101.py'
model = dict(
    backbone=dict(depth=18, dilated=False, base_channels=32, stem_channels=32),
    decode_head=dict(
        decoder=dict(in_channels=(32, 32, 64, 128, 256), channels=(16, 16, 32, 64, 128), aspp_dilations=None)))
