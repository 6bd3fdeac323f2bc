"""Folders of PNGs that tools make of other files: what all of one folder have in common (``meta.json``), and which of
them are out of date.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import mmdepthcp
from mmdepthcp.utils.errors import InputError, notice
from mmdepthcp.utils.fileio import read_json, write_json
from mmdepthcp.utils.images import read_png_note
from mmdepthcp.utils.processes import WHOLE, claim
from mmdepthcp.utils.trees import select_files
from mmdepthcp.utils.walks import MADE_BY, holds_files, is_export

T = TypeVar('T')

META = 'meta.json'
END = 1 << 16
CHECKED = {'.png', '.jpg', '.jpeg', '.webp', '.npz'}
"""Kinds of files in which a change anywhere shows at the ends or in the size: compressed ones."""


def digest_of(files: Sequence[str | os.PathLike]) -> str:
    """A digest of the content of files in this order; of large compressed ones by their size and their ends.

    Raises:
        OSError: a file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in files:
        with open(path, 'rb') as file:
            size = os.fstat(file.fileno()).st_size
            digest.update(size.to_bytes(8, 'little'))
            if size > 2 * END and Path(path).suffix.lower() in CHECKED:
                digest.update(file.read(END))
                file.seek(-END, os.SEEK_END)
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _is_outdated(output: Path, inputs: Sequence[Path]) -> bool:
    """Whether an output that exists was made of other files than its inputs are now.

    One that does not say what it was made of, as earlier versions wrote them, is so if an input is newer. If an input
    is gone or cannot be read, there is nothing to make it anew of.
    """
    try:
        if (noted := read_png_note(output)) is not None:
            return noted != digest_of(inputs)
        return max(os.stat(path).st_mtime_ns for path in inputs) > os.stat(output).st_mtime_ns
    except OSError:
        return False


def select_outdated(
        files: Sequence[T], output: Callable[[T], Path], inputs: Callable[[T], Sequence[Path]],
        shard: tuple[int, int] = WHOLE) -> list[T]:
    """The files of a shard that have no output yet, or one that was made of other inputs; such outputs are removed.

    Args:
        files: what outputs are made of, one each.
        output: the PNG of a file.
        inputs: all that its content depends on.
        shard: see :func:`mmdepthcp.utils.trees.select_files`.
    """
    outdated = 0

    def is_done(file: T) -> bool:
        nonlocal outdated
        target = output(file)
        if not target.exists():
            return False
        if _is_outdated(target, inputs(file)):
            outdated += 1
            target.unlink(missing_ok=True)
            return False
        return True

    left = select_files(files, is_done, shard)
    if outdated:
        notice(f'files made anew, for what they were made of has changed: {outdated}')
    return left


@contextmanager
def claim_export(out: str | os.PathLike, settings: Mapping[str, Any], shard: tuple[int, int] = WHOLE,
                 kind: str = 'disparity', suffix: str = '.png') -> Iterator[None]:
    """Be the one that writes into a folder (see :func:`mmdepthcp.utils.processes.claim`), and with these settings.

    They and the package's version stand in ``<out>/meta.json``. So a restarted run completes an export, and never mixes
    two kinds of it in one folder. Settings with which nothing was written bind nobody. A setting ``*_digest`` that an
    earlier version did not record is not compared.

    Args:
        out: the folder.
        settings: what all its files have in common.
        shard: part ``(i, n)`` of the work.
        kind: what the files are, in words.
        suffix: of the files.

    Raises:
        InputError: the folder holds files made with other settings, or a ``meta.json`` of something else, or another
            process has it.
    """
    file = Path(out, META)
    wanted = json.loads(json.dumps(settings))
    with claim(out, shard):
        if file.exists() and holds_files(out, suffix):
            known = _flat(read_json(file))
            other = [f'{key} was {known.get(key)!r}, is {value!r}'
                     for key, value in _flat(wanted).items()
                     if known.get(key) != value and (key in known or not key.endswith('_digest'))]
            if other:
                raise InputError(f'{file}: the folder holds {kind} made in another way, with other settings '
                                 f'({"; ".join(other)}); choose another folder or remove this one')
        elif file.exists() and not is_export(file):
            raise InputError(f'{file}: is of something else, and would be written over; choose another folder')
        else:
            write_json(file, {**wanted, **MADE_BY, 'version': mmdepthcp.__version__})
        try:
            yield
        finally:
            if shard == WHOLE and not holds_files(out, suffix):
                file.unlink(missing_ok=True)


def _flat(settings: Any, prefix: str = '') -> dict[str, Any]:
    """Nested settings as ``{'a.b': value}``."""
    flat: dict[str, Any] = {}
    for key, value in settings.items() if isinstance(settings, dict) else ():
        flat.update(_flat(value, f'{prefix}{key}.') if isinstance(value, dict) else {prefix + key: value})
    return flat
