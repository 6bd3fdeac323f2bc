"""Going on with a training: from which checkpoint, whether it can, and what is not needed for it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmdepthcp.utils.checkpoint import read_checkpoint
from mmdepthcp.utils.errors import InputError, notice
from mmdepthcp.utils.fileio import read_text

STEPS = re.compile(r'(?:epoch|iter)_(\d+)\.pth')
PROGRESS = ('state_dict', 'optimizer', 'message_hub')
"""What a training needs to go on, beside the numbers of epoch and iteration in ``meta``."""


def latest_checkpoint(work_dir: str | os.PathLike) -> str | None:
    """The checkpoint that a training in this folder can go on from, None if it has not written any.

    It is the one that ``last_checkpoint`` names, in this folder if the folder was moved; where that file is empty or
    names one that is gone or damaged, the last one in the folder that is complete.

    Raises:
        InputError: there are checkpoints, but none can be read.
    """
    folder = Path(work_dir)
    found = sorted(
        (file for file in folder.glob('*.pth') if STEPS.fullmatch(file.name)),
        key=lambda file: int(STEPS.fullmatch(file.name)[1]), reverse=True)  # type: ignore[index]
    named = folder / 'last_checkpoint'
    last = read_text(named).strip() if named.is_file() else ''
    if last:
        here = folder / Path(last).name
        found = list(dict.fromkeys([Path(last) if Path(last).is_file() or not here.is_file() else here, *found]))
    faults: list[str] = []
    for file in found:
        try:
            check_resumable(read_checkpoint(file), file)
        except InputError as error:
            faults.append(str(error))
            continue
        if faults or not last:
            notice(f'goes on from {file}; ' + ('; '.join(faults) or f'{named} is missing or empty'))
        return str(file)
    if faults:
        raise InputError(f'{work_dir}: no checkpoint there can be gone on from: {"; ".join(faults)}. Name another work '
                         'dir, or leave out --resume to begin anew')
    return None


def check_resumable(content: Mapping[str, Any], path: str | os.PathLike) -> None:
    """Make sure that a training can go on from the content of a checkpoint.

    Raises:
        InputError: it holds weights alone, or was not written by a training of MMEngine.
    """
    meta = content.get('meta')
    missing = [key for key in PROGRESS if not isinstance(content.get(key), Mapping)]
    missing += [f'meta.{key}' for key in ('epoch', 'iter')
                if not isinstance(meta, Mapping) or not isinstance(meta.get(key), int)]
    if missing:
        raise InputError(f'{path}: no training can go on from it, for it has no {", ".join(missing)}; to start from '
                         f'its weights, leave out --resume and add --cfg-options load_from={path}')


def go_on_from(config: Any, checkpoint: str | None) -> None:
    """Have a training go on from a checkpoint, by its config, which is changed in place; None: it begins.

    Raises:
        InputError: no training can go on from the file.
    """
    config.load_from, config.resume = checkpoint, checkpoint is not None
    if checkpoint is not None:
        check_resumable(read_checkpoint(checkpoint), checkpoint)
        forget_beginnings(config.model)
        config.custom_hooks = [*(config.get('custom_hooks') or []), dict(type='mmdepthcp.ResumeHook')]


def forget_beginnings(node: Any) -> None:
    """Take out of a model's config, in place, the files that its weights start from: they are in its checkpoint."""
    if isinstance(node, Mapping):
        for key, value in dict(node).items():
            if key == 'init_cfg':
                settings = [value] if isinstance(value, Mapping) else list(value or ())
                left = [setting for setting in settings if not _names_file(setting)]
                if len(left) < len(settings):
                    node[key] = left or None  # type: ignore[index]
            elif key == 'pretrained' and isinstance(value, str):
                node[key] = None  # type: ignore[index]
    for child in _children(node):
        forget_beginnings(child)


def _names_file(setting: Any) -> bool:
    kind = setting.get('type') if isinstance(setting, Mapping) else None
    return getattr(kind, '__name__', str(kind)).rpartition('.')[2] in ('Pretrained', 'PretrainedInit')


def _children(node: Any) -> Iterator[Any]:
    if isinstance(node, Mapping):
        yield from node.values()
    elif isinstance(node, (list, tuple)):
        yield from node
