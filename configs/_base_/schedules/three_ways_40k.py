# Hoyer et al., CVPR 2021: SGD, 40 000 iterations, a tenth of the rates from 30 000 on. The encoder and the decoder of
# depth learn with a tenth of the rate, the motion network with next to none. The published code gives the decoder of
# depth the full rate: optim_wrapper.paramwise_cfg.custom_keys.depth_decoder.lr_mult=1.0
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0005),
    clip_grad=dict(max_norm=10),
    paramwise_cfg=dict(
        custom_keys=dict(backbone=dict(lr_mult=0.1), depth_decoder=dict(lr_mult=0.1), pose_net=dict(lr_mult=1e-4))))
param_scheduler = [dict(type='MultiStepLR', by_epoch=False, begin=0, end=40000, milestones=[30000], gamma=0.1)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=40000, val_interval=2500)
