"""Lists of images and frames: text files with one name a line, as any computer writes them."""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmdepthcp.utils.errors import InputError, notice
from mmdepthcp.utils.fileio import atomic_path, decode_text, read_text


class Entry(NamedTuple):
    """A line of a list.

    Attributes:
        place: the file and the number of the line, for messages.
        text: what it says.
    """

    place: str
    text: str


def read_list(path: str | os.PathLike) -> list[Entry]:
    """The lines of a list in any encoding, with any line ends.

    Empty lines and comments (``#`` first, or between blanks) are passed over, backslashes become slashes, and ``./``
    at the beginning goes.

    Raises:
        InputError: the file is missing or lists nothing.
    """
    entries = []
    for number, line in enumerate(re.split(r'\r\n|\r|\n', read_text(path)), 1):
        line = re.split(r'\s#\s', line.strip('\ufeff\0 \t'))[0].replace('\\', '/')
        text = re.sub(r'^(\./+)+', '', line).strip()
        if text and not text.startswith('#'):
            entries.append(Entry(f'{path}:{number}', text))
    if not entries:
        raise InputError(f'{path}: the list is empty')
    return entries


def write_list(path: str | os.PathLike, names: Sequence[str]) -> None:
    """Write names one a line, as they are on the disk, whether UTF-8 or not."""
    with atomic_path(path) as aside:
        aside.write_bytes(''.join(f'{name}\n' for name in names).encode(errors='surrogateescape'))


def report_repeated(path: str | os.PathLike, repeated: Sequence[str]) -> None:
    """Say in the log that lines, given by their places, name what earlier lines name."""
    if repeated:
        notice(f'{path}: {len(repeated)} lines name what an earlier line names, such as {repeated[0]}; each is taken '
               'once')


def comparable(name: str) -> str:
    """A name as it compares with others: the same in whichever way the file system and lists write accents."""
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are not UTF-8, as in a ZIP from an old computer
        name = decode_text(os.fsencode(name))
    return unicodedata.normalize('NFC', name)


def split_suffix(name: str, suffixes: Sequence[str]) -> tuple[str, str]:
    """``'a.JPG'`` → ``('a', '.JPG')`` where ``suffixes`` hold ``.jpg``, in whatever letters; ``('a', '')`` for none."""
    lengths = [len(suffix) for suffix in suffixes if name.lower().endswith(suffix.lower())]
    cut = len(name) - max(lengths, default=0)
    return name[:cut], name[cut:]


def find_listed(path: str | os.PathLike, root: Path, suffixes: Sequence[str]) -> list[str]:
    """The images that a list names, as paths relative to ``root``, in its order, each once.

    A name may lack the suffix, or have it in other letters or of another format than the file; what it means must
    be one file.

    Raises:
        InputError: the list is missing or empty, or a line names no image below ``root``, or several.
    """
    folders: dict[str, dict[str, list[str]]] = {}
    images: dict[str, str] = {}
    repeated = []
    for place, text in read_list(path):
        folder, base = posixpath.split(_below(root, text))
        if folder not in folders:
            folders[folder] = _images_by_stem(root / folder, suffixes)
        found = _matching(base, folders[folder], suffixes)
        if not found or folder.startswith(('..', '/')):
            raise InputError(f'{place}: names {text}, but {root} holds no such image ({", ".join(suffixes)})')
        if len(found) > 1:
            raise InputError(f'{place}: {text} may be {" or ".join(found)} in {root / folder}; write the suffix')
        image = posixpath.join(folder, found[0])
        stem = split_suffix(image, suffixes)[0]
        if images.get(stem, image) != image:
            raise InputError(f'{place}: {image} and {images[stem]} differ in nothing but the suffix, so that files '
                             'made of them would have one name; leave one of them out')
        repeated += [place] if stem in images else []
        images[stem] = image
    report_repeated(path, repeated)
    return list(images.values())


def _below(root: Path, text: str) -> str:
    """A path relative to ``root``; absolute or with ``../`` in front where it leads elsewhere."""
    for base in (os.path.abspath(root), os.path.realpath(root)):
        if text.startswith(f'{base}/'):
            return posixpath.normpath(text[len(base) + 1:])
    return posixpath.normpath(text)


def _images_by_stem(folder: Path, suffixes: Sequence[str]) -> dict[str, list[str]]:
    by_stem: dict[str, list[str]] = defaultdict(list)
    if folder.is_dir():
        for name in sorted(os.listdir(folder)):
            stem, suffix = split_suffix(name, suffixes)
            if suffix:
                by_stem[comparable(stem)].append(name)
    return by_stem


def _matching(base: str, by_stem: dict[str, list[str]], suffixes: Sequence[str]) -> list[str]:
    """The images of a folder that a name may mean: those with just this suffix, or else those with any."""
    stem, suffix = split_suffix(base, suffixes)
    found = by_stem.get(comparable(stem), [])
    for same in (str.__eq__, lambda one, other: one.lower() == other.lower()):
        exact = [name for name in found if same(split_suffix(name, suffixes)[1], suffix)]
        if exact:
            return exact
    if not found:  # the suffix may hold more than the format, of which the list leaves out that: _leftImg8bit.png
        ends = {Path(suffix).stem for suffix in suffixes} - set(suffixes)
        found = [name for end in ends if base.endswith(end) for name in by_stem.get(comparable(base[:-len(end)]), [])]
    return found
