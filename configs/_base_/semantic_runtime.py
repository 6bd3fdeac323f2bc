_base_ = 'finetune_runtime.py'
default_scope = 'mmseg'
visualizer = dict(type='SegLocalVisualizer', vis_backends=[dict(type='mmdepthcp.LocalVisBackend')], name='visualizer')
default_hooks = dict(visualization=dict(type='SegVisualizationHook'))
