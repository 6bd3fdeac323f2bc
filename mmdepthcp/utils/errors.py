"""What is said to the user."""

from __future__ import annotations

import logging
import sys


class InputError(ValueError):
    """A file or setting that cannot be used; the message names it and the remedy."""


class _Speech:
    """How much is said."""

    quiet = False


speech = _Speech()


def notice(message: str, level: int = logging.WARNING) -> None:
    """Say something to the user that is no error, through the log of the training where there is one; warnings on the
    standard error too where the standard output is quiet.
    """
    from mmengine.logging import print_log

    in_utf8 = message.encode(errors='replace').decode()  # names of files need not be
    if speech.quiet and level >= logging.WARNING:
        print(f'warning: {in_utf8}', file=sys.stderr)
    print_log(in_utf8, 'current', level)
