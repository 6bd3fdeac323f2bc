from .semantic_fpn import SemanticFPNFeatures
from .stego import LinearProbe, STEGOHead

__all__ = ['LinearProbe', 'STEGOHead', 'SemanticFPNFeatures']
