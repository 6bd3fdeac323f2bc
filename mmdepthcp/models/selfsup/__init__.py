from .depthcp import DepthCP
from .matches import BatchMatches, join_matches, sample_features

__all__ = ['BatchMatches', 'DepthCP', 'join_matches', 'sample_features']
