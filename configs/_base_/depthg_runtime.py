# Training of codes on frozen features: what is looked at, kept and reported, and the optimisers of STEGO, which are one
# with multipliers
_base_ = 'semantic_runtime.py'
custom_hooks = [
    dict(type='mmdepthcp.PretrainedCheckHook'),
    dict(type='mmdepthcp.FeatureCacheHook'),
    dict(type='mmdepthcp.NeighbourCheckHook'),
    dict(type='mmdepthcp.CalibrationHook', num_items=32),
    dict(type='mmdepthcp.SimilarityHistogramHook', interval=100, num_items=32),
    dict(type='mmdepthcp.ValidationRecordHook'),
]
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=5e-4),
    paramwise_cfg=dict(custom_keys=dict(cluster_probe=dict(lr_mult=10), linear_probe=dict(lr_mult=10))))
param_scheduler = []
