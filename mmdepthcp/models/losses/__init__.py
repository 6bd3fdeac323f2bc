from .berhu import berhu_loss
from .correlation import centre, correlation, correlation_loss, depth_correlation, legacy_depth_correlation
from .hidden_positive import attention_neighbours, depth_neighbours, propagate
from .picie import cluster_weights, moved_centroids, nearest_centroids, picie_loss, weighted_cross_entropy
from .pixpro import pair_targets, pixcontrast_loss, pixpro_loss
from .pseudo_label import pseudo_label_loss, pseudo_label_weight, pseudo_labels
from .swapped_prediction import SwappedPrediction, perplexity, sinkhorn, swapped_prediction_loss
from .swav import SwAVLoss
from .view_synthesis import (
    ReprojectionError,
    ViewSynthesisLoss,
    automask,
    feature_distance,
    over_sources,
    photometric_error,
    scale_loss,
    smoothness_loss,
    window_moments,
)

__all__ = [
    'ReprojectionError', 'SwAVLoss', 'SwappedPrediction', 'ViewSynthesisLoss', 'attention_neighbours', 'automask',
    'berhu_loss', 'centre', 'cluster_weights', 'correlation', 'correlation_loss', 'depth_correlation',
    'depth_neighbours', 'feature_distance', 'legacy_depth_correlation', 'moved_centroids', 'nearest_centroids',
    'over_sources', 'pair_targets', 'perplexity', 'photometric_error', 'picie_loss', 'pixcontrast_loss',
    'pixpro_loss', 'propagate', 'pseudo_label_loss', 'pseudo_label_weight', 'pseudo_labels', 'scale_loss',
    'sinkhorn', 'smoothness_loss', 'swapped_prediction_loss', 'weighted_cross_entropy', 'window_moments',
]
