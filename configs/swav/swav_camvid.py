# SwAV on CamVid, ResNet-50, the 9000 steps of depthcp_camvid.py
_base_ = 'swav_cityscapes.py'
model = dict(head=dict(loss=dict(queue_start=675, frozen_steps=360)))
train_dataloader = dict(
    dataset=dict(
        type='mmdepthcp.CamVidStreetDataset',
        data_root='{{$MMDEPTHCP_DATA:data}}/camvid/',
        data_prefix=dict(img_path='images/train')))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, begin=0, end=900),
    dict(type='CosineAnnealingLR', eta_min=1e-4, by_epoch=False, begin=900, end=9000),
]
train_cfg = dict(max_iters=9000)
