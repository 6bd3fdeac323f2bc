from .colour import StrongColours
from .copy_paste import CopyPaste, SampleMatches
from .depth import NoteDepthRange, StretchDisparity
from .formatting import PackDisparity, PackFeaturePairs, PackMixedViews, view_of
from .geometry import (
    CenterCrop,
    CentreSquare,
    Pad,
    RandomCrop,
    RandomFlip,
    Resize,
    ResizeShortSide,
    ScoreAtThisSize,
)
from .grouping import DepthRegionGrouping
from .loading import LoadDisparity, LoadImage, LoadLabels, LoadRegions, ResizeStreet, WorkingSize
from .two_views import EquivariantViews, PackTwoViews, TwoViews
from .video import (
    ColorJitterClip,
    CropClip,
    FlipClip,
    LoadClip,
    PackMonoInputs,
    ResizeClip,
)
