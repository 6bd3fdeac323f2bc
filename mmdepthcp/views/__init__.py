from .boxes import oriented_box, pool_cells, sample_box
from .colour import ColourSettings, recolour, sample_colours
from .crops import ViewSettings, sample_view_crops
from .five import crop_share, five_boxes
from .pairs import CellPairs, DepthFilter, depth_difference
from .tensor_colour import STRONG, blur_side, gaussian_blur, recolour_batch, strong_colours
