# DenseCL on toy streets, the network and the 600 steps of depthcp_toy.py; the optimiser is that of
# configs/tables/search_toy.py with the best features
_base_ = ['../_base_/models/densecl_r18_small.py', '../_base_/datasets/views.py', '../_base_/pretrain_runtime.py']
# the dense loss comes in once the backbone's features match at all
custom_hooks = [dict(type='mmdepthcp.PretrainedCheckHook'), dict(type='DenseCLHook', start_iters=100)]
# keys are shuffled over the processes so that each normalises over others than the queries
sync_bn = None

view = [dict(type='RandomResizedCrop', scale=(96, 96), crop_ratio_range=(0.2, 1.0)), *_base_.augment]
auto_scale_lr = dict(enable=False, base_batch_size=16)
train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    dataset=dict(
        type='mmdepthcp.ToyStreetDataset',
        data_root='data/toy/',
        data_prefix=dict(img_path='leftImg8bit/train'),
        pipeline=[
            dict(type='mmdepthcp.LoadImage'),
            dict(type='MultiView', num_views=[2], transforms=[view]),
            dict(type='PackInputs'),
        ]))
optim_wrapper = dict(optimizer=dict(_delete_=True, type='LARS', lr=0.075, momentum=0.9, weight_decay=1e-6))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, begin=0, end=60),
    dict(type='CosineAnnealingLR', eta_min=1e-4, by_epoch=False, begin=60, end=600),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=600)
