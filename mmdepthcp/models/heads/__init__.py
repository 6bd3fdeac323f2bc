from .picie import SummedPyramidHead
from .semantic_fpn import SemanticFPNFeatures
from .stego import STEGOHead

__all__ = ['STEGOHead', 'SemanticFPNFeatures', 'SummedPyramidHead']
