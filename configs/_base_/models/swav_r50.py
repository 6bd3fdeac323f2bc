# SwAV (Caron et al., NeurIPS 2020) by MMPretraining
model = dict(
    type='mmdepthcp.SwAV',
    data_preprocessor=dict(
        type='SelfSupDataPreprocessor',
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
        to_rgb=True),
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='BN', requires_grad=True), zero_init_residual=True),
    neck=dict(
        type='SwAVNeck', in_channels=2048, hid_channels=2048, out_channels=128, norm_cfg=dict(type='BN1d'),
        with_avg_pool=True),
    head=dict(
        type='SwAVHead',
        loss=dict(
            type='mmdepthcp.SwAVLoss',
            feat_dim=128,
            num_prototypes=1000,
            epsilon=0.05,
            temperature=0.1,
            num_crops=[2, 6])))
