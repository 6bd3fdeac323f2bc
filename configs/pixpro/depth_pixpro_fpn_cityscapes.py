# PixPro with depth on Cityscapes, on three levels of the pyramid, strides 8, 16 and 32: the neck is learnt too, for
# Semantic FPN and Mask R-CNN
_base_ = 'depth_pixpro_cityscapes.py'
# those of the level with stride 4
find_unused_parameters = True
model = dict(
    backbone=dict(out_indices=(0, 1, 2, 3)),
    neck=dict(type='mmseg.FPN', in_channels=[256, 512, 1024, 2048], out_channels=256, num_outs=4),
    in_indices=(1, 2, 3),
    in_channels=(256, 256, 256),
    hidden_channels=1024,
    distance_thrs=(0.7,))
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='mmdepthcp.LoadImage'),
            dict(type='mmdepthcp.LoadDisparity'),
            dict(_base_.views, grids=[(28, 56), (14, 28), (7, 14)], smallest=0.004),
            dict(type='mmdepthcp.PackTwoViews'),
        ]))
