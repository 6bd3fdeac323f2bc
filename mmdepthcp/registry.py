"""Registries of the scope ``mmdepthcp``, children of MMEngine's root registries.

A config reaches them with ``default_scope = 'mmdepthcp'`` or, from an mmseg or mmdet config, with
``custom_imports = dict(imports=['mmdepthcp.registry'])`` and the prefix ``mmdepthcp.`` in front of the type.

From the import of this module on MMEngine reads checkpoints as data, see
:func:`mmdepthcp.utils.checkpoint.read_strictly`, and writes files aside and renames them, see
:mod:`mmdepthcp.utils.storage`.
"""

from mmdepthcp.utils.requirements import require

require('mmengine')

from mmengine import registry as root  # noqa: E402

from mmdepthcp.utils.checkpoint import read_strictly  # noqa: E402
from mmdepthcp.utils.storage import write_aside  # noqa: E402

SCOPE = 'mmdepthcp'

read_strictly()
write_aside()

DATASETS = root.Registry(
    'dataset', parent=root.DATASETS, scope=SCOPE, locations=['mmdepthcp.datasets'])
DATA_SAMPLERS = root.Registry(
    'data sampler', parent=root.DATA_SAMPLERS, scope=SCOPE, locations=['mmdepthcp.datasets'])
TRANSFORMS = root.Registry(
    'transform', parent=root.TRANSFORMS, scope=SCOPE,
    locations=['mmdepthcp.datasets.transforms'])
MODELS = root.Registry(
    'model', parent=root.MODELS, scope=SCOPE, locations=['mmdepthcp.models'])
MODEL_WRAPPERS = root.Registry(
    'model wrapper', parent=root.MODEL_WRAPPERS, scope=SCOPE, locations=['mmdepthcp.models'])
METRICS = root.Registry(
    'metric', parent=root.METRICS, scope=SCOPE, locations=['mmdepthcp.evaluation'])
HOOKS = root.Registry('hook', parent=root.HOOKS, scope=SCOPE, locations=['mmdepthcp.engine'])

# Nothing is added to these; with them MMEngine finds its own modules from this scope without a warning.
RUNNERS = root.Registry('runner', parent=root.RUNNERS, scope=SCOPE, locations=['mmdepthcp.engine'])
LOOPS = root.Registry('loop', parent=root.LOOPS, scope=SCOPE, locations=['mmdepthcp.engine'])
LOG_PROCESSORS = root.Registry(
    'log processor', parent=root.LOG_PROCESSORS, scope=SCOPE, locations=['mmdepthcp.engine'])
VISUALIZERS = root.Registry(
    'visualizer', parent=root.VISUALIZERS, scope=SCOPE, locations=['mmdepthcp.visualization'])
EVALUATOR = root.Registry('evaluator', parent=root.EVALUATOR, scope=SCOPE, locations=['mmdepthcp.evaluation'])
VISBACKENDS = root.Registry(
    'vis_backend', parent=root.VISBACKENDS, scope=SCOPE, locations=['mmdepthcp.visualization'])
OPTIMIZERS = root.Registry('optimizer', parent=root.OPTIMIZERS, scope=SCOPE, locations=['mmdepthcp.engine'])
OPTIM_WRAPPERS = root.Registry(
    'optim_wrapper', parent=root.OPTIM_WRAPPERS, scope=SCOPE, locations=['mmdepthcp.engine'])
OPTIM_WRAPPER_CONSTRUCTORS = root.Registry(
    'optimizer wrapper constructor', parent=root.OPTIM_WRAPPER_CONSTRUCTORS, scope=SCOPE,
    locations=['mmdepthcp.engine'])
PARAM_SCHEDULERS = root.Registry(
    'parameter scheduler', parent=root.PARAM_SCHEDULERS, scope=SCOPE, locations=['mmdepthcp.engine'])
