from .mono_depth import MonoDepthDataPreprocessor
from .segmentation import SegDataPreProcessor
from .views import DepthCPDataPreprocessor, DepthGDataPreprocessor, TwoViewsDataPreprocessor

__all__ = [
    'DepthCPDataPreprocessor', 'DepthGDataPreprocessor', 'MonoDepthDataPreprocessor', 'SegDataPreProcessor',
    'TwoViewsDataPreprocessor',
]
