# STEGO on the features of depthcp_toy.py, toy streets:
#   python tools/nearest_neighbours.py configs/depthg/stego_toy.py work_dirs/stego_toy/neighbours.npz
#   python tools/train.py configs/depthg/stego_toy.py
_base_ = ['../_base_/models/depthg_r18_small.py', '../_base_/finetune_runtime.py']
default_scope = 'mmdepthcp'
data_root = 'data/toy/'
size = (192, 96)
depthcp = 'work_dirs/depthcp_toy/pretrain/epoch_10.pth'

model = dict(
    backbone=dict(
        backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=depthcp, prefix='backbone.')),
        neck=dict(init_cfg=dict(type='Pretrained', checkpoint=depthcp, prefix='neck.')),
        decode_head=dict(init_cfg=dict(type='Pretrained', checkpoint=depthcp, prefix='decode_head.'))),
    points=dict(side=8),
    negative_term=dict(draws=3),
    num_classes=10)
default_hooks = dict(checkpoint=dict(interval=100, save_best='toy10/mIoU', rule='greater'))
custom_hooks = [dict(type='PretrainedCheckHook'), dict(type='CalibrationHook')]

load_pipeline = [dict(type='LoadImage'), dict(type='ResizeStreet', scale=size), dict(type='LoadLabels')]
pair_pipeline = [dict(type='PackFeaturePairs')]
eval_pipeline = [*load_pipeline, dict(type='mmseg.PackSegInputs')]
auto_scale_lr = dict(enable=False, base_batch_size=16)
train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='EndlessSampler', shuffle=True),
    dataset=dict(
        type='NeighbourPairDataset',
        neighbours='work_dirs/stego_toy/neighbours.npz',
        dataset=dict(
            type='ToyStreetDataset',
            data_root=data_root,
            # labels are for the linear probe, which tells how much they would find
            data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
            pipeline=load_pipeline),
        pipeline=pair_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ToyStreetDataset',
        data_root=data_root,
        data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
        pipeline=eval_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(type='UnsupervisedSegMetric')
test_evaluator = val_evaluator

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-3),
    paramwise_cfg=dict(custom_keys=dict(cluster_probe=dict(lr_mult=5), linear_probe=dict(lr_mult=5))))
param_scheduler = []
train_cfg = dict(type='IterBasedTrainLoop', max_iters=400, val_interval=100)
