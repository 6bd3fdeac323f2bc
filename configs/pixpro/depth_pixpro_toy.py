# PixPro on toy streets whose pairs of cells must agree in depth, over three distances
#   python tools/run_pipeline.py configs/depthcp_toy.py --work-dir work_dirs/depthcp_toy    # disparity
#   python tools/train.py configs/pixpro/depth_pixpro_toy.py
_base_ = 'pixpro_toy.py'
model = dict(distance_thrs=(0.7, 1.4, 2.8), depth_filter=dict(metric='log', threshold=0.4))
train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(disparity_path='work_dirs/depthcp_toy/disparity'),
        pipeline=[
            dict(type='mmdepthcp.LoadImage'),
            dict(type='mmdepthcp.LoadDisparity'),
            # a smaller disparity is sky, which is beyond all
            dict(_base_.views, grids=[(6, 8)], smallest=0.004),
            dict(type='mmdepthcp.PackTwoViews'),
        ]))
