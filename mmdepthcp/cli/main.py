"""The console command ``mmdepthcp``: every file of tools/ by its name, wherever the package is installed.

``mmdepthcp infer-depth ...`` is ``python tools/infer_depth.py ...``; a config such as ``configs/depthcp_toy.py`` that
is not in the current folder is the one that comes with the package.
"""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Sequence
from pathlib import Path

import mmdepthcp
from mmdepthcp.cli.tools import errors_in_words
from mmdepthcp.cli.words import nearest
from mmdepthcp.utils.resources import ROOT

USAGE = 2
"""Exit code of a command line that cannot be understood, as argparse has it."""

SHORT = {'run_pipeline': 'run', 'pretrain_videos': 'pretrain'}
"""Names of commands that are not those of their files."""

LONGEST = 90
"""Characters of a description."""

FIRST = ('pretrain', 'run', 'train', 'test', 'doctor')
"""Commands that are listed before the others."""


def commands() -> dict[str, Path]:
    """File of every command, by name."""
    files = [path for folder in ('tools', 'tools/dataset_converters') for path in sorted((ROOT / folder).glob('*.py'))]
    found = {SHORT.get(path.stem, path.stem.replace('_', '-')): path for path in files}
    found['doctor'] = Path(mmdepthcp.__file__).with_name('doctor.py')
    return {name: found[name] for name in (*(name for name in FIRST if name in found), *sorted(found.keys() - FIRST))}


def described(path: Path) -> str:
    """The first sentence of a file's docstring, of a long one what stands before the colon."""
    text = ' '.join((ast.get_docstring(ast.parse(path.read_text(encoding='utf-8'))) or '').split())
    sentence = text.partition('. ')[0].rstrip('.')
    return sentence if len(sentence) <= LONGEST else sentence.partition(': ')[0]


def overview() -> str:
    """All commands with what they do."""
    found = commands()
    width = max(map(len, found))
    lines = [f'  {name:<{width}}  {described(path)}' for name, path in found.items()]
    return '\n'.join([
        'usage: mmdepthcp COMMAND ...', '       mmdepthcp COMMAND --help', '', mmdepthcp.__doc__ or '', '', 'commands',
        *lines, '', f'configs and tools: {ROOT}'])


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, which may end the program; else return the exit code."""
    name, *words = (sys.argv[1:] if argv is None else argv) or ['--help']
    if name in ('-h', '--help', '--version'):
        with errors_in_words():
            print(mmdepthcp.__version__ if name == '--version' else overview())
        return 0
    found = commands()
    path = found.get(SHORT.get(name.replace('-', '_'), name.replace('_', '-')))
    if path is None:
        print(f'mmdepthcp: there is no command {name}{nearest(name, found)}; mmdepthcp --help lists all',
              file=sys.stderr)
        return USAGE
    sys.argv = [f'mmdepthcp {name}', *words]
    module = sys.modules['__main__'] = types.ModuleType('__main__')
    module.__file__ = str(path)
    exec(compile(path.read_bytes(), path, 'exec'), vars(module))
    return 0


if __name__ == '__main__':
    sys.exit(main())
