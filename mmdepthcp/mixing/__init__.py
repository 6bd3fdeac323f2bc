from .matches import Matches, sample_pixel_matches, sample_region_matches
from .pastes import Pastes, PasteSettings, ViewSettings, sample_pastes, sample_view_crops
from .rasteriser import NO_COPY
from .regions import RegionPool, pool_regions
from .zbuffer import Copies, MixedViews, render_views
