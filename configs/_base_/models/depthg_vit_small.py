# Codes on the features of DINO's ViT-S/8 (300 epochs); shifts b are for these features as they are
weights = '{{$DINO_VITS8:https://dl.fbaipublicfiles.com/dino/dino_deitsmall8_300ep_pretrain/dino_deitsmall8_300ep_pretrain.pth}}'
model = dict(
    type='mmdepthcp.DepthG',
    data_preprocessor=dict(
        type='mmdepthcp.DepthGDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True),
    backbone=dict(
        type='mmdepthcp.DINOViT',
        arch='deit-small',
        patch_size=8,
        init_cfg=dict(
            type='Pretrained',
            checkpoint=weights)),
    in_channels=384,
    code_channels=70,
    num_clusters=27,
    num_classes=27,
    standardise=False,
    # when it is tested; not in validation while it trains
    test_cfg=dict(crf=dict()))
