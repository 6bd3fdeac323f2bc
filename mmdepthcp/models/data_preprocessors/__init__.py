from .mono_depth import MonoDepthDataPreprocessor
from .segmentation import SegDataPreProcessor
from .views import DepthCPDataPreprocessor, DepthGDataPreprocessor

__all__ = ['DepthCPDataPreprocessor', 'DepthGDataPreprocessor', 'MonoDepthDataPreprocessor', 'SegDataPreProcessor']
