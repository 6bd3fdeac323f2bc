from .data_preprocessor import MonoDepthDataPreprocessor
from .decoder import ASPP, DepthDecoder
from .losses import (
    ReprojectionError,
    automask,
    feature_distance,
    over_sources,
    photometric_error,
    smoothness_loss,
    window_moments,
)
from .mono_depth import MonoDepth, blend_with_mirror
from .pose_net import IntrinsicsHead, PoseDecoder, PoseNet
from .resnet import DepthResNet

__all__ = [
    'ASPP', 'DepthDecoder', 'DepthResNet', 'IntrinsicsHead', 'MonoDepth', 'MonoDepthDataPreprocessor',
    'PoseDecoder', 'PoseNet', 'ReprojectionError', 'automask', 'blend_with_mirror', 'feature_distance',
    'over_sources', 'photometric_error', 'smoothness_loss', 'window_moments',
]
