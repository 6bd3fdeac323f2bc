from .depthcp import DepthCP
from .matches import BatchMatches, join_matches, sample_features
from .swav import SwAV

__all__ = ['BatchMatches', 'DepthCP', 'SwAV', 'join_matches', 'sample_features']
