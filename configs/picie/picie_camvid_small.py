# PiCIE on CamVid at 192x144, the network and the 546 steps of depthcp_camvid_small.py, from the encoder of the depth
# network:
#   python tools/train.py configs/picie/picie_camvid_small.py
_base_ = [
    '../_base_/models/picie_r18_small.py', '../_base_/datasets/camvid_semantic_small.py', '../_base_/picie_runtime.py'
]
model = dict(
    num_clusters=11,
    backbone=dict(init_cfg=dict(
        type='Pretrained', checkpoint='work_dirs/depthcp_camvid_small/depth/epoch_40.pth', prefix='backbone.')))
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmdepthcp.CamVidStreetDataset',
        data_root='{{$MMDEPTHCP_DATA:data}}/camvid/',
        data_prefix=dict(img_path='images/train'),
        pipeline=[
            dict(type='mmdepthcp.LoadImage'),
            dict(type='mmdepthcp.EquivariantViews', size=(144, 192), colour=_base_.colour),
            dict(type='mmdepthcp.PackTwoViews'),
        ]))
val_evaluator = dict(type='mmdepthcp.UnsupervisedSegMetric', _delete_=True)
test_evaluator = val_evaluator
train_cfg = dict(type='IterBasedTrainLoop', max_iters=546, val_interval=273)
default_hooks = dict(checkpoint=dict(interval=273))
