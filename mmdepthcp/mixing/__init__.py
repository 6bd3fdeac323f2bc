from .depth_mix import class_masks, depth_masks, mix, normalised_disparity
from .matches import Matches, sample_pixel_matches, sample_region_matches
from .pastes import Pastes, PasteSettings, sample_pastes
from .rasteriser import NO_COPY
from .regions import RegionPool, pool_regions
from .zbuffer import Copies, MixedViews, render_views
