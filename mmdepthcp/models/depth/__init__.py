from .decoder import ASPP, DepthDecoder
from .mono_depth import MonoDepth
from .network import DepthNetwork, blend_with_mirror
from .pose_net import IntrinsicsHead, PoseDecoder, PoseNet
from .regressor import DepthRegressor

__all__ = ['ASPP', 'DepthDecoder', 'DepthNetwork', 'DepthRegressor', 'IntrinsicsHead', 'MonoDepth', 'PoseDecoder',
           'PoseNet', 'blend_with_mirror']
