from .decoder import ASPP, DepthDecoder
from .mono_depth import MonoDepth, blend_with_mirror
from .pose_net import IntrinsicsHead, PoseDecoder, PoseNet

__all__ = ['ASPP', 'DepthDecoder', 'IntrinsicsHead', 'MonoDepth', 'PoseDecoder', 'PoseNet', 'blend_with_mirror']
