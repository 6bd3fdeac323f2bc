"""Reading config files, one's own or those that come with the package, with settings overridden."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mmdepthcp.config.checks import check_keys, fit_workers
from mmdepthcp.config.overrides import Option, parse_options
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.resources import ROOT, find_shipped

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
        others = sorted(str(other.relative_to(ROOT)) for other in (ROOT / 'configs').rglob(file.name))
        raise InputError(f'{path}: no such config file' + (f'; there is {", ".join(others)}' if others else ''))
    try:
        with _without_import_noise():  # a config may import packages
            config = Config.fromfile(str(file))
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
