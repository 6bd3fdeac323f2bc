# Zeng et al., BMVC 2022: 24 000 iterations, step at 18 000, rate 0.01, batch of 8; MMDetection's warm-up; weights of
# normalisations are not decayed
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0001),
    paramwise_cfg=dict(norm_decay_mult=0))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', begin=0, end=24000, by_epoch=False, milestones=[18000], gamma=0.1),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=24000, val_interval=4000)
