# Third step: all parts learn, the encoder held near the ImageNet features that it started from
_base_ = 'monodepth_r101_cityscapes_frozen.py'
frozen = 'work_dirs/monodepth_r101_cityscapes_frozen/iter_300000.pth'
model = dict(
    backbone=dict(init_cfg=dict(checkpoint=frozen, prefix='backbone.')),
    decode_head=dict(init_cfg=dict(type='Pretrained', checkpoint=frozen, prefix='decode_head.')),
    pose_net=dict(init_cfg=dict(checkpoint=frozen)),
    feature_distance=dict(
        encoder=dict(
            type='DepthResNet',
            depth=101,
            dilated=True,
            init_cfg=dict(type='Pretrained', checkpoint='{{$IMAGENET_R101:torchvision://resnet101}}')),
        weight=0.01))
optim_wrapper = dict(optimizer=dict(lr=1e-5), paramwise_cfg=None)
param_scheduler = []
train_cfg = dict(max_iters=50000, val_interval=50001)
