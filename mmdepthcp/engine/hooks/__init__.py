from .epoch_seed import EpochSeedHook
from .mono_depth_watch import MonoDepthWatchHook
from .pretrained_check import PretrainedCheckHook
from .swav_monitor import SwAVMonitorHook

__all__ = ['EpochSeedHook', 'MonoDepthWatchHook', 'PretrainedCheckHook', 'SwAVMonitorHook']
