# Semantic FPN on CamVid at 192x144, with the small network of depthcp_camvid_small.py: about two minutes on two cores
_base_ = [
    '../_base_/models/semantic_fpn_r18_small.py',
    '../_base_/datasets/camvid_semantic_small.py',
    '../_base_/semantic_runtime.py',
]
model = dict(decode_head=dict(num_classes=11))
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=0.0001))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=20),
    dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=20, end=200, by_epoch=False),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=200, val_interval=200)
