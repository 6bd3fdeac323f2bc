"""What this package adds to the registries."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine.registry import Registry

from mmdepthcp import registry
from mmdepthcp.cli.tools import register_modules


def registered_types() -> Iterator[tuple[str, type]]:
    """Each type with the name of its registry; those that need mmdet, in ``instances.py``, are left out, for configs
    import them.
    """
    register_modules()
    for name, member in vars(registry).items():
        if isinstance(member, Registry):
            yield from ((name, kind) for kind in member.module_dict.values()
                        if kind.__module__.startswith('mmdepthcp.') and not kind.__module__.endswith('.instances'))
