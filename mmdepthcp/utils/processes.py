"""Processes that leave nothing behind: children end with those that started them, a folder has one writer at a time.

Both need Linux or another Unix; elsewhere these functions do nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmdepthcp.utils.errors import InputError

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == 'linux' else None

LOCK = '.lock'
NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
TRIES, PAUSE = 10, 0.1
"""How often a taken folder is tried again, after how many seconds: another process may only be looking at it."""

WHOLE = (0, 1)
OWNER = 'MMDEPTHCP_OWNER'
"""Environment variable by which commands know, on whatever computer, for whom they work: ``<pid>@<host>``."""


def end_with_parent(parent: int | None = None) -> None:
    """Have the kernel kill this process when the thread that started it ends, however it ends (Linux).

    Args:
        parent: id of the process that started this one; if that has ended already, this one ends here.
    """
    if _libc is None:
        return
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


class _Forks:
    """Who forks, noted before a fork for the child to read."""

    watched = False
    parent = 0
    from_main_thread = False

    def note(self) -> None:
        self.parent = os.getpid()
        self.from_main_thread = threading.current_thread() is threading.main_thread()

    def tie(self) -> None:
        if self.from_main_thread:  # other threads may end long before their process
            end_with_parent(self.parent)


_forks = _Forks()


def tie_children() -> None:
    """Have all processes that are forked from now on, such as those that load data, end with this one.

    Under torchrun this one also ends with torchrun.
    """
    if 'TORCHELASTIC_RUN_ID' in os.environ:
        end_with_parent()
    if not _forks.watched and _libc is not None:
        _forks.watched = True
        os.register_at_fork(before=_forks.note, after_in_child=_forks.tie)


def owner() -> dict[str, str]:
    """Environment variables for commands that work for this process on another computer."""
    return {OWNER: f'{os.getpid()}@{socket.gethostname()}'}


def _about_us() -> dict[str, Any]:
    return dict(pid=os.getpid(), host=socket.gethostname(), command=' '.join(sys.argv),
                since=time.strftime('%Y-%m-%d %H:%M:%S'))


def _holder(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):
        content = None
    return content if isinstance(content, dict) else {}


def _take(file: Path, shared: bool = False) -> int | None:
    """Lock a file that is made for it; its descriptor, None if another process has it.

    Raises:
        OSError: the file cannot be made, or its file system has no locks.
    """
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            if os.path.exists(file) and os.path.samestat(os.fstat(descriptor), os.stat(file)):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its last owner has just removed it


def _lock_files(folder: Path, shard: tuple[int, int]) -> list[tuple[Path, bool]]:
    """Files to lock, and whether others may lock them too: shards of one folder share its lock."""
    if shard == WHOLE:
        return [(folder / LOCK, False)]
    return [(folder / LOCK, True), (folder / f'{LOCK}-{shard[0]}-of-{shard[1]}', False)]


@contextlib.contextmanager
def claim(folder: str | os.PathLike, shard: tuple[int, int] = WHOLE) -> Iterator[None]:
    """Be the only one that writes into a folder, as far as tools of this package go.

    The folder is made if need be. Processes that share its work claim a shard ``(i, n)`` each. The lock is a file
    ``.lock`` in it, which the kernel frees when its owner ends, however it ends. Processes that its owner started, and
    those that work for it (see :func:`owner`), may write into it too. Where the file system has no locks, nothing is
    checked.

    Raises:
        InputError: another process has the folder, or nothing can be written there.
    """
    folder = Path(folder)
    existed = folder.is_dir()
    taken: list[tuple[Path, int]] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, shared in _lock_files(folder, shard) if fcntl else []:
            descriptor = _take_or_refuse(folder, file, shared)
            if descriptor is None:
                continue
            taken.append((file, descriptor))
            if not shared:
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, json.dumps(_about_us()).encode(), 0)
    except OSError as error:
        _give_back(taken)
        raise InputError(f'{folder}: nothing can be written there ({error.strerror}); make it writable or name another '
                         'folder') from None
    except BaseException:
        _give_back(taken)
        raise
    try:
        yield
    finally:
        _give_back(taken)
        if not existed:
            with contextlib.suppress(OSError):
                folder.rmdir()  # nothing was written


def _take_or_refuse(folder: Path, file: Path, shared: bool) -> int | None:
    """The descriptor of a lock; None where there are no locks, and if our parent has it."""
    for attempt in range(TRIES):
        try:
            descriptor = _take(file, shared)
        except OSError as error:
            if error.errno in NO_LOCKS:
                return None
            raise
        holder = _holder(file)
        if descriptor is not None or f'{holder.get("pid")}@{holder.get("host")}' in (
                f'{os.getppid()}@{socket.gethostname()}', os.environ.get(OWNER)):
            return descriptor
        if attempt < TRIES - 1:
            time.sleep(PAUSE)
    shards = (_holder(other) for other in sorted(folder.glob(f'{LOCK}-*')) if _is_taken(other))
    holder = holder or next(shards, {})
    who = 'another process' if not holder else (
        f'process {holder.get("pid")} on {holder.get("host")}, since {holder.get("since")}: {holder.get("command")}')
    raise InputError(f'{folder}: in use by {who}; wait until it has ended, stop it, or name another folder')


def _give_back(taken: Sequence[tuple[Path, int]]) -> None:
    """Give locks back, also for children that still have a copy of them; remove the files that no one else has."""
    for file, descriptor in reversed(taken):
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.unlink()
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _is_taken(file: Path) -> bool:
    if fcntl is None:
        return True
    if not file.exists():
        return False
    try:
        descriptor = _take(file, shared=True)
    except OSError:
        return True
    if descriptor is not None:
        _give_back([(file, descriptor)])
    return descriptor is None
