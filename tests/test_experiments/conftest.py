import pytest
from tiny_stages import TOOL

from mmdepthcp.utils import resources


@pytest.fixture
def root(tmp_path, monkeypatch):
    (tmp_path / 'tools').mkdir()
    for name in ('write.py', 'train.py'):
        (tmp_path / 'tools' / name).write_text(TOOL)
    monkeypatch.setattr(resources, 'ROOT', tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def work(root):
    return root / 'work'
