"""Segmentation pretraining on unlabelled street video, guided by depth."""

from mmdepthcp.utils.moved import find_old_names

__version__ = '0.1.0'

find_old_names()
