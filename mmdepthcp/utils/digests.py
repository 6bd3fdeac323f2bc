"""Digests that tell whether what was made of settings or weights is made of the same ones now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


def digest_of_settings(*settings: Any) -> str:
    """A digest of configs, whatever the order of their keys, without ``init_cfg``, which loading weights overrules."""

    def without_start(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): without_start(entry) for key, entry in value.items() if key != 'init_cfg'}
        return list(map(without_start, value)) if isinstance(value, (list, tuple)) else value

    text = json.dumps(without_start(settings), sort_keys=True, default=repr)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def digest_of_weights(module: nn.Module) -> str:
    """A digest of all parameters and buffers of a network."""
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in module.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.cpu().numpy().tobytes())
    return digest.hexdigest()
