"""Texts for Markdown files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

SPECIAL = re.compile(r'([\\`*|\[\]])')


def escape_markdown(text: str) -> str:
    """A text that Markdown shows as it is, on one line, within a cell of a table too."""
    return SPECIAL.sub(r'\\\1', escape(' '.join(text.split()), quote=False))


def table_row(cells: Iterable[str]) -> str:
    """A line of a table whose cells show these texts."""
    return '| ' + ' | '.join(map(escape_markdown, cells)) + ' |'
