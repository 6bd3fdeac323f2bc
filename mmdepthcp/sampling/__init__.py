"""Choosing a few of many: the points that lie farthest from each other, the images that are most alike, those that are
worth labels.
"""

from .descriptors import channel_moments, pooled, standardised
from .difficulty import depth_error, mean_entropy
from .farthest import farthest_points, read_points, to_grid
from .greedy import greedy_selection, largest_first
from .neighbours import nearest_neighbours, read_made_of, read_neighbours, write_neighbours

__all__ = ['channel_moments', 'depth_error', 'farthest_points', 'greedy_selection', 'largest_first', 'mean_entropy',
           'nearest_neighbours', 'pooled', 'read_made_of', 'read_neighbours', 'read_points', 'standardised',
           'to_grid', 'write_neighbours']
