# PixPro on KITTI, ResNet-50; 100 epochs in batches of 32: the steps of depthcp_kitti.py, 25 epochs in groups of 8
_base_ = 'pixpro_cityscapes.py'
train_dataloader = dict(
    sampler=dict(type='mmdepthcp.EpochSampler'),
    dataset=dict(type='mmdepthcp.KITTIStreetDataset', data_prefix=dict(img_path='data/kitti/raw')))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=True, begin=0, end=10, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min=1e-6, by_epoch=True, begin=10, end=100, convert_to_iter_based=True),
]
train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=100)
default_hooks = dict(checkpoint=dict(by_epoch=True, interval=10), logger=dict(log_metric_by_epoch=True))
log_processor = dict(by_epoch=True)
