from . import heads, losses
from .backbones import DepthResNet
from .data_preprocessors import DepthCPDataPreprocessor, SegDataPreProcessor
from .depth import DepthDecoder, MonoDepth, MonoDepthDataPreprocessor, PoseNet
from .heads import SemanticFPNFeatures
from .probes import FrozenFeatures, KNNHead, LinearProbeHead
from .segmentors import ClusterProbe, UnsupervisedSegmentor
from .selfsup import DepthCP, SwAV
from .sync_batch_norm import CPUDataParallel
