"""Writing settings as the text of a config that people read and edit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WIDTH = 110
STEP = 4


class Code(str):
    """Text that stands in a config as it is, such as ``_base_.stages.depth``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Changed:
    """A dict of a config with some keys changed, ``dict(_base_.views, size=(96, 160))``.

    Attributes:
        base: how the dict is called.
        changes: its new values by key; where there are none, the dict stands as it is.
    """

    base: str
    changes: Mapping[str, Any] = field(default_factory=dict)


def setting(name: str, value: Any) -> str:
    """An assignment, ``name = value``, on as many lines as it takes.

    Args:
        name: of the setting.
        value: numbers, texts, None, lists, tuples, dicts, :class:`Code` and :class:`Changed`.

    Example:
        >>> print(setting('model', dict(depth=18, init_cfg=Code('start'))))
        model = dict(depth=18, init_cfg=start)
    """
    return f'{name} = {_laid_out(value, 0, len(name) + 3)}'


def _laid_out(value: Any, indent: int, used: int) -> str:
    flat = _flat(value)
    if used + len(flat) <= WIDTH or not isinstance(value, (Mapping, list, tuple, Changed)) or not value:
        return flat
    inner = indent + STEP
    space = '\n' + ' ' * inner
    if isinstance(value, (Mapping, Changed)):
        base, changes = ([value.base], value.changes) if isinstance(value, Changed) else ([], value)
        parts = base + [f'{key}={_laid_out(item, inner, inner + len(key) + 1)}' for key, item in changes.items()]
        return f'dict({space}{f",{space}".join(parts)})'
    begin, end = '[]' if isinstance(value, list) else '()'
    parts = [_laid_out(item, inner, inner) for item in value]
    return f'{begin}{space}{f",{space}".join(parts)},\n{" " * indent}{end}'


def _flat(value: Any) -> str:
    if isinstance(value, Changed):
        return f'dict({value.base}, {_flat(value.changes)[5:]}' if value.changes else value.base
    if isinstance(value, Mapping):
        return f'dict({", ".join(f"{key}={_flat(item)}" for key, item in value.items())})'
    if isinstance(value, list):
        return f'[{", ".join(map(_flat, value))}]'
    if isinstance(value, tuple):
        return f'({", ".join(map(_flat, value))}{"," * (len(value) == 1)})'
    return repr(value)
