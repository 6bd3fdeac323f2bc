# The student counts iterations, and nothing is validated: what it fails on is what one wants to know
_base_ = 'default_runtime.py'
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    checkpoint=dict(type='mmdepthcp.CheckpointHook', by_epoch=False, interval=1000, max_keep_ckpts=1))
log_processor = dict(by_epoch=False)
