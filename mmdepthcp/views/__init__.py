from .colour import ColourSettings, sample_colours
from .crops import ViewSettings, sample_view_crops
from .five import crop_share, five_boxes
