from .class_list import ClassListHook
from .feature_bank import FeatureBankHook
from .mono_depth_watch import MonoDepthWatchHook
from .pretrained_check import PretrainedCheckHook
from .seeds import EpochSeedHook, IterSeedHook
from .swav_monitor import SwAVMonitorHook

__all__ = [
    'ClassListHook',
    'EpochSeedHook',
    'FeatureBankHook',
    'IterSeedHook',
    'MonoDepthWatchHook',
    'PretrainedCheckHook',
    'SwAVMonitorHook',
]
