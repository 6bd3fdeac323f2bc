"""Procedural street scenes with exact depth, poses, semantic and instance labels."""

from .classes import TOY_CLASSES, TOY_LABEL_IDS, TOY_THINGS, TOY_TRAIN_IDS
from .rendering import Frame, render
from .scene import Camera, Scene, camera_pose
from .street import drive, make_street
from .writing import ToySettings, toy_camera, write_sequence, write_toy_streets

__all__ = [
    'TOY_CLASSES',
    'TOY_LABEL_IDS',
    'TOY_THINGS',
    'TOY_TRAIN_IDS',
    'Camera',
    'Frame',
    'Scene',
    'ToySettings',
    'camera_pose',
    'drive',
    'make_street',
    'render',
    'toy_camera',
    'write_sequence',
    'write_toy_streets',
]
