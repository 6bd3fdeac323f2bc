"""Names of version 0.1.0 that lie elsewhere now: they work, with a warning, until version 0.3."""

from __future__ import annotations

import functools
import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import ModuleType
from typing import Any

PACKAGE = 'mmdepthcp.'
LAST = 'old names go with version 0.3'
PLACES = {
    'apis.depth_inference': ('preparation.depth_inference', 'preparation.foreign_depth', 'geometry.depth_maps'),
    'apis.disparity_export': ('preparation.disparity_export', 'preparation.exports'),
    'apis.features': ('models.features',),
    'apis.region_grouping': ('preparation.region_grouping',),
    'checkpoint': ('utils.checkpoint',),
    'command_line': ('cli.tools', 'config.loading', 'config.overrides', 'utils.code_version'),
    'comparison': ('experiments.tables', 'experiments.plans', 'experiments.building', 'experiments.results',
                   'experiments.drawing'),
    'datasets.video': ('datasets.clips',),
    'engine.hooks.epoch_seed': ('engine.hooks.seeds',),
    'fileio': ('utils.fileio', 'utils.images', 'utils.walks', 'utils.errors'),
    'geometry.cameras': (),
    'grouping': ('geometry.points',),
    'grouping.graph': ('geometry.points', 'utils.images'),
    'instances': ('datasets.coco',),
    'mixing': ('views.colour', 'views.crops'),
    'mixing.colour': ('views.colour',),
    'mixing.pastes': ('views.crops',),
    'mixing.zbuffer': ('mixing.rasteriser',),
    'models.depth': ('models.data_preprocessors', 'models.losses.view_synthesis', 'models.backbones.depth_resnet'),
    'models.depth.data_preprocessor': ('models.data_preprocessors.mono_depth',),
    'models.depth.losses': ('models.losses.view_synthesis',),
    'models.depth.mono_depth': ('models.depth.network',),
    'models.depth.resnet': ('models.backbones.depth_resnet',),
    'models.probes': ('models.backbones.frozen_features',),
    'models.probes.features': ('models.backbones.frozen_features',),
    'pipeline': ('experiments.stages', 'experiments.records', 'experiments.building', 'experiments.running',
                 'experiments.engine', 'utils.resources'),
    'requirements': ('utils.requirements',),
    'structures': (),
    'summary': ('experiments.summary',),
    'utils.grouping_options': ('cli.grouping_options',),
    'utils.resnets': ('apis.resnets',),
    'visualization.report': ('experiments.report',),
}
"""Old module → the modules in which its names lie now, in the order in which they are looked for. Modules that are
still there have given some of their names away.
"""
OTHER_ARGUMENTS = {
    'comparison': 'Score init_options summarise format_summary markdown comma_separated bar_plot',
    'datasets.video': 'index_kitti_raw index_kitti_odometry',
    'pipeline': 'config_digest read_stages run_stage run_stages',
    'summary': 'collect',
    'visualization.report': 'Report line_chart',
}
"""Names by which something else is called now, so that they cannot be handed on."""
GONE = {
    'command_line.parse_cfg_options': 'mmdepthcp.config.overrides.parse_options reads options now',
    'geometry.cameras.resize_intrinsics': 'multiply the rows of pixel intrinsics by the factors of width and height; '
                                          'normalised ones stay as they are',
    'structures.MatchDict': 'matches are an InstanceData of MMEngine',
    'benchmarks': 'they are the folder benchmarks of the repository, which is not installed',
}


class OldNames(MetaPathFinder, Loader):
    """Finds the modules of :data:`PLACES`, which hand on what others hold now."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
                  ) -> ModuleSpec | None:
        """The spec of a module that has moved or given names away, None for others.

        Raises:
            ModuleNotFoundError: it is gone.
        """
        old = fullname.removeprefix(PACKAGE)
        if old == fullname or old not in (*PLACES, *GONE):
            return None
        if old in GONE:
            raise ModuleNotFoundError(f'{fullname} of version 0.1.0 is gone: {GONE[old]}', name=fullname)
        there = PathFinder.find_spec(fullname, path)
        if there is None or there.origin is None:
            return ModuleSpec(fullname, self)
        return spec_from_file_location(fullname, there.origin, loader=_WithOldNames(fullname, there.origin),
                                       submodule_search_locations=there.submodule_search_locations)

    def exec_module(self, module: ModuleType) -> None:
        """Let a module hand on names."""
        module.__getattr__ = functools.partial(_look_up, module.__name__)  # type: ignore[method-assign]


class _WithOldNames(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        module.__getattr__ = functools.partial(_look_up, module.__name__)  # type: ignore[method-assign]
        super().exec_module(module)


def _look_up(module: str, name: str) -> Any:
    """What a module of version 0.1.0 had by a name.

    Raises:
        ImportError: it is gone, or takes other arguments now.
        AttributeError: there is nothing of that name in a module that is still there.
    """
    old = module.removeprefix(PACKAGE)
    if name.startswith('_'):
        raise AttributeError(f'module {module!r} has no attribute {name!r}')
    if f'{old}.{name}' in GONE:
        raise ImportError(f'{module}.{name} of version 0.1.0 is gone: {GONE[f"{old}.{name}"]}')
    for place in PLACES[old]:
        new = importlib.import_module(PACKAGE + place)
        if isinstance(vars(new).get(name), (ModuleType, type(None))):
            continue
        if name in OTHER_ARGUMENTS.get(old, '').split():
            raise ImportError(f'{module}.{name} of version 0.1.0 is gone: {new.__name__}.{name} takes its place, with '
                              'other arguments')
        warnings.warn(f'{module}.{name} has moved to {new.__name__}.{name}; {LAST}', FutureWarning, stacklevel=2)
        return vars(new)[name]
    if sys.modules[module].__spec__.origin is None:  # type: ignore[union-attr]
        raise ImportError(f'{module}.{name}: there is no such name, or no more; those of {module} lie in '
                          f'{", ".join(PACKAGE + place for place in PLACES[old])} now')
    raise AttributeError(f'module {module!r} has no attribute {name!r}')


def find_old_names() -> None:
    """From now on, imports of old names are answered."""
    if not any(isinstance(finder, OldNames) for finder in sys.meta_path):
        sys.meta_path.insert(0, OldNames())
