from .clusters import ClusterProbe
from .unsupervised import KMeansReadout, SegmentsByClusters, UnsupervisedSegmentor

__all__ = ['ClusterProbe', 'KMeansReadout', 'SegmentsByClusters', 'UnsupervisedSegmentor']
