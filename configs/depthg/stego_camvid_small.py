# STEGO on the features of depthcp_camvid_small.py, CamVid:
#   python tools/nearest_neighbours.py configs/depthg/stego_camvid_small.py \
#       work_dirs/stego_camvid_small/neighbours.npz
#   python tools/train.py configs/depthg/stego_camvid_small.py
_base_ = [
    '../_base_/models/depthg_r18_small.py', '../_base_/datasets/camvid_pairs_small.py',
    '../_base_/depthg_small_runtime.py'
]
depthcp = 'work_dirs/depthcp_camvid_small/pretrain/epoch_6.pth'
model = dict(
    backbone=dict(
        backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=depthcp, prefix='backbone.')),
        neck=dict(init_cfg=dict(type='Pretrained', checkpoint=depthcp, prefix='neck.')),
        decode_head=dict(init_cfg=dict(type='Pretrained', checkpoint=depthcp, prefix='decode_head.'))),
    num_clusters=11,
    num_classes=11)
train_dataloader = dict(dataset=dict(neighbours='work_dirs/stego_camvid_small/neighbours.npz'))
default_hooks = dict(checkpoint=dict(save_best='camvid11/mIoU'))
