from .unsupervised import KMeansReadout, SegmentsByClusters, UnsupervisedSegmentor

__all__ = ['KMeansReadout', 'SegmentsByClusters', 'UnsupervisedSegmentor']
