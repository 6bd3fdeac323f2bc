# STEGO on the features of depthcp_toy.py, toy streets:
#   python tools/nearest_neighbours.py configs/depthg/stego_toy.py work_dirs/stego_toy/neighbours.npz
#   python tools/train.py configs/depthg/stego_toy.py
_base_ = [
    '../_base_/models/depthg_r18_small.py', '../_base_/datasets/toy_pairs.py', '../_base_/depthg_small_runtime.py'
]
depthcp = 'work_dirs/depthcp_toy/pretrain/epoch_10.pth'
model = dict(
    backbone=dict(
        backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=depthcp, prefix='backbone.')),
        neck=dict(init_cfg=dict(type='Pretrained', checkpoint=depthcp, prefix='neck.')),
        decode_head=dict(init_cfg=dict(type='Pretrained', checkpoint=depthcp, prefix='decode_head.'))))
train_dataloader = dict(dataset=dict(neighbours='work_dirs/stego_toy/neighbours.npz'))
default_hooks = dict(checkpoint=dict(save_best='toy10/mIoU'))
