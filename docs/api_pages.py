"""Pages of the API reference, one for each package, written from tests/public_api.txt before Sphinx reads its sources.

References in docstrings and signatures lead to where the object is described; what is not public, or another package's,
stays plain text; what does not exist is a warning.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

from mmdepthcp import registry
from mmdepthcp.cli.tools import register_modules

ROOT = Path(__file__).parents[1]
INVENTORY = ROOT / 'tests/public_api.txt'
PAGES = ROOT / 'docs/api'  # ignored by git
LAYERS = {
    'What other programs call': ['mmdepthcp', 'mmdepthcp.apis', 'mmdepthcp.utils'],
    'Preparing files': ['mmdepthcp.preparation', 'mmdepthcp.videos'],
    'Models': ['mmdepthcp.models'],
    'Training': ['mmdepthcp.engine'],
    'Data': ['mmdepthcp.datasets'],
    'Scores': ['mmdepthcp.evaluation'],
    'Pictures': ['mmdepthcp.visualization'],
    'The core: functions on arrays and tensors': [
        'mmdepthcp.geometry', 'mmdepthcp.grouping', 'mmdepthcp.mixing', 'mmdepthcp.views', 'mmdepthcp.sampling'],
}
TITLE = 'API reference'
INTRODUCTION = """\
What other code may rely on, from the docstrings, by layer from the top down; :doc:`how the code is laid out
</docs/architecture>` says what the layers promise each other. Types that a config names by ``type`` are marked with
their registry.
"""

logger = logging.getLogger(__name__)


def public_names() -> dict[str, dict[str, str]]:
    """Module to be shown -> name -> registry, or nothing. An object that several packages hand on is shown by the
    innermost."""
    register_modules()
    kinds = {
        (member_name, kind.__name__): kind for member_name, member in vars(registry).items()
        if hasattr(member, 'module_dict') for kind in member.module_dict.values()
        if kind.__module__.startswith('mmdepthcp.')}
    places: dict[int, tuple[str, str, str]] = {}
    for line in INVENTORY.read_text().splitlines():
        words = line.partition('(')[0]
        if words.startswith('type '):
            kind_of, name = words.removeprefix('type ').split(': ')
            member, module = kinds[kind_of, name], kinds[kind_of, name].__module__.rpartition('.')[0]
            if not hasattr(importlib.import_module(module), name):
                module = member.__module__
        else:
            module, _, name = f'mmdepthcp.{words}'.rpartition('.')
            member, kind_of = getattr(importlib.import_module(module), name), ''
        before = places.get(id(member))
        if before is None:
            places[id(member)] = module, name, kind_of
        else:
            places[id(member)] = max(before[0], module, key=len), name, before[2] or kind_of
    shown: dict[str, dict[str, str]] = defaultdict(dict)
    shown['mmdepthcp.utils.errors']['InputError'] = ''
    for module, name, kind_of in places.values():
        shown[module][name] = kind_of
    return shown


def directive(module: str, name: str, kind_of: str) -> str:
    """The reStructuredText of one public name."""
    member = getattr(importlib.import_module(module), name)
    sort = 'class' if inspect.isclass(member) else 'function' if callable(member) else 'data'
    lines = [f'.. auto{sort}:: {module}.{name}']
    if sort == 'class':
        lines += ['   :members:', '   :show-inheritance:']
    if sort == 'data' and not documented(module, name):
        lines = [f'.. py:data:: {module}.{name}', f'   :type: {type(member).__module__}.{type(member).__name__}']
    if kind_of:
        lines += ['', f'   Registered in ``{kind_of}``: ``type=\'{name}\'``.']
    return '\n'.join(lines)


def documented(module: str, name: str) -> bool:
    """Whether a string follows the assignment."""
    body = ast.parse(inspect.getsource(importlib.import_module(module))).body
    assigned = [(getattr(node, 'targets', None) or [getattr(node, 'target', None)])[0] for node in body]
    targets = [getattr(target, 'id', '') for target in assigned]
    return name in targets and isinstance(getattr(body[targets.index(name) + 1], 'value', None), ast.Constant)


def write_pages(app: Sphinx) -> None:
    """Write the pages that differ, and remove those of packages that are gone."""
    shown = public_names()
    pages, contents = {}, [TITLE, '=' * len(TITLE), '', INTRODUCTION]
    for title, roots in LAYERS.items():
        modules = [module for root in roots for module in sorted(shown)
                   if module == root or (root != 'mmdepthcp' and module.startswith(root + '.'))]
        contents += ['.. toctree::', f'   :caption: {title}', '   :maxdepth: 1', '']
        contents += [*(f'   {module}' for module in modules), '']
        for module in modules:
            about = inspect.cleandoc(importlib.import_module(module).__doc__ or '')
            parts = [directive(module, name, kind_of) for name, kind_of in sorted(shown[module].items())]
            pages[f'{module}.rst'] = '\n\n'.join([
                f'{module}\n{"=" * len(module)}', f'.. py:module:: {module}', about, *parts]) + '\n'
    left_out = set(shown) - {name.removesuffix('.rst') for name in pages}
    if left_out:
        raise KeyError(f'{", ".join(sorted(left_out))}: no layer of docs/api_pages.py has them')
    pages['index.rst'] = '\n'.join(contents)
    PAGES.mkdir(exist_ok=True)
    for path in PAGES.iterdir():
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        path = PAGES / name
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)


def lookup(target: str, *places: str | None) -> Any:
    """The object of a dotted name, seen from modules and classes; None if there is none."""
    for words in (target, *(f'{place}.{target}' for place in places if place)):
        parts = words.split('.')
        for count in range(len(parts), 0, -1):
            try:
                found = importlib.import_module('.'.join(parts[:count]))
                for part in parts[count:]:
                    found = getattr(found, part)
                return found
            except (ImportError, AttributeError, ValueError):
                continue
    parts = target.split('.')
    for name, place in sorted(sys.modules.items()):
        if name.startswith('mmdepthcp') and hasattr(place, parts[0]):
            try:
                return functools.reduce(getattr, parts, place)
            except AttributeError:
                continue
    return None


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element) -> nodes.Element | None:
    """Find what Python's domain has not found: see the module."""
    if node.get('refdomain') != 'py':
        return None
    target = node['reftarget']
    if not all(part.isidentifier() for part in target.split('.')):  # a value of a Literal
        return content
    objects = env.domains['py'].objects
    found = [name for name in objects if name == target or name.endswith('.' + target.rpartition('.')[2])]
    module = node.get('py:module')
    there = lookup(target, module, f'{module}.{node.get("py:class")}')
    same = [name for name in found if there is not None and lookup(name) is there]
    for name in same or (found if len(found) == 1 and '.' not in target else []):
        entry = objects[name]
        return make_refnode(app.builder, node['refdoc'], entry.docname, entry.node_id, content, name)
    return content if there is not None else None


def keep_colons(app: Sphinx, what: str, name: str, member: Any, options: Any, lines: list[str]) -> None:
    """Keep napoleon from taking what stands before a colon for a type: types stand in signatures."""
    if what in ('attribute', 'data', 'property'):
        lines.insert(0, '\\')  # an empty word, without a colon


def setup(app: Sphinx) -> dict:
    app.connect('autodoc-process-docstring', keep_colons, priority=400)
    app.connect('builder-inited', write_pages)
    app.connect('missing-reference', resolve)
    return dict(parallel_read_safe=True, parallel_write_safe=True)
