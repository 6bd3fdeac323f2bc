from .mean_teacher import MeanTeacherSegmentor
from .multi_task import MultiTaskDepthSegmentor
from .unsupervised import KMeansReadout, SegmentsByClusters, UnsupervisedSegmentor

__all__ = [
    'KMeansReadout', 'MeanTeacherSegmentor', 'MultiTaskDepthSegmentor', 'SegmentsByClusters', 'UnsupervisedSegmentor'
]
