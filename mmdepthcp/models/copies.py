"""Networks whose weights are those of another one."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

Module = TypeVar('Module', bound=nn.Module)


def as_copy(module: Module) -> Module:
    """A module whose weights are to come from another one in the model, and so from no file: neither MMEngine nor
    :class:`mmdepthcp.engine.hooks.PretrainedCheckHook` looks for them there.
    """
    for part in module.modules():
        if getattr(part, 'init_cfg', None) is not None:
            part.init_cfg = None
    return module
