# Semantic FPN on one of five folds of KITTI (160 images to learn from, 40 to be scored): 8000 iterations
_base_ = [
    '../_base_/models/semantic_fpn_r50.py',
    '../_base_/datasets/kitti_semantic.py',
    '../_base_/schedules/semantic_80k.py',
    '../_base_/semantic_runtime.py',
]
param_scheduler = [dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=8000, by_epoch=False)]
train_cfg = dict(max_iters=8000, val_interval=2000)
