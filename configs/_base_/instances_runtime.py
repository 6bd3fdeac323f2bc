_base_ = 'finetune_runtime.py'
default_scope = 'mmdet'
custom_imports = dict(
    imports=['mmdepthcp.datasets.instances', 'mmdepthcp.evaluation.metrics.instances', 'mmdepthcp.engine'])
visualizer = dict(type='DetLocalVisualizer', vis_backends=[dict(type='mmdepthcp.LocalVisBackend')], name='visualizer')
default_hooks = dict(visualization=dict(type='DetVisualizationHook'))
