# Semantic FPN on CamVid: 367 images to learn from, 8000 iterations
_base_ = [
    '../_base_/models/semantic_fpn_r50.py',
    '../_base_/datasets/camvid_semantic.py',
    '../_base_/schedules/semantic_80k.py',
    '../_base_/semantic_runtime.py',
]
model = dict(decode_head=dict(num_classes=11))
param_scheduler = [dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=8000, by_epoch=False)]
train_cfg = dict(max_iters=8000, val_interval=2000)
