# SwAV on toy streets, the network and the 600 steps of depthcp_toy.py; optimiser, views and queue are those of
# configs/tables/search_toy.py that learn best
_base_ = ['../_base_/models/swav_r18_small.py', '../_base_/datasets/views.py', '../_base_/pretrain_runtime.py']
model = dict(head=dict(loss=dict(frozen_steps=30)))
find_unused_parameters = True
custom_hooks = [
    dict(type='mmdepthcp.PretrainedCheckHook'), dict(type='mmdepthcp.SwAVMonitorHook', interval=100)
]

view = [dict(type='RandomResizedCrop', scale=(96, 96), crop_ratio_range=(0.4, 1.0)), *_base_.gentle_augment]
small_view = [dict(type='RandomResizedCrop', scale=(48, 48), crop_ratio_range=(0.15, 0.4)), *_base_.gentle_augment]
auto_scale_lr = dict(enable=False, base_batch_size=8)
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    dataset=dict(
        type='mmdepthcp.ToyStreetDataset',
        data_root='data/toy/',
        data_prefix=dict(img_path='leftImg8bit/train'),
        pipeline=[
            dict(type='mmdepthcp.LoadImage'),
            dict(type='MultiView', num_views=[2, 6], transforms=[view, small_view]),
            dict(type='PackInputs'),
        ]))
optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=2e-3, weight_decay=0.01))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, begin=0, end=60),
    dict(type='CosineAnnealingLR', eta_min=1e-4, by_epoch=False, begin=60, end=600),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=600)
