# The same, encoder and decoder from the depth network of the pipeline depthcp_toy.py
_base_ = 'unet_scratch_toy.py'
depth = 'work_dirs/depthcp_toy/depth/epoch_12.pth'
model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=depth, prefix='backbone.')),
    decode_head=dict(decoder=dict(init_cfg=dict(type='Pretrained', checkpoint=depth, prefix='decode_head.'))))
