"""From what configs declare to stages.

A config declares its stages as ``pipeline = [dict(name=..., tool='tools/x.py', args=[...], outputs=[...]), ...]``, or,
for a training, ``dict(name=..., config=..., options=[...])``, whose last checkpoint ``{name}`` stands for from then on.
In these texts ``{work_dir}``, ``{config}``, ``{seed}`` and the names in the config's ``stage_values`` are replaced
(in ``prepare`` of a table, which all its rows and seeds share, there is no config and no seed). A stage builds on all
earlier ones, or only on those that it ``needs``; ``reports`` says what the summary takes from its scores,
``{'unsup.miou': 'mIoU'}``. With ``processes=N`` torchrun starts it N times, on a GPU each; a training then scales its
learning rate by the size of the common batch.

Settings after ``--cfg-options`` that hold a path are handed over in a file
(``<work_dir>/pipeline/options/<name>.json``): nothing in the name of a folder is taken for a list or a number.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from string import Formatter
from typing import TYPE_CHECKING, Any

from mmdepthcp.config.loading import STAGE_KEYS, load_config, override_settings
from mmdepthcp.config.overrides import parse_value
from mmdepthcp.experiments.stages import OPTIONS, Stage
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.resources import find_shipped

if TYPE_CHECKING:
    from mmengine.config import Config

KEYS = {'name', 'tool', 'args', 'outputs', 'config', 'options', 'needs', 'reports', 'processes'}


def config_digest(path: str | os.PathLike) -> str:
    """A digest of the settings in a config file, without its stages."""
    config = load_config(path)
    for key in STAGE_KEYS:
        config.pop(key, None)
    return hashlib.sha256(repr(config.to_dict()).encode()).hexdigest()[:16]


def fill(text: Any, values: Mapping[str, Any], where: str) -> str:
    """A text with values for its placeholders.

    Raises:
        InputError: there is no such placeholder; the message begins with ``where``.
    """
    try:
        return str(text).format_map(values)
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        raise InputError(f'{where}: only {", ".join(values)} may stand in braces, not {error}') from None


def _holds_path(text: str, values: Mapping[str, Any]) -> bool:
    return any(isinstance(values.get(name or ''), str) for _, name, _, _ in Formatter().parse(text))


def fill_args(args: Iterable[Any], values: Mapping[str, Any], where: str) -> tuple[list[str], dict[str, str]]:
    """Arguments of a tool with values for their placeholders.

    Args:
        args: the arguments; settings of a config follow on ``--cfg-options``.
        values: what stands for the placeholders; texts are paths; a list takes the place of an argument that is
            nothing but its placeholder.
        where: see :func:`fill`.

    Returns:
        The words; and of those of the settings that hold a path, the value in JSON. There the path is a text, whatever
        its characters.

    Raises:
        InputError: see :func:`fill`.
    """
    words: list[str] = []
    data, among_options = {}, False
    for arg in map(str, args):
        among = values.get(arg[1:-1]) if arg[:1] + arg[-1:] == '{}' else None
        if isinstance(among, (list, tuple)):
            words += [fill(word, values, where) for word in among]
            continue
        words.append(fill(arg, values, where))
        among_options = arg == OPTIONS or (among_options and not arg.startswith('--'))
        if among_options and '=' in arg and _holds_path(arg.partition('=')[2], values):
            data[words[-1]] = json.dumps(_filled_value(parse_value(arg.partition('=')[2]), values, where))
    return words, data


def _filled_value(value: Any, values: Mapping[str, Any], where: str) -> Any:
    if isinstance(value, (list, tuple)):
        return [_filled_value(item, values, where) for item in value]
    if not isinstance(value, str):
        return value
    filled = fill(value, values, where)
    return filled if _holds_path(value, values) else parse_value(filled)


def final_checkpoint(config: Config) -> str:
    """Name of the checkpoint at the end of a training."""
    settings = config.train_cfg
    if 'max_epochs' in settings:
        return f'epoch_{settings.max_epochs}.pth'
    return f'iter_{settings.max_iters}.pth'


class StageBuilder:
    """Builds stages; what stands in braces is replaced by its ``values``.

    Args:
        source: the config file that declares them.
        values: what stands for placeholders, see :func:`fill_args`; trainings that are read add their checkpoints.
        shorten: settings that make a training of a config short, for a trial run.
    """

    def __init__(self, source: str, values: Mapping[str, Any],
                 shorten: Callable[[Config], list[str]] = lambda config: []) -> None:
        self.source = source
        self.values = dict(values)
        self.shorten = shorten
        self._configs: dict[str, Config] = {}
        self._digests: dict[str, str] = {}

    def config(self, path: str, options: Sequence[str] = ()) -> Config:
        """A config with settings overridden, in which placeholders may stand."""
        if path not in self._configs:
            self._configs[path] = load_config(path)
        config = copy.deepcopy(self._configs[path])
        override_settings(config, options, path)
        return config

    def _digest(self, path: str) -> str:
        if path not in self._digests:
            self._digests[path] = config_digest(path)
        return self._digests[path]

    def command(self, name: str, command: Sequence[str], outputs: Iterable[str], needs: Iterable[Stage], where: str,
                reports: Mapping[str, str] | None = None, processes: int = 1, **values: Any) -> Stage:
        """A stage that runs a tool.

        Args:
            name: see :class:`Stage`.
            command: the tool and its arguments.
            outputs, needs, reports, processes: see :class:`Stage`.
            where: where it is declared, for messages.
            values: placeholders beside those of the builder.

        Raises:
            InputError: a placeholder is unknown, or the tool does not exist.
        """
        values = {**self.values, **values}
        tool, *words = command
        if not find_shipped(tool).is_file():
            raise InputError(f'{where}: {tool}: no such tool')
        args, data = fill_args(words, values, where)
        settings = [self._digest(arg) for arg in args if arg.endswith('.py') and find_shipped(arg).is_file()]
        return Stage(name, (tool, *args), tuple(fill(output, values, where) for output in outputs),
                     ' '.join(settings), frozenset(needs), tuple(data.items()), tuple((reports or {}).items()),
                     processes)

    def training(self, name: str, path: str, options: Iterable[str], folder: str, needs: Iterable[Stage], where: str,
                 reports: Mapping[str, str] | None = None, processes: int = 1, **values: Any) -> Stage:
        """A stage that trains the model of a config; its output is the last checkpoint.

        Args:
            name, needs, where, reports, processes, values: see :meth:`command`.
            path: the config; placeholders may stand in it.
            options: settings changed in it.
            folder: its work dir.
        """
        file = fill(path, {**self.values, **values}, where)
        options = list(options)
        options += self.shorten(self.config(file, options))
        output = f'{folder}/{final_checkpoint(self.config(file, options))}'
        together = ['--launcher', 'pytorch', '--auto-scale-lr'] if processes > 1 else []
        command = ['tools/train.py', path, '--work-dir', folder, *together, *([OPTIONS, *options] if options else [])]
        return self.command(name, command, [output], needs, where, reports, processes, **values)

    def read(self, declared: Iterable[Mapping[str, Any]], what: str) -> list[Stage]:
        """The stages of a list.

        Args:
            declared: the list, see the module.
            what: what it is called, for messages.

        Raises:
            InputError: a stage lacks a key, has an unknown one, or names a tool, an earlier stage or a placeholder
                that does not exist; two stages share a name.
        """
        stages: dict[str, Stage] = {}
        for number, entry in enumerate(declared, 1):
            where = f'{self.source}: stage {number} of {what}'
            name, unknown = entry.get('name'), sorted(set(entry) - KEYS)
            if name is None or ('tool' in entry) == ('config' in entry) or unknown:
                raise InputError(f'{where}: needs a name, and a tool with args and outputs or a config with options'
                                 + (f', not {", ".join(unknown)}' if unknown else ''))
            if name in stages:
                raise InputError(f'{where}: the name {name!r} is taken by an earlier stage')
            direct = entry.get('needs', stages)
            if absent := [need for need in direct if need not in stages]:
                raise InputError(f'{where}: needs {", ".join(absent)}, which is no earlier stage')
            needs = [stages[need] for need in direct]
            more = (entry.get('reports'), entry.get('processes', 1))
            if 'config' in entry:
                stages[name] = self.training(name, entry['config'], entry.get('options', ()), f'{{work_dir}}/{name}',
                                             needs, where, *more)
                self.values[name] = stages[name].outputs[0]
            else:
                stages[name] = self.command(name, [entry['tool'], *entry.get('args', ())], entry.get('outputs', ()),
                                            needs, where, *more)
        return list(stages.values())


def read_stages(config: Config, path: str, work_dir: str) -> list[Stage]:
    """The stages that a config declares as its ``pipeline``.

    Args:
        config: the config.
        path: its file, for the stages to read as ``{config}``.
        work_dir: the experiment's folder.

    Raises:
        InputError: it declares none, or see :meth:`StageBuilder.read`.
    """
    if not config.get('pipeline'):
        raise InputError(f'{path}: declares no stages; add pipeline = [dict(name=..., tool=..., args=[...]), ...]')
    values: dict[str, Any] = {
        'work_dir': work_dir, 'config': path, 'seed': (config.get('randomness') or {}).get('seed') or 0}
    return StageBuilder(path, {**values, **config.get('stage_values', {})}).read(
        config['pipeline'], 'the pipeline')
