# SwAV on Cityscapes, ResNet-50, the 9275 steps of depthcp_cityscapes.py
_base_ = ['../_base_/models/swav_r50.py', '../_base_/datasets/views.py', '../_base_/pretrain_runtime.py']
model = dict(head=dict(loss=dict(queue_length=3840, queue_start=696, frozen_steps=371)))
find_unused_parameters = True
# MMPretraining's rate of 0.6 is for batches of 256
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='LARS', lr=0.075, momentum=0.9, weight_decay=1e-6))
custom_hooks = [
    dict(type='mmdepthcp.PretrainedCheckHook'), dict(type='mmdepthcp.SwAVMonitorHook', interval=1000)
]

view = [dict(type='RandomResizedCrop', scale=224, crop_ratio_range=(0.14, 1.0)), *_base_.augment]
small_view = [dict(type='RandomResizedCrop', scale=96, crop_ratio_range=(0.05, 0.14)), *_base_.augment]
auto_scale_lr = dict(enable=False, base_batch_size=32)
train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    dataset=dict(
        type='mmdepthcp.CityscapesStreetDataset',
        data_root='data/cityscapes/',
        data_prefix=dict(img_path='leftImg8bit/train'),
        pipeline=[
            dict(type='mmdepthcp.LoadImage'),
            dict(type='MultiView', num_views=[2, 6], transforms=[view, small_view]),
            dict(type='PackInputs'),
        ]))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, begin=0, end=927),
    dict(type='CosineAnnealingLR', eta_min=1e-4, by_epoch=False, begin=927, end=9275),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=9275)
