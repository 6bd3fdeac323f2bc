"""Files of regions that do not come from depth, as many an image as depth regions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmdepthcp.grouping import connected_components, slic
from mmdepthcp.grouping.controls import grid_regions
from mmdepthcp.preparation.exports import claim_export, digest_of, select_outdated
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import NO_REGION, read_image, read_labels, read_regions, write_regions
from mmdepthcp.utils.trees import Failure, image_key, process_tree
from mmdepthcp.utils.walks import IMAGE_SUFFIXES, find_files


@dataclass(frozen=True)
class ControlRegions:
    """Writes other regions in place of those of an image, of the same size, about as many.

    Attributes:
        root: folder of region files.
        out: folder of the output, of files of the same names.
        kind: 'whole', one region an image; 'grid', equal rectangles; 'colour', superpixels without depth; 'true',
            connected pieces of equal label, however many there are.
        sources: for 'colour' the images, for 'true' the label files, by the names of the region files.
    """

    root: Path
    out: Path
    kind: str
    sources: dict[Path, Path]

    def files(self, name: Path) -> list[Path]:
        """What the output is made of."""
        return [self.root / name, *([self.sources[name]] if name in self.sources else [])]

    def regions(self, name: Path) -> np.ndarray:
        """(H, W) integers of one file, ``NO_REGION`` where there is no region.

        Raises:
            InputError: a file is missing or unusable, or image or labels have another size than the regions.
        """
        depth_regions = read_regions(self.root / name)
        size = depth_regions.shape
        if self.kind == 'whole':
            return np.zeros(size, np.int32)
        number = max(len(np.setdiff1d(np.unique(depth_regions), NO_REGION)), 1)
        if self.kind == 'grid':
            return grid_regions(size, number)
        if name not in self.sources:
            raise InputError(f'{self.root / name}: there is no image or label file of this name for --kind {self.kind}')
        source = self.sources[name]
        values = read_image(source) if self.kind == 'colour' else read_labels(source, 'name the suffix of instance ids')
        if values.shape[:2] != size:
            raise InputError(f'{source}: is {values.shape[1]}x{values.shape[0]}, the regions {self.root / name} '
                             f'{size[1]}x{size[0]}; regions made at a size of their own have no such controls')
        if self.kind == 'colour':
            return slic(values, number)
        return connected_components(values)[0]

    def __call__(self, name: Path) -> None:
        """Write one file."""
        write_regions(self.out / name, self.regions(name), digest_of(self.files(name)))


def write_region_controls(root: Path, out: Path, kind: str, source_root: Path | None = None, suffix: str = '',
                          source_suffix: str = '', num_workers: int = 0) -> tuple[list[Failure], int]:
    """Write the controls for all region files of a folder that have none yet: the failures, and how many were tried.

    Args:
        root: folder of region files.
        out: folder of the output.
        kind: see :class:`ControlRegions`.
        source_root: folder of the images ('colour') or label files ('true').
        suffix: ending of a region file's name, before .png, that is replaced ...
        source_suffix: ... by this one in the name of its image or label file.
        num_workers: number of processes.

    Raises:
        InputError: a folder is missing or empty, or the output folder holds other regions.
    """
    names = find_files(root, ('.png',), [out])
    sources = {}
    if kind in ('colour', 'true'):
        if source_root is None:
            raise InputError(f'--kind {kind} needs --{"images" if kind == "colour" else "labels"}')
        found = {image_key(file): source_root / file for file in find_files(source_root, IMAGE_SUFFIXES, [out, root])}
        keys = {name: f'{image_key(name).removesuffix(suffix)}{source_suffix}' for name in names}
        sources = {name: found[key] for name, key in keys.items() if key in found}
    work = ControlRegions(root, out, kind, sources)
    with claim_export(out, dict(mode='control', source=kind), kind='regions'):
        left = select_outdated(names, lambda name: out / name, work.files)
        return process_tree(left, work, num_workers, f'{root} to {out}'), len(left)
