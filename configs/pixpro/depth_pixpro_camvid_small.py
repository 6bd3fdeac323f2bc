# PixPro on CamVid whose pairs of cells must agree in depth, over three distances
#   python tools/run_pipeline.py configs/depthcp_camvid_small.py --work-dir work_dirs/depthcp_camvid_small  # disparity
#   python tools/train.py configs/pixpro/depth_pixpro_camvid_small.py
_base_ = 'pixpro_camvid_small.py'
model = dict(distance_thrs=(0.7, 1.4, 2.8), depth_filter=dict(metric='log', threshold=0.4))
train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(disparity_path='work_dirs/depthcp_camvid_small/disparity'),
        pipeline=[
            dict(type='mmdepthcp.LoadImage'),
            dict(type='mmdepthcp.LoadDisparity'),
            dict(_base_.views, grids=[(7, 9)], smallest=0.004),
            dict(type='mmdepthcp.PackTwoViews'),
        ]))
