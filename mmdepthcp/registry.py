"""Registries of the scope ``mmdepthcp``, children of MMEngine's root registries.

A config reaches them with ``default_scope = 'mmdepthcp'`` or, from an mmseg or mmdet config, with
``custom_imports = dict(imports=['mmdepthcp'])`` and the prefix ``mmdepthcp.`` in front of the type.
"""

from mmengine import registry as root

SCOPE = 'mmdepthcp'

DATASETS = root.Registry(
    'dataset', parent=root.DATASETS, scope=SCOPE, locations=['mmdepthcp.datasets'])
DATA_SAMPLERS = root.Registry(
    'data sampler', parent=root.DATA_SAMPLERS, scope=SCOPE, locations=['mmdepthcp.datasets'])
TRANSFORMS = root.Registry(
    'transform', parent=root.TRANSFORMS, scope=SCOPE,
    locations=['mmdepthcp.datasets.transforms'])
MODELS = root.Registry(
    'model', parent=root.MODELS, scope=SCOPE, locations=['mmdepthcp.models'])
METRICS = root.Registry(
    'metric', parent=root.METRICS, scope=SCOPE, locations=['mmdepthcp.evaluation'])
HOOKS = root.Registry('hook', parent=root.HOOKS, scope=SCOPE, locations=['mmdepthcp.engine'])
VISUALIZERS = root.Registry(
    'visualizer', parent=root.VISUALIZERS, scope=SCOPE, locations=['mmdepthcp.visualization'])
