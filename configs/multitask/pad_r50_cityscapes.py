# pad_r101_cityscapes.py with a ResNet-50
_base_ = 'pad_r101_cityscapes.py'
depth = 'work_dirs/monodepth_r50_cityscapes/iter_50000.pth'
model = dict(
    backbone=dict(depth=50, init_cfg=dict(checkpoint=depth)),
    decode_head=dict(decoder=dict(init_cfg=dict(checkpoint=depth))),
    pose_net=dict(init_cfg=dict(checkpoint=depth)))
