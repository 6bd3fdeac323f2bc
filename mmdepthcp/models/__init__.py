"""Models and their parts. All modules below are imported, so that what they register has a name in configs."""

from importlib import import_module
from pkgutil import walk_packages

from .backbones import DepthResNet
from .data_preprocessors import DepthCPDataPreprocessor, DepthGDataPreprocessor, SegDataPreProcessor
from .depth import DepthDecoder, MonoDepth, MonoDepthDataPreprocessor, PoseNet
from .heads import LinearProbe, SemanticFPNFeatures, STEGOHead
from .probes import FrozenFeatures, KNNHead, LinearProbeHead
from .segmentors import ClusterProbe, UnsupervisedSegmentor
from .selfsup import DepthCP, DepthG, SwAV
from .sync_batch_norm import CPUDataParallel

for _module in walk_packages(__path__, f'{__name__}.'):
    import_module(_module.name)
