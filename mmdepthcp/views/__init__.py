from .colour import ColourSettings, sample_colours
from .crops import ViewSettings, sample_view_crops
