# FCN on a dilated ResNet-50 with stride 16, as MoCo fine-tunes it on Cityscapes; the settings of PixPro's authors are
# not public. MMSegmentation's fcn-d6_r50-d16, with a plain ResNet so that pretrained weights fit:
#   --cfg-options model.backbone.init_cfg.type=Pretrained model.backbone.init_cfg.checkpoint=FILE
#                 model.backbone.init_cfg.prefix=backbone.
_base_ = [
    '../_base_/datasets/cityscapes_semantic.py', '../_base_/schedules/semantic_80k.py', '../_base_/semantic_runtime.py'
]
norm_cfg = dict(type='BN', requires_grad=True)
head = dict(
    type='FCNHead',
    num_convs=1,
    concat_input=False,
    dropout_ratio=0.1,
    num_classes=19,
    norm_cfg=norm_cfg,
    align_corners=False)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size_divisor=16,
        test_cfg=dict(size_divisor=16)),
    backbone=dict(
        type='ResNet',
        depth=50,
        out_indices=(0, 1, 2, 3),
        dilations=(1, 1, 1, 2),
        strides=(1, 2, 2, 1),
        style='pytorch',
        contract_dilation=True,
        norm_cfg=norm_cfg,
        zero_init_residual=False),
    decode_head=dict(
        head,
        in_channels=2048,
        in_index=3,
        channels=512,
        num_convs=2,
        dilation=6,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
    auxiliary_head=dict(
        head,
        in_channels=1024,
        in_index=2,
        channels=256,
        dilation=6,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=0.4)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
