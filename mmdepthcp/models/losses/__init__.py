from .swapped_prediction import SwappedPrediction, perplexity, sinkhorn, swapped_prediction_loss

__all__ = ['SwappedPrediction', 'perplexity', 'sinkhorn', 'swapped_prediction_loss']
