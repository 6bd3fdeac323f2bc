# Both encoders start from ImageNet, as in the paper: torchvision's weights, downloaded once (45 MB). Where there is no
# network, $IMAGENET_R18 names a file with them.
_base_ = 'monodepth_r18.py'
imagenet = '{{$IMAGENET_R18:torchvision://resnet18}}'
model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=imagenet)),
    pose_net=dict(encoder=dict(init_cfg=dict(type='Pretrained', checkpoint=imagenet))))
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='MonoDepthWatchHook'),
    dict(type='PretrainedCheckHook'),
]
