# PiCIE counts iterations, clusters at the begin of every epoch, and is validated as it is
_base_ = 'semantic_runtime.py'
custom_hooks = [dict(type='mmdepthcp.PretrainedCheckHook'), dict(type='mmdepthcp.PiCIEClusterHook')]
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3))
param_scheduler = []
# grey is in the published code, but never switched on; hue turns by a tenth of the circle at most
colour = dict(
    brightness=0.3, contrast=0.3, saturation=0.3, hue=0.1, jitter_prob=0.8, blur_prob=0.5, blur_sigma=(0.1, 2.0),
    grey_prob=0.0)
