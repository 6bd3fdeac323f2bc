"""The text of a config that lies in a checkpoint, read as data: MMEngine would execute it."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mmdepthcp.utils.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config

NUMBERS = {'inf': float('inf'), 'nan': float('nan')}
"""Numbers that Python prints as names."""
SUMS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
LONGEST_LIST = 10_000


def read_config_text(text: str, where: str) -> dict[str, Any]:
    """The settings in a config's text: assignments of numbers, texts, lists, tuples, sets and dicts, and sums of
    numbers.

    Args:
        text: as ``Config.pretty_text`` writes it.
        where: what it is, for messages.

    Raises:
        InputError: there is something else in it.
    """
    settings: dict[str, Any] = {}
    try:
        for statement in ast.parse(text).body:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue
            if not isinstance(statement, ast.Assign) or not all(isinstance(to, ast.Name) for to in statement.targets):
                raise _NoData(statement)
            value = _value(statement.value, settings)
            settings.update({to.id: value for to in statement.targets if isinstance(to, ast.Name)})
    except _NoData as error:
        raise InputError(f'{where}: line {error.line} of the config in it is more than data; name the config file '
                         'instead') from None
    except (SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError) as error:
        raise InputError(f'{where}: the config in it cannot be read ({error}); name the config file instead') from None
    return settings


class _NoData(Exception):
    def __init__(self, node: ast.AST) -> None:
        super().__init__()
        self.line = getattr(node, 'lineno', 0)


def _value(node: ast.expr, known: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name) and (node.id in known or node.id in NUMBERS):
        return known.get(node.id, NUMBERS.get(node.id))
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        kind = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
        return kind(_value(child, known) for child in node.elts)
    if isinstance(node, ast.Dict):
        return dict(_pairs(zip(node.keys, node.values, strict=True), known, node))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict':
        keywords = [(word.arg and ast.Constant(word.arg), word.value) for word in node.keywords]
        return dict(_pairs([*((None, child) for child in node.args), *keywords], known, node))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _value(node.operand, known)
        if isinstance(number, (int, float)):
            return -number
    if isinstance(node, ast.BinOp) and type(node.op) in SUMS:
        left, right = _value(node.left, known), _value(node.right, known)
        lengths = [len(side) for side in (left, right) if isinstance(side, (list, tuple))]
        both_numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
        if both_numbers or (lengths and isinstance(right, int) and lengths[0] * right <= LONGEST_LIST):
            return SUMS[type(node.op)](left, right)
    raise _NoData(node)


def _pairs(pairs: Any, known: Mapping[str, Any], node: ast.expr) -> Iterator[tuple[Any, Any]]:
    """Keys and values of a dict; a key of None has a dict whose entries belong to it."""
    for key, value in pairs:
        found = _value(value, known)
        if key is not None:
            yield _value(key, known), found
        elif isinstance(found, Mapping):
            yield from found.items()
        else:
            raise _NoData(node)


def config_in_checkpoint(text: str, where: str) -> Config:
    """The config in a checkpoint, to build a model from.

    MMEngine imports and calls whatever Python path a ``type`` names; here it may only be the name of something that is
    registered.

    Raises:
        InputError: the text is more than data, or names an unknown type.
    """
    from mmengine.config import Config

    settings = read_config_text(text, where)
    settings.pop('custom_imports', None)
    registered = registered_names()
    for name in _types(settings):
        if name not in registered:
            raise InputError(f'{where}: the config in it names the type {name}, which is not known here; if it is your '
                             'own, name the config file instead, which imports it')
    try:
        return Config(settings)
    except KeyError as error:
        raise InputError(f'{where}: the config in it cannot be used: {error}; name the config file instead') from None


def _types(node: Any) -> Iterator[str]:
    """The name in every ``type`` of a config that is data."""
    if isinstance(node, Mapping):
        if isinstance(node.get('type'), str):
            yield node['type']
        node = list(node.values())
    if isinstance(node, Sequence) and not isinstance(node, str):
        for child in node:
            yield from _types(child)


def registered_names() -> set[str]:
    """Every name that a ``type`` may have: ``SemanticFPN``, ``mmseg.SemanticFPN``."""
    from mmengine import registry

    names = set()
    pending = [value for value in vars(registry).values() if isinstance(value, registry.Registry)]
    while pending:
        found = pending.pop()
        for key in found.module_dict:
            names |= {key, f'{found.scope}.{key}'}
        pending += found.children.values()
    return names
