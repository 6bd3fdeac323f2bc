from .swapped_prediction import SwappedPrediction, perplexity, sinkhorn, swapped_prediction_loss
from .swav import SwAVLoss
from .view_synthesis import (
    ReprojectionError,
    ViewSynthesisLoss,
    automask,
    feature_distance,
    over_sources,
    photometric_error,
    smoothness_loss,
    window_moments,
)

__all__ = [
    'ReprojectionError', 'SwAVLoss', 'SwappedPrediction', 'ViewSynthesisLoss', 'automask', 'feature_distance',
    'over_sources', 'perplexity', 'photometric_error', 'sinkhorn', 'smoothness_loss', 'swapped_prediction_loss',
    'window_moments',
]
