"""Command-line options shared by the tools that make depth regions."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mmdepthcp.cli.numbers import Size, whole


def add_camera_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which camera took the images, and at which size to group them."""
    camera = parser.add_mutually_exclusive_group()
    camera.add_argument('--intrinsics', type=float, nargs=4, metavar=('FX', 'FY', 'CX', 'CY'),
                        help='of all images, as fractions of width and height; KITTI: 0.58 1.92 0.5 0.5')
    camera.add_argument('--camera-root', type=Path, metavar='DIR',
                        help='Cityscapes calibrations, <image without _leftImg8bit>_camera.json')
    parser.add_argument('--calibration-size', type=whole(1), nargs=2, metavar=('W', 'H'),
                        help='size of the images that the calibrations belong to; default: of each image')
    parser.add_argument('--scale', action=Size, type=whole(1), nargs=2, metavar=('W', 'H'),
                        help='size to group at and to write; default: of each image')


def add_grouping_options(parser: argparse.ArgumentParser) -> None:
    """Add these, and the options for regions that are learnt."""
    add_camera_options(parser)
    parser.add_argument('--features', type=Path, metavar='DIR',
                        help='for formula=learnt: features of the images, <image without suffix>.npy (tools/embed.py)')
    parser.add_argument('--edges', type=Path, metavar='FILE', help='for the same: what tools/learn_edges.py wrote')


def read_camera_options(args: argparse.Namespace) -> dict[str, Any]:
    """The options of the camera as arguments of ``RegionGrouper``."""
    return {
        'camera_root': args.camera_root,
        **{name: tuple(value) if value else None for name, value in (
            ('intrinsics', args.intrinsics), ('calibration_size', args.calibration_size), ('scale', args.scale))},
    }


def read_grouping_options(args: argparse.Namespace) -> dict[str, Any]:
    """All of them as arguments of ``RegionGrouper``."""
    return {**read_camera_options(args), 'feature_root': args.features, 'edges': args.edges}
