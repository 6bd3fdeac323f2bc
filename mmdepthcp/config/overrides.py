"""Settings of a config that are overridden: read from words of the command line, or handed over as data."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import read_json

Option = str | tuple[str, Any]
"""``KEY=VALUE``, whose value has yet to be read, or a key and its value."""

BRACKETS = {'(': ')', '[': ']'}
QUOTES = '\'"'


class ReadOptions(argparse.Action):
    """Take the settings of a JSON file ``{KEY: VALUE, ...}`` among those of ``--cfg-options``, as they are."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
                 option_string: str | None = None) -> None:
        try:
            found = read_json(values)
        except InputError as error:
            parser.error(f'{option_string} {error}')
        if not isinstance(found, dict):
            parser.error(f'{option_string} {values}: holds no settings, which are written {{"KEY": VALUE, ...}}')
        setattr(namespace, self.dest, [*getattr(namespace, self.dest), *found.items()])


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--cfg-options KEY=VALUE ...`` and ``--cfg-options-file FILE.json``; both fill ``cfg_options``, for
    :func:`mmdepthcp.config.loading.load_config`.
    """
    parser.add_argument(
        '--cfg-options', nargs='+', action='extend', metavar='KEY=VALUE', default=[],
        help='override settings of the config: nested keys with dots, lists as key="[a,b]" or key=a,b; where the '
             'config has a text, the value is taken as it is')
    parser.add_argument(
        '--cfg-options-file', action=ReadOptions, dest='cfg_options', default=argparse.SUPPRESS, metavar='FILE.json',
        help='the same from a file, {"key": value, ...}')


def parse_options(options: Iterable[Option], config: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """``['a.b=1', 'c=[1,2]', ('d', 'x')]`` → ``{'a.b': 1, 'c': [1, 2], 'd': 'x'}``.

    Args:
        options: the options.
        config: what they are for. Where it has a text, so has the option: ``img_path=2011_09_26`` is no number there,
            nor is ``work_dir=a, b`` a list. ``None`` and what stands in brackets are read all the same.

    Raises:
        InputError: an option is not KEY=VALUE.
    """
    parsed = {}
    for option in options:
        if isinstance(option, str):
            key, equals, text = option.partition('=')
            if not equals or not key:
                raise InputError(f'--cfg-options {option}: an option is written KEY=VALUE')
            parsed[key] = _unquoted(text) if isinstance(_value_at(config, key), str) and _is_plain(text) \
                else parse_value(text)
        else:
            parsed[option[0]] = option[1]
    return parsed


def _value_at(config: Any, key: str) -> Any:
    for part in key.split('.'):
        if isinstance(config, Mapping):
            config = config.get(part)
        elif isinstance(config, Sequence) and part.isdigit() and int(part) < len(config):
            config = config[int(part)]
        else:
            return None
    return config


def _is_plain(text: str) -> bool:
    return text != 'None' and BRACKETS.get(text[:1]) != text[-1:]


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in QUOTES else text


def parse_value(text: str) -> Any:
    """The value that a text stands for: a number, True, False, None, a list or tuple of such, else the text itself.

    As MMEngine reads it, except that blanks inside of a text stay, that ``2011_09_26`` is a text, and that quotes keep
    commas from making a list: ``"a,b"``.
    """
    inner = _unquoted(text)
    if inner != text:
        return inner if _is_plain(inner) else parse_value(inner)
    text = text.strip()
    bracketed = not _is_plain(text) and text != 'None'
    elements = _split(text[1:-1] if bracketed else text)
    if bracketed or len(elements) > 1:
        values = [parse_value(element) for element in (elements if elements[-1].strip() else elements[:-1])]
        return tuple(values) if text.startswith('(') and bracketed else values
    for kind in (int, float):
        try:
            return text if '_' in text else kind(text)
        except ValueError:
            continue
    return {'true': True, 'false': False}.get(text.lower(), None if text == 'None' else text)


def _split(text: str) -> list[str]:
    """Parts between the commas that stand in no brackets and no quotes; one part where brackets do not match."""
    parts, start, closing, quote = [], 0, [], ''
    for place, char in enumerate(text):
        if quote:
            quote = '' if char == quote else quote
        elif char in QUOTES and not text[start:place].strip(' ([') and text.find(char, place + 1) > 0:
            quote = char
        elif char in BRACKETS:
            closing.append(BRACKETS[char])
        elif closing and char == closing[-1]:
            closing.pop()
        elif char == ',' and not closing:
            parts.append(text[start:place])
            start = place + 1
    return [text] if closing else [*parts, text[start:]]
