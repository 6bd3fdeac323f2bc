from __future__ import annotations

import gc
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
def notices() -> Iterator[list[str]]:
    """What goes to the log, from INFO up."""
    from mmengine.logging import MMLogger
    messages: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    logger, handler = MMLogger.get_current_instance(), Handler('INFO')
    logger.addHandler(handler)
    yield messages
    logger.removeHandler(handler)


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


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Iterator[Any]:
    """Spell out names that are not UTF-8 in reports: pytest-xdist could not send them, and would end the session."""
    return _encodable((yield))


def _encodable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _encodable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encodable(item) for item in value]
    return value.encode(errors='backslashreplace').decode() if isinstance(value, str) else value
