"""What went wrong, in words for the user: what cannot be used, where it stands, what to do."""

from __future__ import annotations

import difflib
import errno
import inspect
import re
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.trees import WorkerKilled

REMEDIES = {
    errno.EACCES: 'may not be read or written; change its permissions or name another place',
    errno.EPERM: 'may not be read or written; change its permissions or name another place',
    errno.EROFS: 'lies on a file system that is read-only; name another place',
    errno.ENOSPC: 'the disk is full; make room or name another place, then run the same command again',
    errno.EDQUOT: 'your quota is used up; make room or name another place, then run the same command again',
    errno.EFBIG: 'is too large for its file system; name another place',
    errno.ENAMETOOLONG: 'has too long a name; choose a shorter one',
    errno.ENOENT: 'no such file or folder',
    errno.ENOTDIR: 'a folder is needed there, and there is a file; name another place',
    errno.EISDIR: 'is a folder, a file is needed',
    errno.EEXIST: 'exists already, as something else; name another place',
    errno.ELOOP: 'is a link that leads back to itself',
    errno.EIO: 'the disk or the network does not answer',
    errno.ESTALE: 'the disk or the network does not answer',
    errno.EMFILE: 'too many files are open; raise the limit (ulimit -n) or use fewer workers',
    errno.EADDRINUSE: 'the port is taken',
}
ARGUMENTS = re.compile(
    r'unexpected keyword argument|required (positional|keyword-only) argument|positional arguments? but|'
    r'takes no arguments|multiple values for')
SPOKEN = (InputError, WorkerKilled, FloatingPointError, ImportError)
"""Errors whose messages are meant for the user."""
PORT = re.compile(r'port[: ]+(\d+)')
BUILDERS = ('mmengine', 'mmseg', 'mmdet', 'mmpretrain', 'mmcv')


def nearest(name: str, names: Iterable[str]) -> str:
    """``'; near it: a, b'`` where some of the ``names`` are like ``name``, else nothing."""
    near = difflib.get_close_matches(name, sorted(set(names)), 3, 0.6)
    return f'; near it: {", ".join(near)}' if near else ''


def explain(error: BaseException) -> str | None:
    """The words for an error of the user's input or environment; None for one that only a traceback explains."""
    message = str(error)
    if ' in DataLoader worker process' in message and 'Original Traceback' in message:
        said = message.rpartition(f'{type(error).__name__}: ')[2].strip()
        if isinstance(error, SPOKEN):
            return said
        return _of_system(error, said) if isinstance(error, OSError) else None
    if isinstance(error, SPOKEN):
        return message
    if isinstance(error, OSError):
        return _of_system(error, message)
    if isinstance(error, UnicodeEncodeError):
        return f'{error.object!a}: is not UTF-8 and cannot be written down; rename it'
    if isinstance(error, MemoryError) or (type(error).__module__ == 'cv2' and 'Failed to allocate' in message):
        return (f'there is not enough memory ({message.strip() or "RAM"}); use smaller images or batches, or fewer '
                'workers')
    if isinstance(error, RuntimeError) and (words := _of_torch(error, message)):
        return words
    return _of_config(error, message)


def _of_system(error: OSError, message: str) -> str | None:
    number = error.errno
    if number is None:
        number = next((int(found) for found in re.findall(r'\[Errno (\d+)\]', message)), None)
    if number not in REMEDIES:
        return None
    where = error.filename2 or error.filename or next(iter(re.findall(r"'(.+)'", message)), None)
    if isinstance(where, bytes):
        where = where.decode(errors='surrogateescape')
    return f'{where}: {REMEDIES[number]}' if where is not None else f'{REMEDIES[number]} ({message})'


def _of_torch(error: RuntimeError, message: str) -> str | None:
    first = message.strip().splitlines()[0] if message.strip() else ''
    if message.startswith('DataLoader worker'):
        return ('a process that loads data was killed, most often for want of memory; use fewer of them '
                f'(num_workers): {message}')
    if 'allocate memory' in message:
        return f'there is not enough memory; use smaller images, batches or grids, or fewer workers: {first}'
    if 'out of memory' in message:
        return f'there is not enough memory on the device; use smaller batches (batch_size), images, or --amp: {first}'
    if 'EADDRINUSE' in message or 'address already in use' in message.lower():
        port = PORT.search(message)
        return (f'port {port[1] if port else "of the processes"} is taken by another program; set another: '
                'PORT=29501 tools/dist_train.sh ..., or torchrun --master_port 29501')
    if re.search(r'Found no NVIDIA driver|invalid device ordinal|No CUDA GPUs|Invalid device string|'
                 r'not available for this process|Expected one of cpu', message):
        return f'--device cannot be used here: {first}'
    if 'PytorchStreamWriter' in message or 'unexpected pos' in message:
        return f'the checkpoint could not be written, most often for want of room on the disk: {first}'
    if found := re.match(r'`self\._(\w+)_loop` should not be None', message):
        return f'the config has no {found[1]}_dataloader, {found[1]}_cfg or what belongs to them: {message}'
    if found := re.match(r'Failed to get (\S+)$', message):
        return _unknown_type(found[1])
    return None


def _frames(error: BaseException) -> Iterator[FrameType]:
    trace = error.__traceback__
    while trace:
        yield trace.tb_frame
        trace = trace.tb_next


def _of_config(error: BaseException, message: str) -> str | None:
    """The words for what the packages make of a config that does not fit."""
    frames = list(_frames(error))
    if not frames:
        return None
    last = frames[-1]
    package = last.f_globals.get('__name__', '').partition('.')[0]
    if isinstance(error, KeyError) and (found := re.match(r"['\"]?(\S+) is not in the (\S+) registry", message)):
        return _unknown_type(found[1], found[2].rpartition('::')[2])
    if isinstance(error, KeyError) and 'must contain the key "type"' in message:
        return f'the config has a part without a type: {message[:300]}'
    if isinstance(error, AttributeError) and (found := re.match(r"'Config(?:Dict)?' object has no attribute '(\w+)'",
                                                               message)):
        return f'the config has no {found[1]}, which is needed here'
    if isinstance(error, TypeError) and ARGUMENTS.search(message) and package in (*BUILDERS, 'mmdepthcp'):
        return _unfit_arguments(last, message)
    built = next((frame.f_locals for frame in reversed(frames) if frame.f_code.co_name == 'build_from_cfg'), None)
    in_constructor = last.f_code.co_name in ('__init__', '__post_init__', '_verify_args', 'full_init')
    if isinstance(error, (ValueError, AssertionError)) and message and in_constructor:
        what = getattr(built.get('obj_cls'), '__name__', None) if built else None
        if what or package in BUILDERS:
            return f'the config cannot be used{f", in {what}" if what else ""}: {message}'
    return None


def _unknown_type(name: str, registry: str = '') -> str:
    from mmdepthcp.config.text import registered_names

    return (f'the config names the type {name}, which there is not{f" ({registry})" if registry else ""}'
            f'{nearest(name, registered_names())}. A type of your own is registered by custom_imports')


def _unfit_arguments(frame: FrameType, message: str) -> str:
    target: Any = next((frame.f_locals[name] for name in ('obj_cls', 'cls') if name in frame.f_locals), None)
    if target is None and frame.f_code.co_name == '__init__':  # one that hands on what it does not know itself
        target = type(frame.f_locals.get('self'))
    said = message.replace('.__init__()', '').replace('__init__()', getattr(target, '__name__', '') or 'it')
    known: set[str] = set()
    for kind in inspect.getmro(target) if inspect.isclass(target) else [target]:
        try:
            known |= set(inspect.signature(kind).parameters)
        except (TypeError, ValueError):
            continue
    found = re.search(r"unexpected keyword argument '(\w+)'", message)
    hint = nearest(found[1], known - {'args', 'kwargs', 'self'}) if found else ''
    return f'the config does not fit: {said}{hint}'
