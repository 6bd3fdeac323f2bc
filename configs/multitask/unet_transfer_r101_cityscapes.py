# ASPP-U-Net on Cityscapes at 1024x512, encoder and decoder from monodepth_r101_cityscapes.py
_base_ = [
    '../_base_/models/aspp_unet_r101.py', '../_base_/datasets/cityscapes_half.py',
    '../_base_/schedules/three_ways_40k.py', '../_base_/three_ways_runtime.py'
]
depth = 'work_dirs/monodepth_r101_cityscapes/iter_50000.pth'
model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=depth, prefix='backbone.')),
    decode_head=dict(decoder=dict(init_cfg=dict(type='Pretrained', checkpoint=depth, prefix='decode_head.'))))
