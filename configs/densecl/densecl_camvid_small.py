# DenseCL on CamVid, the network and the 546 steps of depthcp_camvid_small.py; optimiser and views are those of
# configs/tables/search_camvid.py with the best features
_base_ = ['../_base_/models/densecl_r18_small.py', '../_base_/datasets/views.py', '../_base_/pretrain_runtime.py']
# the dense loss comes in once the backbone's features match at all
custom_hooks = [dict(type='mmdepthcp.PretrainedCheckHook'), dict(type='DenseCLHook', start_iters=150)]
# keys are shuffled over the processes so that each normalises over others than the queries
sync_bn = None

view = [dict(type='RandomResizedCrop', scale=(128, 128), crop_ratio_range=(0.4, 1.0)), *_base_.gentle_augment]
auto_scale_lr = dict(enable=False, base_batch_size=16)
train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    dataset=dict(
        type='mmdepthcp.CamVidStreetDataset',
        data_root='{{$MMDEPTHCP_DATA:data}}/camvid/',
        data_prefix=dict(img_path='images/train'),
        pipeline=[
            dict(type='mmdepthcp.LoadImage'),
            dict(type='MultiView', num_views=[2], transforms=[view]),
            dict(type='PackInputs'),
        ]))
optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=2e-3, weight_decay=0.01))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, begin=0, end=54),
    dict(type='CosineAnnealingLR', eta_min=1e-4, by_epoch=False, begin=54, end=546),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=546)
