# PixPro on Cityscapes whose pairs of cells must agree in depth, over three distances
_base_ = 'pixpro_cityscapes.py'
model = dict(distance_thrs=(0.7, 1.4, 2.8), depth_filter=dict(metric='log', threshold=0.4))
train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(disparity_path='data/cityscapes/disparity_mono/leftImg8bit/train'),
        pipeline=[
            dict(type='mmdepthcp.LoadImage'),
            dict(type='mmdepthcp.LoadDisparity'),
            dict(_base_.views, grids=[(7, 14)], smallest=0.004),
            dict(type='mmdepthcp.PackTwoViews'),
        ]))
