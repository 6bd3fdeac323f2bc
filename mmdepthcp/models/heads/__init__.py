from .semantic_fpn import SemanticFPNFeatures

__all__ = ['SemanticFPNFeatures']
