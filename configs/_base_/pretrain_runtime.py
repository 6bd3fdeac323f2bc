# For MMPretraining's own algorithms: they count iterations, to take as many steps as DepthCP
_base_ = 'finetune_runtime.py'
default_scope = 'mmpretrain'
custom_hooks = [dict(type='mmdepthcp.PretrainedCheckHook')]
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4))
val_cfg = None
test_cfg = None
