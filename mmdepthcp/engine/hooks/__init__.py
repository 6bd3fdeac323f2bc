from .epoch_seed import EpochSeedHook
from .mono_depth_watch import MonoDepthWatchHook
from .swav_monitor import SwAVMonitorHook

__all__ = ['EpochSeedHook', 'MonoDepthWatchHook', 'SwAVMonitorHook']
