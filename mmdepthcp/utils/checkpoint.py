"""Checkpoints on their way into a model: read them, and make sure that they belong to it.

:func:`read_strictly` has MMEngine read them the same way, wherever it does.
"""

from __future__ import annotations

import difflib
import logging
import os
import pickle
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from mmdepthcp.utils.errors import InputError, notice

if TYPE_CHECKING:
    import torch

SHOWN = 5
WRAPPERS = ('module.', 'model.', 'net.', 'network.')
"""What models that were wrapped (by DDP, Lightning) put in front of all names."""
BRANCHES = ('encoder_q.', 'base_encoder.', 'online_encoder.', 'online_network.', 'teacher.', 'student.', 'encoder.')
"""Parts of pretrainings with several networks, the one to take first."""
PLACES = ('state_dict', 'model_state_dict', 'model_state', 'model', 'teacher', 'student', 'network', 'net', 'module',
          'encoder', 'backbone', 'weights', 'params', 'ema_state_dict', 'state_dict_ema', 'model_ema', 'ema')
"""Where weights lie in the files of others, the place to take first."""
COUNTER = '.num_batches_tracked'


def read_checkpoint(path: str | os.PathLike, map_location: Any = 'cpu') -> Mapping[str, Any]:
    """Read a checkpoint file with all that is in it, except what is code; no file can run any.

    Raises:
        InputError: the file is missing or corrupt, or holds more than data.
    """
    from mmdepthcp.utils.weight_files import NotPlain, read_weight_file

    if not Path(path).is_file():
        raise InputError(f'{path}: no such checkpoint file')
    try:
        with open(path, 'rb') as file:
            content = read_weight_file(file, map_location)
    except NotPlain as error:
        raise InputError(
            f'{path}: is not read, for it holds {error}, and such a file can run any code; take it from its makers '
            'with nothing but weights: torch.save(model.state_dict(), FILE)') from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, BadZipFile,
            AssertionError, MemoryError, RecursionError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f'{path}: not a readable checkpoint (corrupt, cut short or of another kind): {reason}') from error
    if not isinstance(content, Mapping):
        return {}
    if isinstance(content.get('meta'), dict):
        content['meta'].pop('config', None)  # by MMCV 1; MMEngine would execute it
    return content


def _is_own(content: Mapping[str, Any]) -> bool:
    """Whether a checkpoint was written by MMEngine or exported by this package, so that its names need no change."""
    meta = content.get('meta')
    return isinstance(meta, Mapping) and ('mmengine_version' in meta or 'mmdepthcp_version' in meta)


def _tensors(content: Any) -> dict[str, torch.Tensor]:
    import torch

    if not isinstance(content, Mapping):
        return {}
    return {name: value for name, value in content.items() if isinstance(name, str) and isinstance(value, torch.Tensor)}


def _find_weights(content: Mapping[str, Any], path: str | os.PathLike) -> Mapping[str, Any]:
    """The part of a checkpoint that holds the weights of the model.

    Raises:
        InputError: there is none, or there are several and none has a known name; the message shows what there is.
    """
    if _tensors(content.get('state_dict')):
        return content['state_dict']
    if 2 * len(_tensors(content)) >= max(1, len(content)):
        return content
    found: dict[str, Mapping[str, Any]] = {}
    for key, part in content.items():
        if isinstance(part, Mapping) and not str(key).startswith(('optim', 'scheduler', 'scaler')):
            inner = part if _tensors(part) else part.get('state_dict')
            if isinstance(inner, Mapping) and _tensors(inner):
                found[key] = inner
    chosen = next((key for key in PLACES if key in found), next(iter(found)) if len(found) == 1 else None)
    if chosen is None:
        what = 'holds no model weights' if not found else f'holds weights in several places ({", ".join(found)})'
        raise InputError(f'{path}: {what}; in the file: {_describe(content)}. Save those of the model alone: '
                         "torch.save({'state_dict': ...}, FILE)")
    others = [str(key) for key in found if key != chosen]
    notice(f'{path}: takes the weights under {chosen!r}' + (f', not those under {", ".join(others)}' if others else ''),
           logging.INFO)
    return found[chosen]


def _describe(content: Mapping[str, Any]) -> str:
    """What a file holds, in a few words."""
    words = []
    for key, value in content.items():
        size = f' of {len(value)}' if isinstance(value, (Mapping, list, tuple)) else ''
        words.append(f'{key} ({type(value).__name__.strip("_")}{size})')
    return name_some(words) or 'nothing'


def _all_under(wrapper: str, names: Iterable[str]) -> bool:
    """Whether all parts of a model lie under one; counters of the wrapper itself, without a dot, may stand beside."""
    parts = [name for name in names if '.' in name]
    return bool(parts) and all(name.startswith(wrapper) for name in parts)


def _plain_names(names: Iterable[str]) -> dict[str, str]:
    """Plain name → name of every tensor, without what wrappers put in front; of several networks, those of one."""
    names = list(names)
    left = [name.replace('_orig_mod.', '') for name in names]
    while wrapper := next((word for word in WRAPPERS if _all_under(word, left)), None):
        left = [name.removeprefix(wrapper) for name in left]
    branch = ''
    if not any(name.startswith('backbone.') for name in left):
        branch = next((word for word in BRANCHES if any(
            name.startswith((f'{word}layer1.', f'{word}blocks.', f'{word}backbone.')) for name in left)), '')
    return {rest.removeprefix(branch): name for name, rest in zip(names, left, strict=True) if rest.startswith(branch)}


def model_weights(content: Mapping[str, Any], path: str | os.PathLike) -> dict[str, torch.Tensor]:
    """The model weights in the content of a checkpoint file, under the names that the model itself gives them.

    Takes a runner's checkpoint (key ``state_dict``, which holds the averaged weights where MMEngine's EMA hook was at
    work), a bare state dict, and the files of others: weights under another key (``model``, ``teacher``), of wrapped
    models (``module.``, ``model.``, ``_orig_mod.``), and of one of several networks (``encoder_q.``).

    Raises:
        InputError: there are no weights, or in several places; the message shows what the file holds.
    """
    found = _find_weights(content, path)
    tensors = _tensors(found)
    if _is_own(content):
        return {name.removeprefix(WRAPPERS[0]): tensor for name, tensor in tensors.items()}
    return {plain: tensors[name] for plain, name in _plain_names(tensors).items()}


def read_state_dict(path: str | os.PathLike) -> dict[str, torch.Tensor]:
    """Read the model weights of a checkpoint file; see :func:`read_checkpoint` and :func:`model_weights`.

    Raises:
        InputError: the file is missing, corrupt, holds more than data, or no weights.
    """
    return model_weights(read_checkpoint(path), path)


def load_from_strict(filename: str, map_location: Any = None) -> Mapping[str, Any]:
    """Read a checkpoint for MMEngine: a file, or an address such as ``https://...`` or ``torchvision://resnet50``.

    Returns:
        What the file holds, with the weights under ``state_dict``; those of others under the names in the file as well
        as under the plain ones, so that a ``prefix`` may name either.

    Raises:
        InputError: see :func:`read_checkpoint` and :func:`model_weights`; or the address is unknown or out of reach.
    """
    path = _fetch(filename) if '://' in filename else os.path.expanduser(filename)
    content = read_checkpoint(path, map_location)
    weights = _find_weights(content, filename)
    if not _is_own(content):
        names = _plain_names(_tensors(weights))
        together = OrderedDict(weights, **{plain: weights[name] for plain, name in names.items()})
        together._metadata = getattr(weights, '_metadata', OrderedDict())  # type: ignore[attr-defined]
        content = dict(content if weights is not content else {}, state_dict=together)
    if filename.startswith('mmcls://'):
        backbone = {name.removeprefix('backbone.'): tensor for name, tensor in content['state_dict'].items()
                    if name.startswith('backbone.')}
        content = dict(state_dict=backbone)
    return content


def _fetch(address: str) -> str:
    """The local file of an address, downloaded if need be.

    Raises:
        InputError: it is unknown or out of reach.
    """
    from urllib.parse import urlparse

    import torch
    from mmengine.dist import get_rank, get_world_size
    from mmengine.runner import checkpoint as zoo

    scheme, _, name = address.partition('://')
    lists = {'torchvision': zoo.get_torchvision_models, 'modelzoo': zoo.get_torchvision_models,
             'open-mmlab': zoo.get_external_models, 'openmmlab': zoo.get_external_models, 'mmcls': zoo.get_mmcls_models}
    url = address
    if scheme in lists:
        names = lists[scheme]()
        name = zoo.get_deprecated_model_names().get(name, name) if 'mmlab' in scheme else name
        if name not in names:
            raise InputError(f'{address}: {scheme} has no weights of this name; near it: '
                             f'{", ".join(difflib.get_close_matches(name, names)) or "nothing"}')
        url = names[name]
    if not url.startswith(('http://', 'https://')):
        if scheme in lists:
            return os.path.join(zoo._get_mmengine_home(), url)
        raise InputError(f'{address}: weights are read from files, http:// and https://, {", ".join(lists)}; download '
                         'the file and name it')
    file = Path(torch.hub.get_dir(), 'checkpoints', os.path.basename(urlparse(url).path))
    try:
        if get_rank() == 0 and not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(file), progress=os.isatty(0))
    except OSError as error:
        raise InputError(
            f'{address}: cannot be downloaded ({getattr(error, "reason", error)}). Where there is no network, bring '
            f'{url} to {file}, or name the file in the place of the address; a config may say which environment '
            'variable does so') from None
    if get_world_size() > 1:
        torch.distributed.barrier()
    return str(file)


def read_strictly() -> None:
    """Have MMEngine read every checkpoint with :func:`load_from_strict`, whatever asks for it: a runner that resumes
    or loads, ``init_cfg``, an inferencer.
    """
    from mmengine.runner import CheckpointLoader

    CheckpointLoader.register_scheme(list(CheckpointLoader._schemes), load_from_strict, force=True)


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


def load_weights(model: torch.nn.Module, path: str | os.PathLike) -> None:
    """Fill a model with the weights of a checkpoint, all of it.

    Raises:
        InputError: the checkpoint is unusable, or of another model; see :func:`check_fit`.
    """
    state = read_state_dict(path)
    check_fit(model, state, path)
    model.load_state_dict(state, strict=False)


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
