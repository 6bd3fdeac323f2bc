from .pixpro import PixelProjector, PixelPropagation

__all__ = ['PixelProjector', 'PixelPropagation']
