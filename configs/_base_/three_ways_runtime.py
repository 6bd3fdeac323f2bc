# Segmentation that may start from a depth network: all that a part should have from its file must arrive
_base_ = 'semantic_runtime.py'
custom_hooks = [
    dict(
        type='mmdepthcp.PretrainedCheckHook',
        whole=('backbone', 'decoder', 'depth_decoder', 'segmentation_decoder', 'pose_net')),
    dict(type='mmdepthcp.ClassListHook'),
    dict(type='mmdepthcp.IterSeedHook'),
]
