# PixPro on CamVid, the network and the 546 steps of depthcp_camvid_small.py; like DepthCP it starts from the depth
# network's encoder:
#   python tools/train.py configs/pixpro/pixpro_camvid_small.py
_base_ = 'pixpro_toy.py'
model = dict(backbone=dict(init_cfg=dict(checkpoint='work_dirs/depthcp_camvid_small/depth/epoch_40.pth')))
views = dict(_base_.views, size=(108, 144))
train_dataloader = dict(
    dataset=dict(
        type='mmdepthcp.CamVidStreetDataset',
        data_prefix=dict(img_path='{{$MMDEPTHCP_DATA:data}}/camvid/images/train'),
        pipeline=[dict(type='mmdepthcp.LoadImage'), views, dict(type='mmdepthcp.PackTwoViews')]))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, begin=0, end=54),
    dict(type='CosineAnnealingLR', eta_min=1e-4, by_epoch=False, begin=54, end=546),
]
train_cfg = dict(max_iters=546)
