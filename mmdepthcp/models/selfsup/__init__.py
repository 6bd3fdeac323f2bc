from .depthcp import DepthCP
from .matches import Matches, join_matches, sample_features

__all__ = ['DepthCP', 'Matches', 'join_matches', 'sample_features']
