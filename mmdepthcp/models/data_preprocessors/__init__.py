from .mono_depth import MonoDepthDataPreprocessor
from .multi_task import MultiTaskDataPreprocessor
from .segmentation import SegDataPreProcessor
from .semi import SemiDataPreprocessor
from .views import DepthCPDataPreprocessor, DepthGDataPreprocessor, TwoViewsDataPreprocessor

__all__ = [
        'DepthCPDataPreprocessor', 'DepthGDataPreprocessor', 'MonoDepthDataPreprocessor', 'MultiTaskDataPreprocessor',
    'SegDataPreProcessor', 'SemiDataPreprocessor', 'TwoViewsDataPreprocessor',
]
