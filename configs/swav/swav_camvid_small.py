# SwAV on CamVid, the network and the 546 steps of depthcp_camvid_small.py; optimiser, views and queue are those of
# configs/tables/search_camvid.py that learn best
_base_ = ['../_base_/models/swav_r18_small.py', '../_base_/datasets/views.py', '../_base_/pretrain_runtime.py']
model = dict(head=dict(loss=dict(frozen_steps=27)))
find_unused_parameters = True
custom_hooks = [
    dict(type='mmdepthcp.PretrainedCheckHook'), dict(type='mmdepthcp.SwAVMonitorHook', interval=100)
]

view = [dict(type='RandomResizedCrop', scale=(128, 128), crop_ratio_range=(0.4, 1.0)), *_base_.gentle_augment]
small_view = [dict(type='RandomResizedCrop', scale=(64, 64), crop_ratio_range=(0.15, 0.4)), *_base_.gentle_augment]
auto_scale_lr = dict(enable=False, base_batch_size=8)
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    dataset=dict(
        type='mmdepthcp.CamVidStreetDataset',
        data_root='{{$MMDEPTHCP_DATA:data}}/camvid/',
        data_prefix=dict(img_path='images/train'),
        pipeline=[
            dict(type='mmdepthcp.LoadImage'),
            dict(type='MultiView', num_views=[2, 6], transforms=[view, small_view]),
            dict(type='PackInputs'),
        ]))
optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=5e-4, weight_decay=0.01))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, begin=0, end=54),
    dict(type='CosineAnnealingLR', eta_min=1e-4, by_epoch=False, begin=54, end=546),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=546)
