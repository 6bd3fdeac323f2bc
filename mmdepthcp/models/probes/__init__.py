from .clusters import ClusterProbe
from .heads import KNNHead, LinearProbeHead
from .linear import LinearProbe

__all__ = ['ClusterProbe', 'KNNHead', 'LinearProbe', 'LinearProbeHead']
