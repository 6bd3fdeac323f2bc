from __future__ import annotations

import gc
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

cv2.setNumThreads(0)


@pytest.fixture(scope='session')
def data_root() -> Path:
    """Folder of the real data packs (``camvid``, ``kitti_sample``); tests that need it are skipped without."""
    root = Path(os.environ.get('MMDEPTHCP_DATA', Path(__file__).parents[2] / 'shared/data'))
    if not root.is_dir():
        pytest.skip(f'no real data at {root} (MMDEPTHCP_DATA)')
    return root


@pytest.fixture(scope='module', autouse=True)
def default_scope() -> Iterator[None]:
    """Give every test file the default registry scope that the session began with; runners change it."""
    from mmengine.registry import DefaultScope
    before = DefaultScope._instance_dict.copy()
    yield
    DefaultScope._instance_dict.clear()
    DefaultScope._instance_dict.update(before)


@pytest.fixture
def unused_port() -> int:
    """A port of this machine for the processes of a distributed test."""
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        return server.getsockname()[1]


def pytest_collection_finish() -> None:
    """Keep the imported modules out of garbage collection, which every MMEngine data set runs when it is built."""
    gc.collect()
    gc.freeze()
