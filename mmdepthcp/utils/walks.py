"""Walking through folders of data: which folders and files count, whatever the computers they came from put beside
them.
"""

from __future__ import annotations

import errno
import functools
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmdepthcp.utils.errors import InputError, notice

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.webp', '.bmp')
NO_DATA = {'__macosx', 'lost+found', 'system volume information', '$recycle.bin', '#recycle', '#snapshot', 'thumbs'}
"""Folders that systems make, in small letters."""
MADE_BY = dict(made_by='mmdepthcp')
"""What stands in the ``meta.json`` of every folder that a tool of this package fills."""
OLDER_KEYS = ({'mode', 'version'}, {'params', 'intrinsics'}, {'source', 'kind', 'ratio', 'version'})
"""Keys of those that do not say so yet: beside disparity, regions, crops."""


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
    """Whether a ``meta.json`` is one that a tool of this package writes beside what it makes of images."""
    try:
        content = json.loads(Path(meta).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and (
        MADE_BY.items() <= content.items() or any(keys <= set(content) for keys in OLDER_KEYS))


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


def find_files(root: str | os.PathLike, suffixes: Sequence[str] = IMAGE_SUFFIXES,
               leave_out: Iterable[str | os.PathLike] = ()) -> list[Path]:
    """All files below ``root`` with one of the ``suffixes`` (in capitals or not), as sorted paths relative to it.

    What is no data stays out, see :func:`mmdepthcp.utils.walks.walk`.

    Args:
        root: The folder.
        suffixes: Endings of names.
        leave_out: Folders to pass by, such as that of the output where it lies below ``root``.

    Raises:
        InputError: the folder is missing or holds no such file, is one of those to leave out, a folder below it cannot
            be read, or two files have the same name but for the suffix, so that what is made of one would take the
            place of the other.
    """
    leave_out = list(leave_out)
    if os.path.realpath(root) in map(os.path.realpath, leave_out):
        raise InputError(f'{root}: is the folder of the input and of something else too; give each one of its own')
    folders, exports = _walk(root, leave_out)
    endings = tuple(suffix.lower() for suffix in suffixes)
    files = sorted(folder.relative_to(root) / name for folder, names in folders for name in names
                   if name.lower().endswith(endings))
    if exports:
        notice(f'{root}: left out {", ".join(str(folder.relative_to(root)) for folder in exports)}, which a tool made '
               'of images (meta.json)')
    if not files:
        raise InputError(f'{root}: holds no file that ends in {", ".join(suffixes)}')
    stems: dict[str, Path] = {}
    for file in files:
        name = file.as_posix()
        stem = name[:-max(len(ending) for ending in endings if name.lower().endswith(ending))]
        if stem in stems:
            raise InputError(f'{root}: {stems[stem]} and {file} differ in nothing but the suffix, so that files made '
                             'of them would have one name; move one of them elsewhere, or name the one suffix to take')
        stems[stem] = file
    return files


class GivenImage(NamedTuple):
    """An image that a user gives.

    Attributes:
        image: its file, or what stands in the place of a file, such as an array.
        name: of a file, its path from the folder that was given, or from the one that all files have in common; else
            empty.
    """

    image: Any
    name: str


def given_images(images: Any, leave_out: Iterable[str | os.PathLike] = ()) -> list[GivenImage]:
    """Images given as a file, a folder, something else that is one image, or a list of files and such.

    Args:
        images: what is given.
        leave_out: of a folder, folders in it to pass by.

    Raises:
        InputError: there is no such file or folder, or no image in it; the list is empty.
    """
    if isinstance(images, (str, os.PathLike)) and Path(images).is_dir():
        return [GivenImage(os.path.join(images, name), str(name)) for name in find_files(images, leave_out=leave_out)]
    listed = list(images) if isinstance(images, (list, tuple)) else [images]
    listed = [str(item) if isinstance(item, os.PathLike) else item for item in listed]
    if not listed:
        raise InputError('the list of images is empty')
    for item in listed:
        if isinstance(item, str) and not Path(item).is_file():
            raise InputError(f'{item}: no such image file or folder')
    files = [os.path.abspath(item) for item in listed if isinstance(item, str)]
    root = os.path.commonpath([os.path.dirname(file) for file in files]) if files else ''
    return [GivenImage(item, os.path.relpath(os.path.abspath(item), root) if isinstance(item, str) else '')
            for item in listed]


def in_any_letters(path: str | os.PathLike, suffix: str) -> Path:
    """A file, or where it is not there the one of its folder whose name differs in the letters of the ending ``suffix``
    alone: ``a.PNG`` for ``a.png``.
    """
    path = Path(path)
    if path.is_file() or not path.parent.is_dir():
        return path
    stem = path.name[:len(path.name) - len(suffix)]
    names = _by_small_letters(path.parent, path.parent.stat().st_mtime_ns).get(path.name.lower(), [])
    return path.with_name(next((name for name in names if name.startswith(stem)), path.name))


@functools.lru_cache(64)
def _by_small_letters(folder: Path, _changed: int) -> dict[str, list[str]]:
    """Names of a folder's files by the same in small letters."""
    names: dict[str, list[str]] = {}
    for name in sorted(os.listdir(folder)):
        names.setdefault(name.lower(), []).append(name)
    return names


def holds_files(folder: str | os.PathLike, suffix: str = '.png') -> bool:
    """Whether a file with this suffix that is no hidden one lies in a folder or below it."""
    return any(not path.name.startswith('.') for path in Path(folder).rglob(f'*{suffix}'))


def find_folders(root: str | os.PathLike) -> list[Path]:
    """``root`` and all folders below it, sorted; see :func:`find_files` for what stays out.

    Raises:
        InputError: the folder is missing, or a folder below it cannot be read.
    """
    return [folder for folder, _ in _walk(root, ()).folders]


def _walk(root: str | os.PathLike, leave_out: Iterable[str | os.PathLike]) -> Walk:
    if not Path(root).is_dir():
        raise InputError(f'{root}: no such folder')
    try:
        return walk(root, leave_out)
    except OSError as error:
        raise InputError(f'{error.filename}: cannot be read ({error.strerror}); make it readable, or move it out of '
                         f'{root}') from None
