# monodepth_r101_cityscapes.py with a ResNet-50
_base_ = 'monodepth_r101_cityscapes.py'
frozen = 'work_dirs/monodepth_r50_cityscapes_frozen/iter_300000.pth'
model = dict(
    backbone=dict(depth=50, init_cfg=dict(checkpoint=frozen)),
    decode_head=dict(init_cfg=dict(checkpoint=frozen)),
    pose_net=dict(init_cfg=dict(checkpoint=frozen)),
    feature_distance=dict(
        encoder=dict(depth=50, init_cfg=dict(checkpoint='{{$IMAGENET_R50:torchvision://resnet50}}'))))
