"""Files: texts, JSON, and the way to write any so that a file with its final name is complete."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmdepthcp.utils.errors import InputError

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

ASIDE = re.compile(r'\.[0-9a-f]{16}\.tmp(\.\w+)?|\..+\.\d+\.tmp(\.\w+)?')
"""Names of files that are being written, now and in version 0.1."""
_tidied: set[Path] = set()


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; rename it to ``path`` on success, remove it on failure.

    The suffix is kept, so that writers which choose a format by suffix work. Missing folders are made. What writers
    that were killed have left in the folder is removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path.parent)
    aside = path.with_name(f'.{secrets.token_hex(8)}.tmp{path.suffix}')
    descriptor = None
    try:
        descriptor = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        _lock(descriptor)
        yield aside
        os.replace(aside, path)
    except OSError as error:
        if error.errno and error.filename in (None, str(aside), aside):
            error.filename = str(path)
        raise
    finally:
        if descriptor is not None:
            aside.unlink(missing_ok=True)
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Take the lock of an open file, which the kernel gives back when this process ends; whether that worked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (OSError, AttributeError):  # another process has it, or there are no locks
        return False
    return True


def _remove_leftovers(folder: Path) -> None:
    """Remove what writers that were killed left in a folder; once for each folder that this process writes to."""
    if folder in _tidied:
        return
    _tidied.add(folder)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if ASIDE.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    descriptor = os.open(entry.path, os.O_RDWR)
                    try:
                        if _lock(descriptor):
                            os.unlink(entry.path)
                    finally:
                        os.close(descriptor)


def file_sha256(path: str | os.PathLike) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_text(path: str | os.PathLike) -> str:
    """The text of a file, whatever it was written with: UTF-8, UTF-16 or UTF-32 with or without a byte order mark,
    else Windows-1252.

    Raises:
        InputError: the file is missing or cannot be read.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f'{path}: no such file') from None
    except OSError as error:
        raise InputError(f'{path}: cannot be read ({error.strerror})') from None
    return decode_text(content)


def decode_text(content: bytes) -> str:
    """The text of bytes, see :func:`read_text`."""
    encoding = json.detect_encoding(content)  # by the byte order mark, or by where zero bytes lie
    for choice in (encoding, 'cp1252'):
        with contextlib.suppress(UnicodeDecodeError):
            return content.decode(choice)
    return content.decode('latin-1')


def write_json(path: str | os.PathLike, content: Any) -> None:
    """Write ``content`` as indented JSON."""
    with atomic_path(path) as aside:
        aside.write_text(json.dumps(content, indent=2) + '\n')


def read_json(path: str | os.PathLike) -> Any:
    """Read a JSON file.

    Raises:
        InputError: the file is missing or not valid JSON.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f'{path}: not valid JSON ({error}); make it again') from None
