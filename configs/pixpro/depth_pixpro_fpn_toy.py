# PixPro with depth on toy streets, on the map of the pyramid's decoder, stride 4: neck and decoder are learnt too and
# start a Semantic FPN as those of DepthCP do
_base_ = 'depth_pixpro_toy.py'
find_unused_parameters = False
model = dict(
    backbone=dict(out_indices=(0, 1, 2, 3)),
    neck=dict(type='mmseg.FPN', in_channels=[32, 64, 128, 256], out_channels=64, num_outs=4),
    decode_head=dict(
        type='mmdepthcp.SemanticFPNFeatures',
        in_channels=[64, 64, 64, 64],
        in_index=[0, 1, 2, 3],
        feature_strides=[4, 8, 16, 32],
        channels=64,
        norm_cfg=dict(type='GN', num_groups=16, requires_grad=True)),
    in_channels=(64,))
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='mmdepthcp.LoadImage'),
            dict(type='mmdepthcp.LoadDisparity'),
            dict(_base_.views, grids=[(24, 32)], smallest=0.004),
            dict(type='mmdepthcp.PackTwoViews'),
        ]))
