from .constructors import OneDimensionalExclude

__all__ = ['OneDimensionalExclude']
