# The published schedule (Hoyer et al., CVPR 2021): the encoder learns at a tenth of the decoder's rate, both fall to a
# tenth after 30 000 of 40 000 iterations
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=1e-2, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))),
    clip_grad=dict(max_norm=10))
param_scheduler = [dict(type='MultiStepLR', milestones=[30000], gamma=0.1, by_epoch=False, begin=0, end=40000)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=40000, val_interval=2500)
