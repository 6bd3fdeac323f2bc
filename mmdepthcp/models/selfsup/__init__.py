from .depthcp import DepthCP
from .depthg import DepthG
from .matches import BatchMatches, join_matches, sample_features
from .swav import SwAV

__all__ = ['BatchMatches', 'DepthCP', 'DepthG', 'SwAV', 'join_matches', 'sample_features']
