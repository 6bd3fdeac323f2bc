"""What other programs call: inference, preparation of whole trees, export."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .export import ExportReport, export_backbone
    from .segmentation_inference import UnsupervisedSegInferencer

__all__ = ['ExportReport', 'UnsupervisedSegInferencer', 'export_backbone']

_MODULES = dict(
    ExportReport='export', export_backbone='export', UnsupervisedSegInferencer='segmentation_inference')


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for, so that the tools' ``--help`` need not load the mm* packages."""
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{_MODULES[name]}'), name)
