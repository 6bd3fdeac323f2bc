"""Models and their parts. All modules below are imported, so that what they register has a name in configs."""

from importlib import import_module
from pkgutil import walk_packages

from .backbones import DepthResNet, FrozenFeatures
from .data_preprocessors import (
    DepthCPDataPreprocessor,
    DepthGDataPreprocessor,
    MonoDepthDataPreprocessor,
    MultiTaskDataPreprocessor,
    SegDataPreProcessor,
    SemiDataPreprocessor,
    TwoViewsDataPreprocessor,
)
from .depth import DepthDecoder, MonoDepth, PoseNet
from .heads import AsppUNetHead, PADHead, SemanticFPNFeatures, STEGOHead, SummedPyramidHead
from .necks import PixelProjector, PixelPropagation
from .probes import ClusterProbe, KNNHead, LinearProbe, LinearProbeHead
from .segmentors import MeanTeacherSegmentor, MultiTaskDepthSegmentor, UnsupervisedSegmentor
from .selfsup import DepthCP, DepthG, PiCIE, PixPro, SwAV
from .wrappers import CPUDataParallel

for _module in walk_packages(__path__, f'{__name__}.'):
    import_module(_module.name)
