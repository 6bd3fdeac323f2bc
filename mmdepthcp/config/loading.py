"""Reading config files, one's own or those that come with the package, with settings overridden."""

from __future__ import annotations

import contextlib
import copy
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmdepthcp.config.checks import check_keys, fit_workers
from mmdepthcp.config.overrides import Option, parse_options
from mmdepthcp.config.text import config_in_checkpoint
from mmdepthcp.utils.errors import InputError, notice
from mmdepthcp.utils.moved import LAST
from mmdepthcp.utils.resources import ROOT, configs_below, find_shipped, moved_config

if TYPE_CHECKING:
    from mmengine.config import Config

STAGE_KEYS = ('stages', 'stage_values', 'pipeline', 'comparisons', 'from_depth', 'on_trunk', 'on_pairs', 'to_coco')
"""What a config says about its stages, all of ``configs/_base_/stages.py`` among it; it changes no training."""


@contextlib.contextmanager
def _without_import_noise() -> Iterator[None]:
    """Leave out of the standard output that OneDL, a cloud service, is not installed."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            yield
    finally:
        print(''.join(line for line in said.getvalue().splitlines(True) if 'OneDL' not in line), end='')


def _no_such_config(path: str | os.PathLike) -> InputError:
    shipped = configs_below(ROOT / 'configs' / Path(path).name)
    others = ', '.join(sorted({*map(_shown, configs_below(path)), *map(_shown, shipped)}))
    return InputError(f'{path}: no such config file' + (f'; there is {others}' if others else ''))


def _shown(file: Path) -> str:
    return str(file.relative_to(ROOT) if ROOT in file.parents else file)


def _tell_moved(old: str | os.PathLike, new: Path) -> None:
    notice(f'{old}: this config has moved to {_shown(new)}; {LAST}')


@contextlib.contextmanager
def _moved_bases() -> Iterator[None]:
    """Have MMEngine find those of a config's ``_base_`` that have moved since version 0.1.0."""
    from mmengine.config import Config

    find = Config._get_cfg_path

    def find_moved(path: str, config: str) -> tuple[str, str | None]:
        base, scope = find(path, config)
        if scope or os.path.isfile(base):
            return base, scope
        new = moved_config(base)
        if new is None:
            raise _no_such_config(os.path.normpath(base))
        _tell_moved(f'{config}: _base_ {path}', new)
        return str(new), None

    Config._get_cfg_path = staticmethod(find_moved)
    try:
        yield
    finally:
        Config._get_cfg_path = staticmethod(find)


def load_config(path: str | os.PathLike, options: Sequence[Option] = ()) -> Config:
    """Read a config file, one's own or one that comes with the package, and override settings in it.

    Raises:
        InputError: the file is missing or is not a config, or an option does not fit it.
    """
    from mmdepthcp.utils.requirements import require

    require('mmengine.config')
    from mmengine.config import Config

    file = find_shipped(path)
    if not file.is_file():
        raise _no_such_config(path)
    if file not in (Path(path), ROOT / path):
        _tell_moved(path, file)
    try:
        with _without_import_noise(), _moved_bases():  # a config may import packages
            config = Config.fromfile(str(file))
    except InputError as error:
        raise InputError(f'{path}: cannot be read as a config: {error}') from None
    except Exception as error:  # a config is a program
        raise InputError(f'{path}: cannot be read as a config: {type(error).__name__}: {error}') from error
    override_settings(config, options, path)
    check_keys(config, path)
    fit_workers(config)
    return config


def leave_out_stages(config: Config) -> None:
    """Take out of a config what a single training or test does not need of ``configs/_base_/stages.py``: MMEngine
    formats all of a config several times as it starts, which takes seconds for so many words.
    """
    for key in STAGE_KEYS if 'stages' in config else ():
        config.pop(key, None)


def override_settings(config: Config, options: Sequence[Option], path: str | os.PathLike) -> None:
    """Override settings of a config in place.

    Raises:
        InputError: an option is not KEY=VALUE, or does not fit the config, which is called ``path``.
    """
    overrides = parse_options(options, config.to_dict() if options else None)
    try:
        config.merge_from_dict(overrides)
    except (TypeError, KeyError, IndexError, AssertionError) as error:
        words = ' '.join(option if isinstance(option, str) else f'{option[0]}={option[1]}' for option in options)
        raise InputError(f'{path}: --cfg-options {words} does not fit the config: {error}') from error


def config_of(content: Mapping[str, Any], checkpoint: str | os.PathLike,
              config: str | os.PathLike | Config | None = None) -> Config:
    """The config of a trained model.

    Args:
        content: what the checkpoint holds.
        checkpoint: its file.
        config: the config or its file; by default the one in the checkpoint.

    Raises:
        InputError: there is none, or it cannot be used.
    """
    from mmengine.config import Config

    if isinstance(config, Config):
        return copy.deepcopy(config)
    if config is not None:
        return load_config(config)
    meta = content.get('meta')
    text = meta.get('cfg') if isinstance(meta, Mapping) else None
    if not isinstance(text, str):
        raise InputError(f'{checkpoint}: holds no config, as an exported file does not; take the checkpoint of the '
                         'training, or name its config')
    return config_in_checkpoint(text, str(checkpoint))
