from .mean_teacher import MeanTeacherSegmentor
from .unsupervised import KMeansReadout, SegmentsByClusters, UnsupervisedSegmentor

__all__ = ['KMeansReadout', 'MeanTeacherSegmentor', 'SegmentsByClusters', 'UnsupervisedSegmentor']
