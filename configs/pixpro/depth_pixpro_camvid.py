# PixPro on CamVid whose pairs of cells must agree in depth, over three distances; depth from monodepth_r18_mixed.py
_base_ = 'pixpro_camvid.py'
model = dict(distance_thrs=(0.7, 1.4, 2.8), depth_filter=dict(metric='log', threshold=0.4))
train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(disparity_path='work_dirs/depthcp_camvid/disparity'),
        pipeline=[
            dict(type='mmdepthcp.LoadImage'),
            dict(type='mmdepthcp.LoadDisparity'),
            dict(_base_.views, grids=[(7, 9)], smallest=0.004),
            dict(type='mmdepthcp.PackTwoViews'),
        ]))
