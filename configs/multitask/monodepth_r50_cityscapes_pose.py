# monodepth_r101_cityscapes_pose.py with a ResNet-50
_base_ = 'monodepth_r101_cityscapes_pose.py'
model = dict(
    backbone=dict(depth=50, init_cfg=dict(checkpoint='{{$IMAGENET_R50:torchvision://resnet50}}')))
