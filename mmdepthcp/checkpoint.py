"""Checkpoints on their way into a model: read them, and make sure that they belong to it."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from mmdepthcp.fileio import InputError

if TYPE_CHECKING:
    import torch

SHOWN = 5
WRAPPER = 'module.'
COUNTER = '.num_batches_tracked'


def read_checkpoint(path: str | os.PathLike) -> Mapping[str, Any]:
    """Read a checkpoint file on the CPU, with all that is in it.

    Raises:
        InputError: the file is missing or corrupt.
    """
    from mmengine.runner import CheckpointLoader

    if not Path(path).is_file():
        raise InputError(f'{path}: no such checkpoint file')
    try:
        content: Any = CheckpointLoader.load_checkpoint(str(path), map_location='cpu', logger='silent')
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, BadZipFile, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f'{path}: not a readable checkpoint (corrupt, cut short or of another kind): {reason}') from error
    return content if isinstance(content, Mapping) else {}


def model_weights(content: Mapping[str, Any], path: str | os.PathLike) -> dict[str, torch.Tensor]:
    """The model weights in the content of a checkpoint file, without the prefix ``module.`` of wrapped models.

    Takes a runner's checkpoint (key ``state_dict``, which holds the averaged weights where MMEngine's EMA hook was at
    work) and a bare state dict.

    Raises:
        InputError: there are no weights.
    """
    import torch

    tensors = {}
    for name, tensor in (content.get('state_dict', content) or {}).items():
        if isinstance(tensor, torch.Tensor):
            while name.startswith(WRAPPER):
                name = name.removeprefix(WRAPPER)
            tensors[name] = tensor
    if not tensors:
        raise InputError(f'{path}: holds no model weights')
    return tensors


def read_state_dict(path: str | os.PathLike) -> dict[str, torch.Tensor]:
    """Read the model weights of a checkpoint file; see :func:`read_checkpoint` and :func:`model_weights`.

    Raises:
        InputError: the file is missing, corrupt, or holds no weights.
    """
    return model_weights(read_checkpoint(path), path)


@dataclass(frozen=True)
class Fit:
    """How the tensors of a checkpoint fit those that a model has.

    Attributes:
        matched: names in both, with one shape.
        missing: names that the checkpoint does not have.
        other_shape: names in both whose shapes differ, with the two shapes.
        unexpected: names that the model does not have.
    """

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    other_shape: tuple[str, ...]
    unexpected: tuple[str, ...]

    @property
    def wanted(self) -> int:
        """How many tensors the model has."""
        return len(self.matched) + len(self.missing) + len(self.other_shape)

    @property
    def share(self) -> float:
        """Share of the model's tensors that match, 0..1."""
        return len(self.matched) / self.wanted if self.wanted else 1.

    def faults(self) -> str:
        """What is missing and of another shape, the first names of each; empty when everything matches."""
        return '; '.join(
            f'{what}: {name_some(names)}'
            for what, names in (('missing', self.missing), ('of another shape', self.other_shape)) if names)


def name_some(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    names = list(names)
    more = f' and {len(names) - SHOWN} more' if len(names) > SHOWN else ''
    return f'{", ".join(names[:SHOWN])}{more}'


def compare_weights(wanted: Mapping[str, torch.Tensor], state: Mapping[str, torch.Tensor]) -> Fit:
    """Compare names and shapes of a checkpoint's weights ``state`` with those ``wanted`` by a model.

    The counters of batch normalisation are not asked of a checkpoint that has none, as files of old PyTorch versions.
    """
    if not any(name.endswith(COUNTER) for name in state):
        wanted = {name: tensor for name, tensor in wanted.items() if not name.endswith(COUNTER)}
    common = [name for name in wanted if name in state]
    return Fit(
        matched=tuple(name for name in common if state[name].shape == wanted[name].shape),
        missing=tuple(name for name in wanted if name not in state),
        other_shape=tuple(
            f'{name} {tuple(state[name].shape)} instead of {tuple(wanted[name].shape)}'
            for name in common if state[name].shape != wanted[name].shape),
        unexpected=tuple(name for name in state if name not in wanted))


def check_fit(model: torch.nn.Module, state: Mapping[str, torch.Tensor], path: str | os.PathLike) -> None:
    """Make sure that ``state``, read from ``path``, fills every parameter and buffer of ``model``.

    Entries that the model does not have are allowed.

    Raises:
        InputError: a tensor is missing or has another shape; the message counts them and shows the first ones.
    """
    fit = compare_weights(model.state_dict(), state)
    if faults := fit.faults():
        raise InputError(
            f'{path}: a checkpoint of another model: {len(fit.matched)} of {fit.wanted} tensors of '
            f'{type(model).__name__} fit; {faults}; use the config that it was trained with')
