# The four stages of a frozen ResNet-50 as one map of 3840 channels at a quarter of the size; pretrained weights:
#   --cfg-options model.backbone.backbone.init_cfg.type=Pretrained model.backbone.backbone.init_cfg.checkpoint=FILE
#                 model.backbone.backbone.init_cfg.prefix=backbone.
model = dict(
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
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
            zero_init_residual=False)))
