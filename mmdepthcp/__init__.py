"""Segmentation pretraining on unlabelled street video, guided by depth."""

from typing import TYPE_CHECKING, Any

from mmdepthcp.utils.moved import find_old_names

if TYPE_CHECKING:
    from .apis.backbones import load_backbone
    from .apis.export import export_backbone
    from .apis.onnx_export import export_onnx
    from .apis.segmentation_inference import segment
    from .experiments.video_pretraining import pretrain
    from .preparation.embedding import embed

__version__ = '0.1.0'

find_old_names()

_LAZY = {
    'embed': 'mmdepthcp.preparation.embedding',
    'export_backbone': 'mmdepthcp.apis.export',
    'export_onnx': 'mmdepthcp.apis.onnx_export',
    'load_backbone': 'mmdepthcp.apis.backbones',
    'pretrain': 'mmdepthcp.experiments.video_pretraining',
    'segment': 'mmdepthcp.apis.segmentation_inference',
}
"""Public function → its module, which is imported when the function is asked for: ``import mmdepthcp`` stays light."""

__all__ = [*_LAZY]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _LAZY:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
