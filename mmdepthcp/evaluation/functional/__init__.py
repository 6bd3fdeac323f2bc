from .borders import near_borders
from .clustering import assign_clusters, cluster_features, cluster_prototypes, colour_position_features
from .depth import constant_abs_rel, crop_window, depth_errors, evaluate_depth, valid_pixels
from .segmentation import (
    MatchedScores,
    add_confusions,
    cluster_confusion,
    match_and_score,
    nearest,
    protocol_name,
    score_classes,
    score_record,
)
