"""Where the configs and tools are that come with the package."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
INSTALLED = PACKAGE / '.mim'
"""Holds configs/ and tools/ in an installed package; in a clone they lie beside the package."""
ROOT = INSTALLED if INSTALLED.is_dir() else PACKAGE.parent


def find_shipped(path: str | os.PathLike) -> Path:
    """A file by its own path or, where there is none, the file of this name among those that come with the package.

    Args:
        path: such as ``configs/depthcp_toy.py``, relative to the current folder or else to the root of the package.

    Returns:
        The first of the two that is a file; ``path`` if neither is.
    """
    own = Path(path)
    return own if own.is_file() or not (ROOT / own).is_file() else ROOT / own


def is_shipped_tool(path: str | os.PathLike) -> bool:
    """Whether :func:`find_shipped` finds a tool that comes with the package."""
    return (ROOT / 'tools').resolve() in find_shipped(path).resolve().parents
