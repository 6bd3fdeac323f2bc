# PixPro on toy streets, the network and the 600 steps of depthcp_toy.py; like DepthCP it starts from the encoder of the
# depth network:
#   python tools/train.py configs/pixpro/pixpro_toy.py
_base_ = ['../_base_/models/pixpro_r18_small.py', '../_base_/datasets/two_views.py', '../_base_/pretrain_runtime.py']
model = dict(
    backbone=dict(init_cfg=dict(
        type='Pretrained', checkpoint='work_dirs/depthcp_toy/depth/epoch_12.pth', prefix='backbone.')))

views = dict(
    type='mmdepthcp.TwoViews',
    size=(96, 128),
    area_range=(0.2, 1.0),
    aspect_range=(1.0, 2.0),
    colours=_base_.colours,
    solarise_probs=_base_.solarise_probs)
auto_scale_lr = dict(enable=False, base_batch_size=8)
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    dataset=dict(
        type='mmdepthcp.ToyStreetDataset',
        data_root='',
        data_prefix=dict(img_path='data/toy/leftImg8bit/train'),
        pipeline=[dict(type='mmdepthcp.LoadImage'), views, dict(type='mmdepthcp.PackTwoViews')]))
# the best of six optimisers (docs/results/tables.md)
optim_wrapper = dict(optimizer=dict(_delete_=True, type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, begin=0, end=60),
    dict(type='CosineAnnealingLR', eta_min=1e-4, by_epoch=False, begin=60, end=600),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=600)
