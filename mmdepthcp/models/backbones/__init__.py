from .depth_resnet import DepthResNet
from .dino_vit import DINOViT
from .frozen_features import FrozenFeatures, hypercolumns

__all__ = ['DINOViT', 'DepthResNet', 'FrozenFeatures', 'hypercolumns']
