"""Choosing a few of many: the points that lie farthest from each other, the images that are most alike."""

from .farthest import farthest_points, read_points, to_grid
from .neighbours import nearest_neighbours, read_made_of, read_neighbours, write_neighbours

__all__ = ['farthest_points', 'nearest_neighbours', 'read_made_of', 'read_neighbours', 'read_points',
           'to_grid', 'write_neighbours']
