# A linear classifier on frozen features, CamVid at 192x144
_base_ = [
    '../_base_/models/probe_r18_small.py',
    '../_base_/datasets/camvid_semantic_small.py',
    '../_base_/semantic_runtime.py',
]
model = dict(decode_head=dict(type='mmdepthcp.LinearProbeHead', num_classes=11))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0))
param_scheduler = [dict(type='PolyLR', eta_min=0, power=0.9, begin=0, end=200, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=200, val_interval=200)
