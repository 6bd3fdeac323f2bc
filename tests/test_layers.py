"""The layout of docs/architecture.md: imports go downwards, files stay short, types are where one looks for them."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from registered import registered_types

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / 'mmdepthcp'
# from the ground up; what stands in one line does not import each other but for what lies below
FLOORS = (
    ('utils',),
    ('__init__',),
    ('config', 'geometry', 'registry', 'sampling'),
    ('cli', 'grouping', 'views', 'videos', 'structures'),
    ('mixing',),
    ('evaluation', 'toy', 'visualization'),
    ('datasets',),
    ('engine',),
    ('models',),
    ('preparation', 'apis'),
    ('experiments', 'doctor'),
)
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
LONGEST = 400
FOLDERS = dict(
    DATASETS='datasets', DATA_SAMPLERS='datasets', TRANSFORMS='datasets.transforms', HOOKS='engine.hooks',
    METRICS='evaluation.metrics', MODEL_WRAPPERS='models.wrappers', OPTIM_WRAPPER_CONSTRUCTORS='engine.optimizers',
    VISBACKENDS='visualization')
# of models: the first that the name ends with or has as a base
OF_MODELS = dict(
    Loss='losses', Projector='necks', Propagation='necks', Neck='necks', Probe='probes', ProbeHead='probes',
    KNNHead='probes', Head='heads', BaseDecodeHead='heads', BaseDataPreprocessor='data_preprocessors',
    BaseBackbone='backbones', ResNet='backbones', FrozenFeatures='backbones', DepthNetwork='depth',
    DepthDecoder='depth', PoseNet='depth', BaseSelfSupervisor='selfsup', SegmentsByClusters='segmentors',
    BaseSegmentor='segmentors', BaseModel='selfsup')


def imported(path: Path) -> set[str]:
    """Parts of the package that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names |= {f'{node.module}.{alias.name}' for alias in node.names}
    parts = [name.split('.') for name in names]
    return {part[1] for part in parts if part[0] == 'mmdepthcp' and len(part) > 1}


@pytest.mark.parametrize('path', sorted(PACKAGE.rglob('*.py')), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_import_runs_upwards(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix('.py')
    for other in imported(path) - {own, '__version__', '__file__'}:
        assert FLOOR[other] < FLOOR[own] or other == '__init__', f'{own} imports {other}'


def modules_imported(path: Path) -> set[Path]:
    """Files of the package that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parents = path.relative_to(ROOT).parts[:-node.level] if node.level else ()
            start = '.'.join([*parents, *([node.module] if node.module else [])])
            names = [start, *(f'{start}.{alias.name}' for alias in node.names)]
        else:
            continue
        for name in names:
            file = ROOT / name.replace('.', '/')
            found |= {each for each in (file.with_suffix('.py'), file / '__init__.py') if each.is_file()}
    # a package's __init__ hands on the names of its modules, which import each other directly
    return {file for file in found if file.name != '__init__.py'} - {path}


def test_no_circles():
    files = [path for path in PACKAGE.rglob('*.py') if path.name != '__init__.py']
    order = list(TopologicalSorter({path: modules_imported(path) for path in files}).static_order())
    assert set(files) <= set(order) and len(order) > 100


@pytest.mark.parametrize('folder', ['mmdepthcp', 'benchmarks', 'tools', 'configs'])
def test_files_are_short(folder):
    long = {str(path): len(path.read_text().splitlines()) for path in (ROOT / folder).rglob('*.py')
            if 'toy' not in path.relative_to(ROOT).parts}
    assert not {path: lines for path, lines in long.items() if lines > LONGEST}


def folder_of(registry: str, kind: type) -> str:
    if registry != 'MODELS':
        return FOLDERS[registry]
    bases = {base.__name__ for base in kind.__mro__}
    return 'models.' + next((folder for word, folder in OF_MODELS.items()
                             if kind.__name__.endswith(word) or word in bases), 'nowhere: OF_MODELS says of which kind')


def test_types_are_where_one_looks_for_them():
    places = {f'{name} {kind.__name__}': (kind.__module__.rpartition('.')[0], f'mmdepthcp.{folder_of(name, kind)}')
              for name, kind in registered_types()}
    assert len(places) > 70
    assert not {name: place for name, place in places.items() if place[0] != place[1]}
