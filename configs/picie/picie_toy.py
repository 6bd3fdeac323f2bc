# PiCIE on toy streets, the network and the 600 steps of depthcp_toy.py, from the depth network's encoder as DepthCP:
#   python tools/train.py configs/picie/picie_toy.py
_base_ = ['../_base_/models/picie_r18_small.py', '../_base_/datasets/toy_semantic.py', '../_base_/picie_runtime.py']
model = dict(
    num_clusters=10,
    backbone=dict(init_cfg=dict(
        type='Pretrained', checkpoint='work_dirs/depthcp_toy/depth/epoch_12.pth', prefix='backbone.')))
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmdepthcp.ToyStreetDataset',
        data_root='data/toy/',
        data_prefix=dict(img_path='leftImg8bit/train'),
        pipeline=[
            dict(type='mmdepthcp.LoadImage'),
            dict(type='mmdepthcp.EquivariantViews', size=(96, 192), colour=_base_.colour),
            dict(type='mmdepthcp.PackTwoViews'),
        ]))
val_evaluator = dict(type='mmdepthcp.UnsupervisedSegMetric', _delete_=True)
test_evaluator = val_evaluator
train_cfg = dict(type='IterBasedTrainLoop', max_iters=600, val_interval=300)
default_hooks = dict(checkpoint=dict(interval=300))
