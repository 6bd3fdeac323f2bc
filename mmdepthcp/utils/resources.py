"""Where the configs and tools are that come with the package."""

from __future__ import annotations

import glob
import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
INSTALLED = PACKAGE / '.mim'
"""Holds configs/ and tools/ in an installed package; in a clone they lie beside the package."""
ROOT = INSTALLED if INSTALLED.is_dir() else PACKAGE.parent


def find_shipped(path: str | os.PathLike) -> Path:
    """A file by its own path or, where there is none, the file of this name among those that come with the package; for
    configs that have moved, see :func:`moved_config`.

    Args:
        path: such as ``configs/depthcp_toy.py``, relative to the current folder or else to the root of the package.

    Returns:
        The first of these that is a file; ``path`` if none is.
    """
    places = Path(path), ROOT / path
    return next((place for place in places if place.is_file()),
                moved_config(places[0]) or moved_config(places[1]) or places[0])


def configs_below(path: str | os.PathLike) -> list[Path]:
    """Files below a folder ``configs`` with the name of one, ``path``, of it; parts of configs are left out."""
    folder, name = os.path.split(os.path.abspath(path))
    found = Path(folder).rglob(glob.escape(name)) if os.path.basename(folder) == 'configs' else ()
    return sorted(file for file in found if '_base_' not in file.parts)


def moved_config(path: str | os.PathLike) -> Path | None:
    """Where a config of version 0.1.0 lies now: ``configs/NAME.py`` for instance in ``configs/FOLDER/NAME.py``.

    Returns:
        The file, if there is just one of this name below the folder ``configs`` of ``path``.
    """
    found = configs_below(path)
    return found[0] if len(found) == 1 else None


def is_shipped_tool(path: str | os.PathLike) -> bool:
    """Whether :func:`find_shipped` finds a tool that comes with the package."""
    return (ROOT / 'tools').resolve() in find_shipped(path).resolve().parents
