from .calibration import CalibrationHook
from .checkpoint import CheckpointHook
from .class_list import ClassListHook
from .feature_bank import FeatureBankHook
from .feature_cache import FeatureCacheHook
from .finite_loss import FiniteLossHook
from .kmeans import KMeansHook
from .mono_depth_watch import MonoDepthWatchHook
from .neighbour_check import NeighbourCheckHook
from .picie_clusters import PiCIEClusterHook
from .pretrained_check import PretrainedCheckHook
from .resume import ResumeHook
from .seeds import EpochSeedHook, IterSeedHook
from .similarity_histogram import SimilarityHistogramHook
from .swav_monitor import SwAVMonitorHook
from .teacher_update import TeacherUpdateHook
from .validation_record import ValidationRecordHook

__all__ = [
    'CalibrationHook',
    'CheckpointHook',
    'ClassListHook',
    'EpochSeedHook',
    'FeatureBankHook',
    'FeatureCacheHook',
    'FiniteLossHook',
    'IterSeedHook',
    'KMeansHook',
    'MonoDepthWatchHook',
    'NeighbourCheckHook',
    'PiCIEClusterHook',
    'PretrainedCheckHook',
    'ResumeHook',
    'SimilarityHistogramHook',
    'SwAVMonitorHook',
    'TeacherUpdateHook',
    'ValidationRecordHook',
]
