from .clusters import ClusterProbe
from .unsupervised import SegmentsByClusters, UnsupervisedSegmentor

__all__ = ['ClusterProbe', 'SegmentsByClusters', 'UnsupervisedSegmentor']
