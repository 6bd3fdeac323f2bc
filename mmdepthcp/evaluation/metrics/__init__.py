from .borders import BorderIoUMetric
from .depth import MonoDepthMetric
from .segmentation import UnsupervisedSegMetric
