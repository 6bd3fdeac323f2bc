from .groups import ImageGroupDataset
from .samplers import EpochSampler
from .seeded import SeededConcatDataset, SeededDataset
from .street import (
    CamVidStreetDataset,
    CityscapesStreetDataset,
    KITTIStreetDataset,
    StreetDataset,
    ToyStreetDataset,
)
from .video import VideoClipDataset
