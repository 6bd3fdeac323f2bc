# STEGO on DINO's ViT-S/8, COCO-Stuff-27, with the settings of its authors:
#   python tools/nearest_neighbours.py configs/depthg/stego_vits8_coco27.py \
#       work_dirs/stego_vits8_coco27/neighbours.npz
#   python tools/train.py configs/depthg/stego_vits8_coco27.py
_base_ = [
    '../_base_/models/depthg_vit_small.py', '../_base_/datasets/coco27_pairs.py', '../_base_/depthg_runtime.py'
]
model = dict(
    self_term=dict(weight=0.67, shift=0.08),
    neighbour_term=dict(weight=0.25, shift=0.02),
    negative_term=dict(weight=0.63, shift=0.66))
train_dataloader = dict(dataset=dict(neighbours='work_dirs/stego_vits8_coco27/neighbours.npz'))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=5000, val_interval=250)
default_hooks = dict(checkpoint=dict(interval=250, save_best='coco27-stego320/mIoU', rule='greater'))
