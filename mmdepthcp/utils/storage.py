"""MMEngine's way to local files, with writers that write aside and rename, as those of this package do."""

from __future__ import annotations

import os

from mmengine.fileio import LocalBackend as MMEngineLocalBackend
from mmengine.fileio import register_backend

from mmdepthcp.utils.fileio import atomic_path


class LocalBackend(MMEngineLocalBackend):
    """A file with its final name is complete: checkpoints, scores, configs."""

    def put(self, obj: bytes, filepath: str | os.PathLike) -> None:
        """Write bytes."""
        with atomic_path(filepath) as aside:
            aside.write_bytes(obj)

    def put_text(self, obj: str, filepath: str | os.PathLike, encoding: str = 'utf-8') -> None:
        """Write a text."""
        self.put(obj.encode(encoding), filepath)


def write_aside() -> None:
    """Have MMEngine write all its local files so."""
    register_backend('local', LocalBackend, force=True, prefixes='')
