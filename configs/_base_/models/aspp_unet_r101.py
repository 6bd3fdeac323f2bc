# The depth network's encoder and decoder with a classifier (Hoyer et al., CVPR 2021): dilated ResNet-101, ASPP, U-Net
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='mmdepthcp.SegDataPreProcessor',
        # 0.45 and 0.225 of images in 0..1, as the depth network sees them
        mean=[114.75] * 3,
        std=[57.375] * 3,
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size_divisor=32,
        test_cfg=dict(size_divisor=32)),
    backbone=dict(type='mmdepthcp.DepthResNet', depth=101, dilated=True, zero_init_residual=False),
    decode_head=dict(
        type='mmdepthcp.AsppUNetHead',
        decoder=dict(
            type='mmdepthcp.DepthDecoder',
            in_channels=(64, 256, 512, 1024, 2048),
            channels=(64, 128, 128, 256, 256),
            aspp_dilations=(6, 12, 18)),
        num_classes=19,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
