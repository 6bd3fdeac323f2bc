from .mono_depth import MonoDepthDataPreprocessor
from .segmentation import SegDataPreProcessor
from .semi import SemiDataPreprocessor
from .views import DepthCPDataPreprocessor, DepthGDataPreprocessor, TwoViewsDataPreprocessor

__all__ = [
    'DepthCPDataPreprocessor', 'DepthGDataPreprocessor', 'MonoDepthDataPreprocessor', 'SegDataPreProcessor',
    'SemiDataPreprocessor', 'TwoViewsDataPreprocessor',
]
