from .features import FrozenFeatures, hypercolumns
from .heads import KNNHead, LinearProbeHead

__all__ = ['FrozenFeatures', 'KNNHead', 'LinearProbeHead', 'hypercolumns']
