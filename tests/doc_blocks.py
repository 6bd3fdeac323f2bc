"""The command and code blocks of the Markdown that this repository has, and what can be said of them without running
them.

A block that cannot be run in a test has a line above that says why: ``<!-- not run: needs Cityscapes -->``. Commands of
ours in it are checked all the same.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import importlib.util
import io
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from markdown_it import MarkdownIt

from mmdepthcp.cli.main import commands
from mmdepthcp.cli.tools import register_modules
from mmdepthcp.config.loading import load_config
from mmdepthcp.utils.errors import InputError

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ('README.md', 'CONTRIBUTING.md', 'CHANGELOG.md')), *sorted((ROOT / 'docs').rglob('*.md')),
    *sorted((ROOT / 'configs').rglob('README.md'))]
NOT_RUN = re.compile(r'<!-- not run: (\S.*?) -->\s*')
LANGUAGES = ('bash', 'python')
OTHERS = ('', 'text', 'bibtex')
PLACEHOLDER = re.compile(r'(?<![A-Za-z])[A-Z]{2,}(?![a-z])|\.\.\.')
"""What the reader has to fill in: CONFIG, CHECKPOINT, EPOCH.pth."""
CHOICE = re.compile(r'\{[\w,]+\}')
OURS = re.compile(r'(?:tools|configs|docs|benchmarks|tests)/[\w/.-]+\.\w+')
PROGRAMS = ('python', 'mmdepthcp', 'pip', 'make', 'cp', 'torchrun', 'tensorboard')


class BadBlock(AssertionError):
    """A block that no reader could use."""


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: path of the file, relative to the root of the repository.
        line: number of its first line.
        language: bash or python.
        text: what it holds.
        not_run: why it is not run; empty if nothing says so.
    """

    page: str
    line: int
    language: str
    text: str
    not_run: str = ''

    def __str__(self) -> str:
        return f'{self.page}:{self.line}'


def blocks_of(page: Path, root: Path = ROOT) -> Iterator[Block]:
    """The blocks of a page in order.

    Raises:
        BadBlock: of a language that no test knows, or marked by words that are no reason.
    """
    before = None
    for token in MarkdownIt().parse(page.read_text()):
        if token.type == 'fence':
            language, line = token.info.strip(), token.map[0] + 2
            mark = before.content if before and before.type == 'html_block' and 'not run' in before.content else ''
            reason = NOT_RUN.fullmatch(mark)
            if mark and reason is None:
                raise BadBlock(f'{page}:{line}: {mark.strip()!r} should read <!-- not run: REASON -->')
            if language in LANGUAGES:
                yield Block(str(page.relative_to(root)), line, language, token.content, reason[1] if reason else '')
            elif language not in OTHERS:
                raise BadBlock(f'{page}:{line}: blocks are of {", ".join(LANGUAGES)} or of no language, not {language}')
        if token.type != 'paragraph_close':
            before = token


def all_blocks() -> list[Block]:
    """Those of all pages."""
    return [block for page in PAGES for block in blocks_of(page)]


STRICT = 'set +B -euo pipefail\n'
LENIENT = 'set +B\ntrap "exit 0" EXIT\ncommand_not_found_handle() { :; }\nsource() { :; }\n'
RECORDER = '''#!/bin/bash
printf '%s\\0' "$0" "$@" >> "$RECORD"; printf '\\n' >> "$RECORD"
'''


def commands_in(block: Block, scratch: Path) -> list[list[str]]:
    """The commands that bash would run, each in words, with loops and variables done; none is run.

    Args:
        block: a block of bash.
        scratch: an empty folder to work in.

    Raises:
        BadBlock: bash cannot read it, or knows no such command.
    """
    stubs, record = scratch / 'bin', scratch / 'record'
    scripts = [scratch / path.relative_to(ROOT) for path in (ROOT / 'tools').glob('*.sh')]
    for path in (*(stubs / name for name in PROGRAMS), *scripts):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(RECORDER)
        path.chmod(0o755)
    record.touch()
    bash = functools.partial(
        subprocess.run, cwd=scratch, capture_output=True, text=True, env=dict(PATH=str(stubs), RECORD=str(record)))
    result = bash(['/bin/bash', '-nc', block.text])
    if not result.returncode:
        result = bash(['/bin/bash', '-c', (LENIENT if block.not_run else STRICT) + block.text + '\n'])
    if result.returncode:
        raise BadBlock(f'{block}: bash says {result.stderr.strip()}; what is no command of ours or of '
                       f'{", ".join(PROGRAMS)} needs <!-- not run: REASON --> above')
    lines = [line for line in record.read_text().split('\0\n') if line]
    return [[os.path.relpath(words[0], stubs) if words[0].startswith(str(stubs)) else words[0], *words[1:]]
            for words in (line.split('\0') for line in lines)]


def check_command(words: list[str]) -> None:
    """Raise a BadBlock where a command could not run: a tool or module that is missing, an option, choice, config,
    stage, row or file of ours that is not there.
    """
    for path in (found for word in words for found in OURS.findall(word)):
        if not PLACEHOLDER.search(path) and not (ROOT / path).exists() and path not in WRITTEN_BY_READERS:
            raise BadBlock(f'{path}: there is no such file')
    for place, word in enumerate(words):
        if CHOICE.fullmatch(word):  # what the reader chooses from: {mmseg,mmdet}
            for choice in word[1:-1].split(','):
                check_command([*words[:place], choice, *words[place + 1:]])
            return
    program, *rest = words
    if program == 'make':
        _run_or_say(['make', '-n', *rest])
    elif program == 'pip':
        _check_extras(rest)
    elif program.endswith('dist_train.sh'):
        check_tool('tools/train.py', [rest[0], *rest[2:]])
    elif program.endswith('dist_test.sh'):
        check_tool('tools/test.py', [*rest[:2], *rest[3:]])
    elif program.endswith('slurm_train.sh'):
        check_tool('tools/train.py', rest[2:])
    elif program == 'torchrun':
        place = next(index for index, word in enumerate(rest) if word.endswith('.py'))
        check_tool(rest[place], rest[place + 1:])
    elif program == 'mmdepthcp':
        _check_console(rest)
    elif program == 'python' and rest and rest[0] == '-m':
        _check_module(rest[1], rest[2:])
    elif program == 'python' and rest and rest[0].startswith('tools/'):
        check_tool(rest[0], rest[1:])


WRITTEN_BY_READERS = {'configs/own_pretrain.py', 'configs/finetune/own.py', 'work_dirs/mine/config.py'}
"""Configs that docs/own_images.md has its readers write (its blocks are read as configs too), or that a tool writes."""


def _run_or_say(words: list[str]) -> None:
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        raise BadBlock(f'{" ".join(words)}: {result.stderr.strip()}')


@functools.cache
def _setup() -> dict[str, Any]:
    import setuptools

    taken: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setuptools, 'setup', lambda **kwargs: taken.update(kwargs))
        runpy.run_path(str(ROOT / 'setup.py'))
    return taken


def _check_extras(words: list[str]) -> None:
    for word in words:
        for extra in re.findall(r'\[(.*)\]', word):
            if unknown := set(extra.split(',')) - set(_setup()['extras_require']):
                raise BadBlock(f'pip {" ".join(words)}: setup.py has no extra {", ".join(sorted(unknown))}')


def _check_module(name: str, words: list[str]) -> None:
    if importlib.util.find_spec(name) is None:
        raise BadBlock(f'python -m {name}: there is no such module')
    if name == 'benchmarks':
        check_tool('benchmarks/__main__.py', words)


@functools.cache
def tool(path: str) -> SimpleNamespace:
    """What a tool defines, without what it does."""
    return SimpleNamespace(**runpy.run_path(str(ROOT / path), run_name='tool'))


def _check_console(words: list[str]) -> None:
    """Raise a BadBlock where the console command would not take these words."""
    if words == ['--help'] or words[1:] == ['--help']:
        words = words[:-1]
    found = commands()
    if words and words[0] not in found:
        raise BadBlock(f'mmdepthcp {" ".join(words)}: there is no such command')
    if len(words) > 1 and words[0] != 'doctor':
        check_tool(str(found[words[0]].relative_to(ROOT)), words[1:])


def check_tool(path: str, words: list[str]) -> None:
    """Raise a BadBlock where a tool would not take these words."""
    if not (ROOT / path).is_file():
        raise BadBlock(f'{path}: there is no such tool')
    said = io.StringIO()
    command = ' '.join([path, *words])
    try:
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(said):
            patch.setattr(sys, 'argv', [path, *words])
            args = tool(path).parse_args()
    except SystemExit as end:
        raise BadBlock(f'{command}: {said.getvalue() or end}') from None
    try:
        _check_configs(path, args)
    except InputError as error:
        raise BadBlock(f'{command}: {error}') from error


def _check_configs(path: str, args: Any) -> None:
    """Configs are read with the options given; options override what is there, stages, tasks and rows exist."""
    given = [getattr(args, name, None) for name in ('config', 'table', 'student')]
    given += [word for word in getattr(args, 'paths', []) if str(word).endswith('.py')][:1]
    for file in (str(word) for word in given if word and not PLACEHOLDER.search(str(word))):
        if file in WRITTEN_BY_READERS:
            continue
        if path == 'tools/compare.py':
            for name in ('rows', 'tasks'):
                if PLACEHOLDER.search(' '.join(getattr(args, name) or [])):
                    setattr(args, name, None)
            tool(path).keep_only(_table(file), args)
            continue
        config = _config(file)
        options = getattr(args, 'student_options' if file == getattr(args, 'student', None) else 'cfg_options', [])
        for option in options:
            key = option.partition('=')[0] if isinstance(option, str) else option[0]
            if key.partition('.')[0] not in config:
                raise BadBlock(f'{file} has no {key.partition(".")[0]} that {option} could change')
        load_config(file, options) if options else None
        wanted = [*(getattr(args, 'only', None) or []), *filter(None, [getattr(args, 'first', None)])]
        if wanted or path == 'tools/run_pipeline.py':
            from mmdepthcp.experiments.building import read_stages

            names = [stage.name for stage in read_stages(config, file, 'work_dirs/any')]
            if unknown := set(wanted) - set(names):
                raise BadBlock(f'{file}: no stage {", ".join(unknown)}; there are {", ".join(names)}')


@functools.cache
def _config(file: str) -> Any:
    return load_config(file)


@functools.cache
def _table(file: str) -> Any:
    from mmdepthcp.experiments.tables import read_table

    return read_table(file)


STAND_INS = {
    'my_config.py': 'configs/finetune/semantic_fpn_toy.py',
    'my_deeplabv3plus.py': 'configs/finetune/semantic_fpn_toy.py',
    'semantic_fpn_r50_camvid.py': 'configs/finetune/semantic_fpn_r50_camvid.py',
    'depthcp_camvid.py': 'configs/depthcp_camvid.py',
}
"""What `_base_` stands for in the configs that pages have their readers write."""


def check_python(block: Block, scratch: Path) -> None:
    """Raise a BadBlock where a block of Python cannot be compiled, imports or names what does not exist, or is a config
    that cannot be read.
    """
    try:
        tree = ast.parse(block.text)
    except SyntaxError as error:
        raise BadBlock(f'{block}: {error}') from error
    for node in ast.walk(tree):
        for module, name in _imports(node):
            found = importlib.import_module(module) if importlib.util.find_spec(module) else None
            there = not name or hasattr(found, name) or importlib.util.find_spec(f'{module}.{name}')
            if found is None or not there:
                raise BadBlock(f'{block}: there is no {module}{"." + name if name else ""}')
        if isinstance(node, ast.keyword) and node.arg == 'type' and isinstance(node.value, ast.Constant):
            _check_type(str(node.value.value), block)
    bases = re.findall(r"^_base_ = '(.*)'", block.text, re.MULTILINE)
    if bases:
        if bases[0] not in STAND_INS:
            raise BadBlock(f'{block}: STAND_INS of tests/doc_blocks.py does not say what {bases[0]} is')
        file = scratch / 'config.py'
        file.write_text(block.text.replace(f"'{bases[0]}'", repr(str(ROOT / STAND_INS[bases[0]])), 1))
        try:
            load_config(file)
        except InputError as error:
            raise BadBlock(f'{block}: {error}') from error


def _imports(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, '') for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from ((str(node.module), alias.name) for alias in node.names)


def _check_type(name: str, block: Block) -> None:
    from mmengine.registry import Registry

    from mmdepthcp import registry

    register_modules()
    registries = [part for part in vars(registry).values() if isinstance(part, Registry)]
    if name.startswith('mmdepthcp.') and not any(name.partition('.')[2] in part.module_dict for part in registries):
        raise BadBlock(f'{block}: nothing is registered as {name}')


def check(block: Block, scratch: Path) -> None:
    """Raise a BadBlock where a block cannot be right. Of a marked block of bash, what is no command of ours may be
    anything.
    """
    if block.language == 'python':
        return check_python(block, scratch)
    for words in commands_in(block, scratch):
        try:
            check_command(words)
        except BadBlock as fault:
            raise BadBlock(f'{block}: {fault}') from fault
