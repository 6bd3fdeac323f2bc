from .class_list import ClassListHook
from .epoch_seed import EpochSeedHook
from .feature_bank import FeatureBankHook
from .mono_depth_watch import MonoDepthWatchHook
from .pretrained_check import PretrainedCheckHook
from .swav_monitor import SwAVMonitorHook

__all__ = [
    'ClassListHook',
    'EpochSeedHook',
    'FeatureBankHook',
    'MonoDepthWatchHook',
    'PretrainedCheckHook',
    'SwAVMonitorHook',
]
