from .coarse import Cityscapes27Dataset, COCOStuff27Dataset, Potsdam3Dataset
from .crops import FiveCropDataset
from .feature_cache import FeatureCache
from .groups import ImageGroupDataset, NeighbourPairDataset
from .labelled_clips import LabelledClipDataset
from .samplers import EndlessSampler, EpochSampler
from .seeded import SeededConcatDataset, SeededDataset
from .semi import LabelledUnlabelledDataset
from .street import (
    CamVidStreetDataset,
    CityscapesStreetDataset,
    KITTIStreetDataset,
    StreetDataset,
    ToyStreetDataset,
)
from .video import VideoClipDataset
