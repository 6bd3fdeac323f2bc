"""Checkpoints on their way into a model: read them, and make sure that they belong to it."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from mmdepthcp.fileio import InputError

if TYPE_CHECKING:
    import torch

SHOWN = 5


def read_state_dict(path: str | os.PathLike) -> dict[str, torch.Tensor]:
    """Read the model weights of a checkpoint file on the CPU, without the prefix ``module.`` of wrapped models.

    Accepts a runner's checkpoint (key ``state_dict``) and a bare state dict.

    Raises:
        InputError: the file is missing, corrupt, or holds no weights.
    """
    import torch
    from mmengine.runner import CheckpointLoader

    if not Path(path).is_file():
        raise InputError(f'{path}: no such checkpoint file')
    try:
        content: Any = CheckpointLoader.load_checkpoint(str(path), map_location='cpu')
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, BadZipFile, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f'{path}: not a readable checkpoint (corrupt, cut short or of another kind): {reason}') from error
    state = content.get('state_dict', content) if isinstance(content, Mapping) else None
    tensors = {
        str(name).removeprefix('module.'): tensor
        for name, tensor in (state or {}).items() if isinstance(tensor, torch.Tensor)}
    if not tensors:
        raise InputError(f'{path}: holds no model weights')
    return tensors


def check_fit(model: torch.nn.Module, state: Mapping[str, torch.Tensor], path: str | os.PathLike) -> None:
    """Make sure that ``state``, read from ``path``, fills every parameter and buffer of ``model``.

    Entries that the model does not have are allowed.

    Raises:
        InputError: a tensor is missing or has another shape; the message counts them and shows the first ones.
    """
    wanted = model.state_dict()
    missing = [name for name in wanted if name not in state]
    other_shape = [
        f'{name} {tuple(state[name].shape)} instead of {tuple(tensor.shape)}'
        for name, tensor in wanted.items() if name in state and state[name].shape != tensor.shape]
    if not missing and not other_shape:
        return
    fits = len(wanted) - len(missing) - len(other_shape)
    parts = [f'{path}: a checkpoint of another model: {fits} of {len(wanted)} tensors of {type(model).__name__} fit']
    for what, names in (('missing', missing), ('of another shape', other_shape)):
        if names:
            more = f' and {len(names) - SHOWN} more' if len(names) > SHOWN else ''
            parts.append(f'{what}: {", ".join(names[:SHOWN])}{more}')
    raise InputError('; '.join(parts) + '; use the config that it was trained with')
