"""The model of a run."""

from __future__ import annotations

from typing import Any

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner


def plain_model(runner: Runner) -> Any:
    """The model that a runner trains or tests, out of the wrapper that several processes put around it."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model
