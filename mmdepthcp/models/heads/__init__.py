from .aspp_unet import AsppUNetHead
from .pad import AttentionGate, PADHead, PADOutputs
from .picie import SummedPyramidHead
from .semantic_fpn import SemanticFPNFeatures
from .stego import STEGOHead

__all__ = [
    'AsppUNetHead', 'AttentionGate', 'PADHead', 'PADOutputs', 'STEGOHead', 'SemanticFPNFeatures', 'SummedPyramidHead',
]
