# STEGO on DINO's ViT-B/8, COCO-Stuff-27, with the settings of its authors:
#   python tools/nearest_neighbours.py configs/depthg/stego_vitb8_coco27.py \
#       work_dirs/stego_vitb8_coco27/neighbours.npz
#   python tools/train.py configs/depthg/stego_vitb8_coco27.py
_base_ = [
    '../_base_/models/depthg_vit_base.py', '../_base_/datasets/coco27_pairs.py', '../_base_/depthg_runtime.py'
]
model = dict(
    self_term=dict(weight=0.1, shift=0.12),
    neighbour_term=dict(weight=1, shift=0.2),
    negative_term=dict(weight=0.1538, shift=1))
train_dataloader = dict(dataset=dict(neighbours='work_dirs/stego_vitb8_coco27/neighbours.npz'))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=5000, val_interval=250)
default_hooks = dict(checkpoint=dict(interval=250, save_best='coco27-stego320/mIoU', rule='greater'))
