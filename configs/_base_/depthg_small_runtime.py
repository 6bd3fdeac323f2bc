# The same in a sixth of the steps, at twice the published rate of the head, with k-means on the codes beside the probes
_base_ = 'depthg_runtime.py'
custom_hooks = [*_base_.custom_hooks, dict(type='mmdepthcp.KMeansHook')]
optim_wrapper = dict(
    optimizer=dict(lr=1e-3),
    paramwise_cfg=dict(custom_keys=dict(cluster_probe=dict(lr_mult=5), linear_probe=dict(lr_mult=5))))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=400, val_interval=100)
default_hooks = dict(checkpoint=dict(interval=100, rule='greater'))
