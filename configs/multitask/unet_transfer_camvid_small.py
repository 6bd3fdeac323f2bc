# The same, encoder and decoder from the depth network of the pipeline depthcp_camvid_small.py
_base_ = 'unet_scratch_camvid_small.py'
depth = 'work_dirs/depthcp_camvid_small/depth/epoch_40.pth'
model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=depth, prefix='backbone.')),
    decode_head=dict(decoder=dict(init_cfg=dict(type='Pretrained', checkpoint=depth, prefix='decode_head.'))))
