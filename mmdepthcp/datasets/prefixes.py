"""The folders of a data set, ``data_prefix``."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from typing import Any

from mmdepthcp.utils.errors import InputError


def checked_prefix(data_prefix: Mapping[str, Any] | None, known: Sequence[str], owner: str) -> dict[str, str]:
    """``data_prefix`` without what is None; the first known key is added, empty, where there is none at all.

    Args:
        data_prefix: key → folder.
        known: the keys that the data set knows; the first one is needed.
        owner: name of the data set, for messages.

    Raises:
        InputError: a key is unknown, the first one is missing, or a folder is no text.
    """
    if not isinstance(data_prefix or {}, Mapping):
        raise InputError(f'{owner}: data_prefix must be a dict of folders with the keys {", ".join(known)}, got '
                         f'{data_prefix!r}')
    data_prefix = data_prefix or {}
    for key, folder in data_prefix.items():
        if key not in known:
            close = difflib.get_close_matches(str(key), known, 1, 0.4)
            guess = f', did you mean {close[0]}?' if close else ';'
            raise InputError(f"{owner}: data_prefix['{key}'] is unknown{guess} There are {', '.join(known)}")
        if folder is not None and not isinstance(folder, (str, os.PathLike)):
            raise InputError(f"{owner}: data_prefix['{key}'] must be a folder in quotes, got {folder!r}, a "
                             f'{type(folder).__name__}')
    given = {key: os.fspath(folder) for key, folder in data_prefix.items() if folder is not None}
    if given and known[0] not in given:
        raise InputError(f"{owner}: data_prefix names no '{known[0]}', the folder of the images")
    return given or {known[0]: ''}
