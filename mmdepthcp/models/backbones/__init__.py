from .depth_resnet import DepthResNet
from .dino_vit import DINOViT

__all__ = ['DINOViT', 'DepthResNet']
