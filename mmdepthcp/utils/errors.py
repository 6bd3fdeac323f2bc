"""What is said to the user."""

from __future__ import annotations

import logging


class InputError(ValueError):
    """A file or setting that cannot be used; the message names it and the remedy."""


def notice(message: str, level: int = logging.WARNING) -> None:
    """Say something to the user that is no error, through the log of the training where there is one."""
    from mmengine.logging import print_log

    in_utf8 = message.encode(errors='replace').decode()  # names of files need not be
    print_log(in_utf8, 'current', level)
