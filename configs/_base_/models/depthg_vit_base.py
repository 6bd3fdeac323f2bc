# Codes on the features of DINO's ViT-B/8
_base_ = 'depthg_vit_small.py'
weights = '{{$DINO_VITB8:https://dl.fbaipublicfiles.com/dino/dino_vitbase8_pretrain/dino_vitbase8_pretrain.pth}}'
model = dict(
    backbone=dict(
        arch='deit-base',
        init_cfg=dict(checkpoint=weights)),
    in_channels=768)
