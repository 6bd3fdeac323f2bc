from .pose import inverse_pose, pose_matrix, rotation_matrix
from .view_synthesis import (
    depth_to_sigmoid,
    parallax_terms,
    pixel_intrinsics,
    scale_disparity,
    source_coordinates,
    warp,
)
