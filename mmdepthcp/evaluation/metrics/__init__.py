from .depth import MonoDepthMetric
from .segmentation import UnsupervisedSegMetric
