"""Which code is at work."""

from __future__ import annotations

import subprocess
from pathlib import Path

import mmdepthcp


def code_commit(digits: int = 40) -> str:
    """The git commit of the package at work, with ``-dirty`` where files differ from it; ``unknown`` outside of git.

    Args:
        digits: how many hexadecimal digits to show, or more if they are not enough.
    """
    command = ['git', '-C', str(Path(mmdepthcp.__file__).parent), 'describe', '--always', '--dirty',
               f'--abbrev={digits}', '--exclude=*']
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip() or 'unknown'
    except FileNotFoundError:
        return 'unknown'
