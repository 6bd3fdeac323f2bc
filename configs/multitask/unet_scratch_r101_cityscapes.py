# ASPP-U-Net on Cityscapes at 1024x512, the encoder from ImageNet (torchvision's weights, downloaded once;
# $IMAGENET_R101 names a file instead), the decoder random. 372 labelled images:
# train_dataloader.dataset.subset.count=372
_base_ = [
    '../_base_/models/aspp_unet_r101.py', '../_base_/datasets/cityscapes_half.py',
    '../_base_/schedules/three_ways_40k.py', '../_base_/three_ways_runtime.py'
]
imagenet = '{{$IMAGENET_R101:torchvision://resnet101}}'
model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=imagenet)))
