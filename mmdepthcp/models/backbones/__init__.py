from .depth_resnet import DepthResNet

__all__ = ['DepthResNet']
