"""What other code may rely on: names, arguments and registered types, as listed in public_api.txt.

What is gone or changed there is a change for users: it belongs into CHANGELOG.md. To write the list anew:

    python tests/test_public_api.py
"""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

INVENTORY = Path(__file__).with_name('public_api.txt')
PACKAGES = (
    'apis', 'evaluation.functional', 'evaluation.metrics', 'geometry', 'grouping', 'mixing', 'models',
    'models.backbones', 'models.depth', 'models.heads', 'models.losses', 'models.probes', 'models.segmentors',
    'models.selfsup', 'views')
REGISTRIES = ('DATASETS', 'DATA_SAMPLERS', 'HOOKS', 'METRICS', 'MODELS', 'MODEL_WRAPPERS', 'TRANSFORMS', 'VISBACKENDS')


def arguments(member: object) -> str:
    """Names and defaults, without types; nothing for what is not called."""
    if not callable(member):
        return ''
    words = []
    for argument in inspect.signature(member).parameters.values():
        star = {argument.VAR_POSITIONAL: '*', argument.VAR_KEYWORD: '**'}.get(argument.kind, '')
        plain = isinstance(argument.default, (int, float, str, bool, tuple, type(None)))
        default = f'={argument.default!r}' if plain else '' if argument.default is argument.empty else '=...'
        words.append(star + argument.name + default)
    return f'({", ".join(words)})'


def _is_ours(kind: type) -> bool:
    """Types of objects are left out: they are registered by the configs that use them, for they need mmdet."""
    return kind.__module__.startswith('mmdepthcp.') and not kind.__module__.endswith('.instances')


def inventory() -> list[str]:
    """A line for every public name and every registered type."""
    lines = []
    for package in PACKAGES:
        module = import_module(f'mmdepthcp.{package}')
        names = getattr(module, '__all__', None) or [
            name for name, member in vars(module).items()
            if not name.startswith('_') and not inspect.ismodule(member) and
            getattr(member, '__module__', 'mmdepthcp').startswith('mmdepthcp')]
        lines += [f'{package}.{name}{arguments(getattr(module, name))}' for name in names]
    from mmdepthcp import registry
    from mmdepthcp.cli.tools import register_modules

    register_modules()
    for name in REGISTRIES:
        types = getattr(registry, name).module_dict
        lines += [f'type {name}: {kind}' for kind, member in types.items() if _is_ours(member)]
    return sorted(set(lines))


def test_what_is_listed_is_there():
    listed, found = set(INVENTORY.read_text().splitlines()), set(inventory())
    assert not listed - found, 'gone or changed; if that is meant, say so in CHANGELOG.md and write the list anew'


if __name__ == '__main__':
    INVENTORY.write_text('\n'.join(inventory()) + '\n')
