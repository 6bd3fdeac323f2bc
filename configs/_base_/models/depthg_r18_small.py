# Codes on the frozen features of a small DepthCP network: encoder, pyramid and decoder, 64 channels at stride 8
model = dict(
    type='mmdepthcp.DepthG',
    data_preprocessor=dict(
        type='mmdepthcp.DepthGDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True),
    backbone=dict(
        type='mmdepthcp.FrozenFeatures',
        backbone=dict(
            type='mmpretrain.ResNet',
            depth=18,
            base_channels=32,
            stem_channels=32,
            out_indices=(0, 1, 2, 3),
            style='pytorch',
            norm_cfg=dict(type='BN', requires_grad=True),
            zero_init_residual=False),
        neck=dict(type='mmseg.FPN', in_channels=[32, 64, 128, 256], out_channels=64, num_outs=4),
        decode_head=dict(
            type='mmdepthcp.SemanticFPNFeatures',
            in_channels=[64, 64, 64, 64],
            channels=64,
            norm_cfg=dict(type='GN', num_groups=16, requires_grad=True)),
        pool=2),
    in_channels=64,
    code_channels=24,
    num_clusters=10,
    num_classes=10,
    points=dict(side=8),
    negative_term=dict(draws=3))
