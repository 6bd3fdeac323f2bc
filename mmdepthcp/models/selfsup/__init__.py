from .depthcp import DepthCP
from .depthg import DepthG
from .matches import BatchMatches, join_matches, sample_features
from .pixpro import PixPro
from .swav import SwAV

__all__ = ['BatchMatches', 'DepthCP', 'DepthG', 'PixPro', 'SwAV', 'join_matches', 'sample_features']
