# unet_scratch_r101_cityscapes.py with a ResNet-50; $IMAGENET_R50 names a file in place of torchvision's weights
_base_ = 'unet_scratch_r101_cityscapes.py'
model = dict(
    backbone=dict(depth=50, init_cfg=dict(checkpoint='{{$IMAGENET_R50:torchvision://resnet50}}')))
