# Depth and segmentation on one dilated ResNet-101 (Hoyer et al., CVPR 2021)
model = dict(
    type='mmdepthcp.MultiTaskDepthSegmentor',
    data_preprocessor=dict(type='mmdepthcp.MultiTaskDataPreprocessor', test_cfg=dict(size_divisor=32)),
    backbone=dict(type='mmdepthcp.DepthResNet', depth=101, dilated=True, zero_init_residual=False),
    decode_head=dict(
        type='mmdepthcp.PADHead',
        decoder=dict(
            type='mmdepthcp.DepthDecoder',
            in_channels=(64, 256, 512, 1024, 2048),
            channels=(64, 128, 128, 256, 256),
            aspp_dilations=(6, 12, 18)),
        num_classes=19,
        # as published: how the logits before the exchange are brought to the size of the labels
        align_corners=True,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    pose_net=dict(
        type='mmdepthcp.PoseNet',
        encoder=dict(type='mmdepthcp.DepthResNet', depth=18, in_channels=6, zero_init_residual=False)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
