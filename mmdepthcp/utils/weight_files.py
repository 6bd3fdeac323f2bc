"""Files of weights, read as data: nothing in them can run code.

A checkpoint of PyTorch is a pickle, and a pickle is a program that may call any function of Python. Here it may call
those that rebuild tensors, arrays and the records of a training, and nothing else.
"""

from __future__ import annotations

import json
import pickle
import re
import tarfile
from collections import defaultdict
from collections.abc import Mapping
from types import FunctionType, SimpleNamespace
from typing import Any, BinaryIO

import numpy as np
import torch

NATIVE_FROM = (2, 6)
"""From this version of PyTorch on ``weights_only=True`` holds what it promises (CVE-2025-32434)."""

LONGEST_HEADER = 100_000_000
SAFETENSORS_TYPES = dict(
    F64=torch.float64, F32=torch.float32, F16=torch.float16, BF16=torch.bfloat16, I64=torch.int64, I32=torch.int32,
    I16=torch.int16, I8=torch.int8, U8=torch.uint8, BOOL=torch.bool)


class NotPlain(Exception):
    """A file holds more than data; the message says what."""


class _Record(SimpleNamespace):
    """Stands for an object of which only the attributes are read, such as the arguments of a training."""

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, Mapping):
            self.__dict__.update(state)


class _Entries(dict):
    """Stands for a kind of dict; it keeps its entries and takes no attributes from a file."""

    def __setstate__(self, state: Any) -> None:
        """Leave out what the file holds beside the entries."""


def _path(*parts: str) -> str:
    return '/'.join(parts)


def _statistic(owner: Any, name: str) -> None:
    """Stands for ``getattr``, which names methods of a history of losses; those are never taken from a file."""


def _history() -> type:
    from mmengine.logging import HistoryBuffer

    class _History(HistoryBuffer):
        """A history of losses with nothing but its numbers."""

        def __setstate__(self, state: Any) -> None:
            numbers = [np.asarray(state[key]) for key in ('_log_history', '_count_history')]
            if any(values.dtype.kind not in 'biuf' or values.ndim != 1 for values in numbers):
                raise pickle.UnpicklingError('a history of losses that holds no numbers')
            self.__class__ = HistoryBuffer  # type: ignore[assignment]
            self.__init__(*numbers, max_length=int(state['max_length']))  # type: ignore[misc]

    return _History


def _bytes(text: str, encoding: str) -> bytes:
    """What Python's second protocol of pickle writes for bytes."""
    if not isinstance(text, str) or encoding != 'latin1':
        raise pickle.UnpicklingError(f'a call of _codecs.encode for {encoding}')
    return text.encode('latin1')


def _known() -> dict[str, Any]:
    """What a pickle may name beside tensors, and what stands for it."""
    core: Any = getattr(np, '_core', None)
    if not hasattr(core, 'multiarray'):
        core = np.core  # NumPy 1
    known: dict[str, Any] = {
        'mmengine.logging.history_buffer.HistoryBuffer': _history(),
        'builtins.getattr': _statistic, '__builtin__.getattr': _statistic,
        'builtins.slice': slice, '__builtin__.slice': slice,
        '__builtin__.set': set, '__builtin__.complex': complex, '__builtin__.bytearray': bytearray,
        'builtins.dict': dict, '__builtin__.dict': dict, 'builtins.list': list, '__builtin__.list': list,
        'builtins.frozenset': frozenset, '__builtin__.frozenset': frozenset,
        'collections.defaultdict': defaultdict,
        'argparse.Namespace': _Record, 'types.SimpleNamespace': _Record,
        'torch.torch_version.TorchVersion': str, '_codecs.encode': _bytes,
        'numpy.ndarray': np.ndarray, 'numpy.dtype': np.dtype,
    }
    for package in ('numpy.core', 'numpy._core'):
        known[f'{package}.multiarray._reconstruct'] = core.multiarray._reconstruct
        known[f'{package}.multiarray.scalar'] = core.multiarray.scalar
    for kind in '?bBhHiIlLqQefdFDSU':
        known[f'numpy.dtypes.{type(np.dtype(kind)).__name__}'] = type(np.dtype(kind))
    for name in ('PosixPath', 'WindowsPath', 'PurePosixPath', 'PureWindowsPath', 'Path'):
        known[f'pathlib.{name}'] = _path
        known[f'pathlib._local.{name}'] = _path
    for package in ('pytorch_lightning', 'lightning.pytorch'):
        known[f'{package}.utilities.parsing.AttributeDict'] = _Entries
    for package in ('lightning_fabric', 'lightning.fabric'):
        known[f'{package}.utilities.data.AttributeDict'] = _Entries
    return known


class _StrictPickle:
    """What ``torch.load`` takes for the module ``pickle``, in versions before :data:`NATIVE_FROM`."""

    __name__ = 'strict'

    def __init__(self, known: Mapping[str, Any]) -> None:
        from torch._weights_only_unpickler import _get_allowed_globals

        allowed = {**_get_allowed_globals(), **known}

        base: Any = getattr(pickle, '_Unpickler')  # noqa: B009  # the one in Python, whose steps can be met

        class Unpickler(base):
            dispatch = dict(base.dispatch)

            def find_class(self, module: str, name: str) -> Any:
                try:
                    return allowed[f'{module}.{name}']
                except KeyError:
                    raise pickle.UnpicklingError(f'GLOBAL {module}.{name} was not an allowed global') from None

            def load_build(self) -> None:
                if isinstance(self.stack[-2], (type, FunctionType)):
                    raise pickle.UnpicklingError(f'a state for {self.stack[-2].__qualname__}')
                super().load_build()

            dispatch[pickle.BUILD[0]] = load_build

        self.Unpickler = Unpickler

    def load(self, file: BinaryIO, **settings: Any) -> Any:
        return self.Unpickler(file, **settings).load()


def _is_native() -> bool:
    return tuple(int(part) for part in torch.__version__.split('.')[:2]) >= NATIVE_FROM


def read_weight_file(file: BinaryIO, map_location: Any = None) -> Any:
    """The content of an open file: of a checkpoint of PyTorch, old or new, or of a safetensors file.

    Args:
        file: opened for reading bytes.
        map_location: see ``torch.load``.

    Raises:
        NotPlain: there is more in it than data, or it is a program (TorchScript).
        Exception: whatever PyTorch raises when it cannot read the file.
    """
    size = file.seek(0, 2)
    file.seek(0)
    length = int.from_bytes(file.read(8), 'little')
    if 0 < length <= min(size - 8, LONGEST_HEADER) and file.read(1) == b'{':
        return _read_safetensors(file, length, map_location)
    file.seek(0)
    is_zip = file.read(4) == b'PK\x03\x04'
    file.seek(0)
    if is_zip and 'constants.pkl' in torch._C.PyTorchFileReader(file).get_all_records():
        raise NotPlain('a program (TorchScript)')
    file.seek(0)
    if not is_zip and tarfile.is_tarfile(file):
        raise NotPlain('an archive (tar) of PyTorch before 0.4')
    file.seek(0)
    known = _known()
    try:
        if _is_native():
            with torch.serialization.safe_globals([(value, name) for name, value in known.items()]):
                return torch.load(file, map_location, weights_only=True)
        return torch.load(file, map_location, pickle_module=_StrictPickle(known), weights_only=False)
    except pickle.UnpicklingError as error:
        raise _in_words(error) from None


def _in_words(error: pickle.UnpicklingError) -> Exception:
    """What was refused, or the error itself if nothing was."""
    message = str(error)
    found = re.search(r'GLOBAL (\S+) (?:was not an allowed|whose module)', message)
    if found:
        return NotPlain(f'objects of Python ({found[1]})')
    if re.search(r'reduce for|Can only (build|create)|a state for', message):
        return NotPlain('calls of Python functions')
    return error


def _read_safetensors(file: BinaryIO, length: int, map_location: Any) -> dict[str, Any]:
    file.seek(8)
    header = json.loads(file.read(length))
    content = bytearray(file.read())
    tensors = {}
    for name, entry in header.items():
        if name == '__metadata__':
            continue
        start, end = entry['data_offsets']
        dtype, shape = SAFETENSORS_TYPES[entry['dtype']], entry['shape']
        if not 0 <= start <= end <= len(content):
            raise ValueError(f'{name}: lies outside of the file')
        tensor = torch.frombuffer(content, dtype=dtype, offset=start, count=int(np.prod(shape, dtype=np.int64))) \
            if end > start else torch.empty(0, dtype=dtype)
        if (end - start) != tensor.nbytes:
            raise ValueError(f'{name}: has another size than its shape says')
        tensor = tensor.reshape(shape).clone()
        tensors[name] = tensor if map_location is None or callable(map_location) else tensor.to(map_location)
    return dict(state_dict=tensors)
