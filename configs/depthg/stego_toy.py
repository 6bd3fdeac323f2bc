# STEGO on the features of depthcp_toy.py, toy streets:
#   python tools/nearest_neighbours.py configs/depthg/stego_toy.py work_dirs/stego_toy/neighbours.npz
#   python tools/train.py configs/depthg/stego_toy.py
_base_ = [
    '../_base_/models/depthg_r18_small.py', '../_base_/datasets/toy_pairs.py', '../_base_/depthg_runtime.py'
]
depthcp = 'work_dirs/depthcp_toy/pretrain/epoch_10.pth'
model = dict(
    backbone=dict(
        backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=depthcp, prefix='backbone.')),
        neck=dict(init_cfg=dict(type='Pretrained', checkpoint=depthcp, prefix='neck.')),
        decode_head=dict(init_cfg=dict(type='Pretrained', checkpoint=depthcp, prefix='decode_head.'))),
    num_clusters=10,
    num_classes=10)
train_dataloader = dict(dataset=dict(neighbours='work_dirs/stego_toy/neighbours.npz'))
# twice the published rate of the head, a sixth of the steps
optim_wrapper = dict(
    optimizer=dict(lr=1e-3),
    paramwise_cfg=dict(custom_keys=dict(cluster_probe=dict(lr_mult=5), linear_probe=dict(lr_mult=5))))
custom_hooks = [*_base_.custom_hooks, dict(type='mmdepthcp.KMeansHook')]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=400, val_interval=100)
default_hooks = dict(checkpoint=dict(interval=100, save_best='toy10/mIoU', rule='greater'))
