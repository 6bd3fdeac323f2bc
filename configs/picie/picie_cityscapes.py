# PiCIE on Cityscapes from scratch, 19 classes, 10 epochs of 128 images at once; views keep the aspect of the images,
# where the published code takes a square of their middle
_base_ = ['../_base_/models/picie_r18.py', '../_base_/datasets/cityscapes_semantic.py', '../_base_/picie_runtime.py']
model = dict(num_clusters=19)
auto_scale_lr = dict(enable=False, base_batch_size=128)
train_dataloader = dict(
    batch_size=128,
    num_workers=8,
    dataset=dict(
        _delete_=True,
        type='mmdepthcp.CityscapesStreetDataset',
        data_root='data/cityscapes/',
        data_prefix=dict(img_path='leftImg8bit/train'),
        pipeline=[
            dict(type='mmdepthcp.LoadImage'),
            dict(type='mmdepthcp.EquivariantViews', size=(320, 640), colour=_base_.colour),
            dict(type='mmdepthcp.PackTwoViews'),
        ]))
val_evaluator = dict(type='mmdepthcp.UnsupervisedSegMetric', _delete_=True)
test_evaluator = val_evaluator
train_cfg = dict(type='IterBasedTrainLoop', max_iters=230, val_interval=23)
default_hooks = dict(checkpoint=dict(interval=23))
