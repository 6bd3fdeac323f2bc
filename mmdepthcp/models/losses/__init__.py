from .swapped_prediction import SwappedPrediction, perplexity, sinkhorn, swapped_prediction_loss
from .swav import SwAVLoss

__all__ = ['SwAVLoss', 'SwappedPrediction', 'perplexity', 'sinkhorn', 'swapped_prediction_loss']
