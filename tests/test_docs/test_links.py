"""Links of the documentation lead somewhere, on GitHub as in the site, and files that it names are there."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from doc_blocks import OURS, PAGES, PLACEHOLDER, ROOT, WRITTEN_BY_READERS
from markdown_it import MarkdownIt

MARKDOWN = MarkdownIt().enable('table')


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    tokens, found = MARKDOWN.parse(page.read_text()), []
    for opening, inline in pairwise(tokens):
        if opening.type == 'heading_open':
            words = ''.join(child.content for child in inline.children or [])
            slug = re.sub(r'[^\w\- ]', '', words.lower()).replace(' ', '-')
            found.append(slug if slug not in found else f'{slug}-{found.count(slug)}')
    return set(found)


def links(page: Path) -> list[str]:
    """Targets of links and pictures."""
    inline = [child for token in MARKDOWN.parse(page.read_text()) for child in token.children or []]
    return [str(child.attrs.get('href') or child.attrs.get('src')) for child in inline
            if child.type in ('link_open', 'image')]


def faults(page: Path) -> list[str]:
    """Links within the repository that lead nowhere."""
    found = []
    for target in links(page):
        path, _, anchor = target.partition('#')
        if '://' in path:
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            found.append(target)
    return found


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page):
    assert not faults(page)


@pytest.mark.parametrize(
    'page', [page for page in PAGES if page.name != 'CHANGELOG.md'], ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named(page):
    named = {name for name in OURS.findall(page.read_text()) if not PLACEHOLDER.search(name)}
    named -= WRITTEN_BY_READERS
    assert not [name for name in sorted(named) if not (ROOT / name).exists()]


def test_faults_are_found(tmp_path):
    page = tmp_path / 'page.md'
    page.write_text('# A heading, `code` & more\n\n'
                    '[a](#a-heading-code--more) [b](#b) [c](other.md) ![d](d.png) [e](page.md)\n')
    assert faults(page) == ['#b', 'other.md', 'd.png']


def test_every_method_has_a_page_that_the_list_of_methods_names():
    listed = set(links(ROOT / 'configs/README.md'))
    assert not [path.parent.name for path in (ROOT / 'configs').glob('*/README.md')
                if f'{path.parent.name}/README.md' not in listed]
