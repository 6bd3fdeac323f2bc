# Fine-tuning counts iterations; the weights that it starts from are checked, and so are the lists of classes
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='mmdepthcp.CheckpointHook', by_epoch=False, interval=2000, max_keep_ckpts=1),
    sampler_seed=dict(type='DistSamplerSeedHook'))
custom_hooks = [
    dict(type='mmdepthcp.PretrainedCheckHook'),
    dict(type='mmdepthcp.ClassListHook'),
    # what is random in the model is drawn from (seed, iteration, rank), so that a resumed run continues exactly
    dict(type='mmdepthcp.IterSeedHook'),
]

env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'))
log_processor = dict(by_epoch=False)
log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=0)
# several processes normalise over all their images, as one does that has them all
sync_bn = 'torch'
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
