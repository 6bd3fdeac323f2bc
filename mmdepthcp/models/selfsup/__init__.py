from .depthcp import DepthCP
from .depthg import DepthG
from .matches import BatchMatches, join_matches, sample_features
from .picie import PiCIE
from .pixpro import PixPro
from .swav import SwAV

__all__ = ['BatchMatches', 'DepthCP', 'DepthG', 'PiCIE', 'PixPro', 'SwAV', 'join_matches', 'sample_features']
