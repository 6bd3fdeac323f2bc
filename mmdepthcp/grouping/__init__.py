"""Superpixels, their graph, and coherent depth regions (Zeng et al., BMVC 2022)."""

from .clustering import agglomerate, cluster_hierarchy, infomap, louvain_map_equation, map_equation
from .graph import (
    DEFAULT_WEIGHTS,
    PAPER_PLAIN_WEIGHTS,
    PAPER_WEIGHTS,
    EdgeWeights,
    SuperpixelAttributes,
    adjacent_pairs,
    edge_terms,
    edge_weights,
    standardise,
    superpixel_attributes,
)
from .learnt import EdgeFit, EdgeModel, agreement, learn_edges, pool_features
from .quality import (
    RegionQuality,
    achievable_accuracy,
    boundary_recall,
    mean_iou,
    oracle_confusion,
    under_segmentation_error,
)
from .regions import (
    KITTI_INTRINSICS,
    PRESETS,
    GroupingParams,
    SuperpixelGraph,
    group_regions,
    join_superpixels,
    merge_small,
    split_disconnected,
    superpixel_graph,
)
from .superpixels import connected_components, slic

__all__ = [
    'DEFAULT_WEIGHTS', 'KITTI_INTRINSICS', 'PAPER_PLAIN_WEIGHTS', 'PAPER_WEIGHTS', 'PRESETS', 'EdgeFit', 'EdgeModel',
    'EdgeWeights', 'GroupingParams', 'RegionQuality', 'SuperpixelAttributes', 'SuperpixelGraph', 'achievable_accuracy',
    'adjacent_pairs', 'agglomerate', 'agreement', 'boundary_recall', 'cluster_hierarchy', 'connected_components',
    'edge_terms', 'edge_weights', 'group_regions', 'infomap', 'join_superpixels', 'learn_edges', 'louvain_map_equation',
    'map_equation', 'mean_iou', 'merge_small', 'oracle_confusion', 'pool_features', 'slic', 'split_disconnected',
    'standardise', 'superpixel_attributes', 'superpixel_graph', 'under_segmentation_error',
]
