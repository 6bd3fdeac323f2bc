# ResNet-50, FPN and Semantic-FPN head of the paper; random initialisation, in which the last normalisation of a
# residual block has the scale 1 as torchvision's have (OpenMMLab's default is 0: zero_init_residual)
data_preprocessor = dict(
    type='DepthCPDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True)
model = dict(
    type='DepthCP',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='mmpretrain.ResNet',
        depth=50,
        out_indices=(0, 1, 2, 3),
        style='pytorch',
        norm_cfg=dict(type='BN', requires_grad=True),
        zero_init_residual=False),
    neck=dict(type='mmseg.FPN', in_channels=[256, 512, 1024, 2048], out_channels=256, num_outs=4),
    decode_head=dict(
        type='SemanticFPNFeatures',
        in_channels=[256, 256, 256, 256],
        in_index=[0, 1, 2, 3],
        feature_strides=[4, 8, 16, 32],
        channels=128,
        norm_cfg=dict(type='GN', num_groups=32, requires_grad=True)),
    num_prototypes=1000,
    temperature=0.1,
    epsilon=0.05,
    sinkhorn_iterations=3,
    pixel_weight=0.5,
    region_weight=0.5,
    num_clusters=19,
    cluster_beside=['areas'])
custom_hooks = [
    dict(type='PretrainedCheckHook'),
    # model-side noise is drawn from (seed, epoch, rank), so that a resumed run continues exactly
    dict(type='EpochSeedHook'),
    # warns when a loss stays at ln K
    dict(type='SwAVMonitorHook', interval=1000),
    # the score without labels of every validation
    dict(type='ValidationRecordHook'),
]
