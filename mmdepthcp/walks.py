"""Walking through folders of data: which folders and files count, whatever the computers they came from put beside
them.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

NO_DATA = {'__macosx', 'lost+found', 'system volume information', '$recycle.bin', '#recycle', '#snapshot', 'thumbs'}
"""Folders that systems make, in small letters."""
EXPORT_KEYS = ({'mode', 'version'}, {'params', 'intrinsics'})
"""Keys of the ``meta.json`` beside disparity, and beside regions."""


class Walk(NamedTuple):
    """What a walk found.

    Attributes:
        folders: every folder and the names of the files in it.
        exports: folders that hold what tools of this package made of images; the walk did not enter them.
    """

    folders: list[tuple[Path, list[str]]]
    exports: list[Path]


def is_no_data(folder: str) -> bool:
    """Whether a folder of this name is hidden or made by a system: ``.git``, ``.ipynb_checkpoints``, ``@eaDir``."""
    return folder.startswith(('.', '@')) or folder.lower() in NO_DATA


def is_export(meta: str | os.PathLike) -> bool:
    """Whether a ``meta.json`` is one that a tool of this package writes beside disparity or regions."""
    try:
        content = json.loads(Path(meta).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and any(keys <= set(content) for keys in EXPORT_KEYS)


def walk(root: str | os.PathLike, leave_out: Iterable[str | os.PathLike] = ()) -> Walk:
    """Walk through ``root`` and the folders below it.

    Links are followed, but every folder is entered once, by its own name rather than by a link; links to a folder
    that they lie in are left out, and so are hidden files, folders of systems (:func:`is_no_data`), what tools of
    this package made of images, and the folders ``leave_out``.

    Raises:
        OSError: a folder cannot be read, or a link without a suffix leads nowhere; ``filename`` says which.
    """
    unwanted = {os.path.realpath(path) for path in leave_out}
    start = os.path.realpath(root)
    folders: list[tuple[Path, list[str]]] = []
    exports: list[Path] = []
    pending = [(Path(root), start)]
    links: list[tuple[Path, str]] = []
    seen: set[str] = set()
    while pending or links:
        folder, real = pending.pop() if pending else links.pop(0)
        if real in seen or real in unwanted:
            continue
        seen.add(real)
        names, inner = _scan(folder)
        if real != start and 'meta.json' in names and is_export(folder / 'meta.json'):
            exports.append(folder)
            continue
        folders.append((folder, names))
        for name, is_link in inner:
            target = os.path.realpath(folder / name) if is_link else os.path.join(real, name)
            if os.path.commonpath([real, target]) != target:
                (links if is_link else pending).append((folder / name, target))
    return Walk(sorted(folders), sorted(exports))


def _scan(folder: Path) -> tuple[list[str], list[tuple[str, bool]]]:
    """Names of the files in a folder, and of the folders in it with whether each is a link."""
    names, inner = [], []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if os.path.isdir(entry.path):
                if not is_no_data(entry.name):
                    inner.append((entry.name, entry.is_symlink()))
            elif not entry.name.startswith('.') and not _is_dead_end(entry):
                names.append(entry.name)
    return names, inner


def _is_dead_end(entry: os.DirEntry) -> bool:
    """Whether an entry without a suffix is a link onto itself.

    Raises:
        FileNotFoundError: it is a link to nothing, perhaps to a folder of a disk that is not there.
    """
    if not entry.is_symlink() or Path(entry.name).suffix:
        return False
    try:
        os.stat(entry.path)
    except OSError as error:
        if error.errno == errno.ELOOP:
            return True
        raise
    return False
