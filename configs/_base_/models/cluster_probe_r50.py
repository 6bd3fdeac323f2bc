# Clusters on the four stages of a frozen ResNet-50 as one map of 3840 channels, learnt without labels (the cluster
# probe of STEGO, Hamilton et al., ICLR 2022); pretrained weights as for probe_r50.py
custom_imports = dict(imports=['mmdepthcp.models', 'mmdepthcp.evaluation'])
model = dict(
    type='mmdepthcp.UnsupervisedSegmentor',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        size_divisor=32,
        test_cfg=dict(size_divisor=32)),
    backbone=dict(
        type='mmdepthcp.FrozenFeatures',
        backbone=dict(
            type='mmseg.ResNet',
            depth=50,
            out_indices=(0, 1, 2, 3),
            style='pytorch',
            norm_cfg=dict(type='BN', requires_grad=True),
            zero_init_residual=False)),
    clusters=dict(type='mmdepthcp.ClusterProbe', in_channels=3840, num_clusters=19, standardise=True))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=5e-3))
param_scheduler = []
