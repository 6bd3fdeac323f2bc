# The student on toy streets at 128x64: a ResNet-18 of half width from random weights, 200 iterations a round
_base_ = 'depth_student_cityscapes.py'
input_size = (128, 64)

model = dict(
    backbone=dict(depth=18, dilated=False, base_channels=32, stem_channels=32, init_cfg=None),
    decode_head=dict(
        in_channels=(32, 32, 64, 128, 256), channels=(16, 16, 32, 64, 128), aspp_dilations=None))
loading = [
    dict(type='LoadImage'),
    dict(type='LoadDisparity'),
    dict(type='StretchDisparity'),
    dict(type='ResizeStreet', scale=input_size),
]
auto_scale_lr = dict(base_batch_size=4)
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    dataset=dict(
        data_root='data/toy/',
        pipeline=[
            *loading,
            dict(type='RandomFlip', prob=0.5),
            dict(type='RandomCrop', crop_size=(64, 64)),
            dict(type='PackDisparity'),
        ]))
score_pipeline = [*loading, dict(type='PackDisparity')]
custom_hooks = [dict(type='IterSeedHook')]
# from random weights, and so few iterations: ten times the learning rate
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=1e-9, by_epoch=False, begin=0, end=201)]
train_cfg = dict(max_iters=200)
round_iters = [200]
default_hooks = dict(checkpoint=dict(interval=100))
