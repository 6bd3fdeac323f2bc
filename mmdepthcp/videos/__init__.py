"""Frames from video files and from folders of frames: which of them show a street that moves, and where it is in them.
"""

from .bonnet import BonnetSearch
from .camera import find_intrinsics, intrinsics_of_field_of_view, intrinsics_of_film_focal_length
from .extraction import extract_frames
from .reading import FrameReader, Source, find_sources
from .shots import ShotSplitter, apparent_motion, is_blank, likeness, to_small_grey

__all__ = ['BonnetSearch', 'FrameReader', 'ShotSplitter', 'Source', 'apparent_motion', 'extract_frames',
           'find_intrinsics', 'find_sources', 'intrinsics_of_field_of_view', 'intrinsics_of_film_focal_length',
           'is_blank', 'likeness', 'to_small_grey']
