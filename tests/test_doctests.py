"""The examples in docstrings, wherever there are some."""

import doctest
import importlib
from pathlib import Path

import pytest

import mmdepthcp

PACKAGE = Path(mmdepthcp.__file__).parent
MODULES = ['.'.join(path.relative_to(PACKAGE.parent).with_suffix('').parts) for path in sorted(PACKAGE.rglob('*.py'))
           if '>>> ' in path.read_text()]


@pytest.mark.parametrize('name', MODULES)
def test_examples(name):
    failed, attempted = doctest.testmod(importlib.import_module(name))
    assert attempted and not failed
