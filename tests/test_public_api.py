"""What other code may rely on, as listed in public_api.txt: names, arguments, and registered types with theirs.

What is gone or changed there is a change for users: it belongs into CHANGELOG.md. To write the list anew:

    PYTHONPATH=. python tests/test_public_api.py
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from registered import registered_types

INVENTORY = Path(__file__).with_name('public_api.txt')
PACKAGES = (
    'apis', 'datasets', 'evaluation.functional', 'evaluation.metrics', 'geometry', 'grouping', 'mixing', 'models',
    'models.backbones', 'models.data_preprocessors', 'models.depth', 'models.heads', 'models.losses', 'models.probes',
    'models.segmentors', 'models.selfsup', 'models.wrappers', 'sampling', 'videos', 'views')
BY_MODULES = ('preparation',)
"""Packages that hand on no names of their modules."""
REMEDY = 'PYTHONPATH=. python tests/test_public_api.py'


def arguments(member: object) -> str:
    """Names and defaults, without types; nothing for what is not called. Those of other packages' versions differ."""
    if not callable(member):
        return ''
    maker = getattr(getattr(member, '__init__', None), '__module__', None) if inspect.isclass(member) else None
    if maker and maker.startswith('mm') and not maker.startswith('mmdepthcp'):
        return f"(as {maker.partition('.')[0]}'s)"
    words = []
    for argument in inspect.signature(member).parameters.values():
        star = {argument.VAR_POSITIONAL: '*', argument.VAR_KEYWORD: '**'}.get(argument.kind, '')
        plain = isinstance(argument.default, (int, float, str, bool, tuple, type(None)))
        default = f'={argument.default!r}' if plain else '' if argument.default is argument.empty else '=...'
        words.append(star + argument.name + default)
    return f'({", ".join(words)})'


def _public(module: ModuleType, own: str) -> Iterator[tuple[str, object]]:
    """Names of a module, those of ``__all__`` or those that were defined in ``own``."""
    for name in getattr(module, '__all__', None) or vars(module):
        member = getattr(module, name)
        if not name.startswith('_') and not inspect.ismodule(member) and getattr(
                member, '__module__', own).startswith(own):
            yield name, member


def inventory() -> list[str]:
    """A line for every public name and every registered type."""
    lines = [f'type {registry}: {kind.__name__}{arguments(kind)}' for registry, kind in registered_types()]
    for package in PACKAGES:
        found = _public(import_module(f'mmdepthcp.{package}'), 'mmdepthcp')
        lines += [f'{package}.{name}{arguments(member)}' for name, member in found]
    for package in BY_MODULES:
        for module in iter_modules(import_module(f'mmdepthcp.{package}').__path__):
            place = f'mmdepthcp.{package}.{module.name}'
            found = ((name, member) for name, member in _public(import_module(place), place) if callable(member))
            lines += [f'{package}.{module.name}.{name}{arguments(member)}' for name, member in found]
    lines += [f'{name}{arguments(member)}' for name, member in _public(import_module('mmdepthcp'), 'mmdepthcp')]
    return sorted(set(lines))


def test_what_is_listed_is_there():
    listed, found = set(INVENTORY.read_text().splitlines()), set(inventory())
    assert not listed - found, f'gone or changed; if that is meant, say so in CHANGELOG.md, then: {REMEDY}'
    assert not found - listed, f'new names; to list them: {REMEDY}'


if __name__ == '__main__':
    INVENTORY.write_text('\n'.join(inventory()) + '\n')
