# PixPro on CamVid, ResNet-50, the 9000 steps of depthcp_camvid.py
_base_ = 'pixpro_cityscapes.py'
views = dict(_base_.views, size=(224, 288), aspect_range=(1.0, 1.7))
train_dataloader = dict(
    dataset=dict(
        type='mmdepthcp.CamVidStreetDataset',
        data_prefix=dict(img_path='{{$MMDEPTHCP_DATA:data}}/camvid/images/train'),
        pipeline=[dict(type='mmdepthcp.LoadImage'), views, dict(type='mmdepthcp.PackTwoViews')]))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, begin=0, end=900),
    dict(type='CosineAnnealingLR', eta_min=1e-6, by_epoch=False, begin=900, end=9000),
]
train_cfg = dict(max_iters=9000)
