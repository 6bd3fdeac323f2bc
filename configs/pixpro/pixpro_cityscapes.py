# PixPro on Cityscapes, ResNet-50 from ImageNet's labels, the 9275 steps of depthcp_cityscapes.py
_base_ = ['../_base_/models/pixpro_r50.py', '../_base_/datasets/two_views.py', '../_base_/pretrain_runtime.py']
model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50')), empty='skip')

views = dict(
    type='mmdepthcp.TwoViews',
    size=(224, 448),
    area_range=(0.2, 1.0),
    aspect_range=(1.0, 2.0),
    colours=_base_.colours,
    solarise_probs=_base_.solarise_probs)
auto_scale_lr = dict(enable=False, base_batch_size=32)
train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    dataset=dict(
        type='mmdepthcp.CityscapesStreetDataset',
        data_root='',
        data_prefix=dict(img_path='data/cityscapes/leftImg8bit/train'),
        pipeline=[dict(type='mmdepthcp.LoadImage'), views, dict(type='mmdepthcp.PackTwoViews')]))
optim_wrapper = dict(
    constructor='mmdepthcp.OneDimensionalExclude',
    optimizer=dict(_delete_=True, type='LARS', lr=0.5, momentum=0.9, weight_decay=1e-5))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, begin=0, end=927),
    dict(type='CosineAnnealingLR', eta_min=1e-6, by_epoch=False, begin=927, end=9275),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=9275)
