# monodepth_r101_cityscapes_frozen.py with a ResNet-50
_base_ = 'monodepth_r101_cityscapes_frozen.py'
model = dict(
    backbone=dict(depth=50, init_cfg=dict(checkpoint='{{$IMAGENET_R50:torchvision://resnet50}}')),
    pose_net=dict(init_cfg=dict(checkpoint='work_dirs/monodepth_r50_cityscapes_pose/iter_300000.pth')))
