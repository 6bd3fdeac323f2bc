"""Segmentation pretraining on unlabelled street video, guided by depth."""

__version__ = '0.1.0'
