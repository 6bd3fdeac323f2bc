# unet_transfer_r101_cityscapes.py with a ResNet-50
_base_ = 'unet_transfer_r101_cityscapes.py'
depth = 'work_dirs/monodepth_r50_cityscapes/iter_50000.pth'
model = dict(
    backbone=dict(depth=50, init_cfg=dict(checkpoint=depth)),
    decode_head=dict(decoder=dict(init_cfg=dict(checkpoint=depth))))
