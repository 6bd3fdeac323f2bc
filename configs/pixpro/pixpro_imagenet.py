# PixPro as it was published: ImageNet without labels, from scratch, 100 epochs, 1024 images at once on 8 GPUs, which
# makes the learning rate 4:
#   tools/dist_train.sh configs/pixpro/pixpro_imagenet.py 8 --auto-scale-lr
_base_ = ['../_base_/models/pixpro_r50.py', '../_base_/datasets/two_views.py', '../_base_/pretrain_runtime.py']
auto_scale_lr = dict(enable=False, base_batch_size=128)
train_dataloader = dict(
    batch_size=128,
    num_workers=8,
    sampler=dict(type='mmdepthcp.EpochSampler'),
    dataset=dict(
        type='mmdepthcp.StreetDataset',
        data_root='data/imagenet/',
        data_prefix=dict(img_path='train'),
        pipeline=[
            dict(type='mmdepthcp.LoadImage'),
            dict(
                type='mmdepthcp.TwoViews',
                size=(224, 224),
                area_range=(0.08, 1.0),
                coord_mode='normalized',
                colours=_base_.colours,
                solarise_probs=_base_.solarise_probs),
            dict(type='mmdepthcp.PackTwoViews'),
        ]))
optim_wrapper = dict(
    type='AmpOptimWrapper',
    constructor='mmdepthcp.OneDimensionalExclude',
    optimizer=dict(_delete_=True, type='LARS', lr=0.5, momentum=0.9, weight_decay=1e-5))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=True, begin=0, end=5, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min=1e-6, by_epoch=True, begin=5, end=100, convert_to_iter_based=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=100)
default_hooks = dict(checkpoint=dict(by_epoch=True, interval=10), logger=dict(log_metric_by_epoch=True))
log_processor = dict(by_epoch=True)
