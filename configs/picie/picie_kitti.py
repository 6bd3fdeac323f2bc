# PiCIE on KITTI's raw frames from scratch, 19 classes, as many steps as on Cityscapes
_base_ = ['../_base_/models/picie_r18.py', '../_base_/datasets/kitti_semantic.py', '../_base_/picie_runtime.py']
model = dict(num_clusters=19)
auto_scale_lr = dict(enable=False, base_batch_size=128)
custom_hooks = [dict(type='mmdepthcp.PretrainedCheckHook'), dict(type='mmdepthcp.PiCIEClusterHook', interval=23)]
train_dataloader = dict(
    batch_size=128,
    num_workers=8,
    dataset=dict(
        _delete_=True,
        type='mmdepthcp.KITTIStreetDataset',
        data_root='data/kitti/',
        data_prefix=dict(img_path='raw'),
        pipeline=[
            dict(type='mmdepthcp.LoadImage'),
            dict(type='mmdepthcp.EquivariantViews', size=(320, 1056), colour=_base_.colour),
            dict(type='mmdepthcp.PackTwoViews'),
        ]))
val_evaluator = dict(type='mmdepthcp.UnsupervisedSegMetric', _delete_=True)
test_evaluator = val_evaluator
train_cfg = dict(type='IterBasedTrainLoop', max_iters=230, val_interval=23)
default_hooks = dict(checkpoint=dict(interval=23))
