"""Choosing a few of many: the points that lie farthest from each other."""

from .farthest import farthest_points, random_cells, to_grid

__all__ = ['farthest_points', 'random_cells', 'to_grid']
