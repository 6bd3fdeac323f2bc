"""Whole trees of images, labels or disparity cut into five crops each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from mmdepthcp.preparation.exports import claim_export, digest_of, select_outdated
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import read_image, read_labels, read_uint16, write_png
from mmdepthcp.utils.trees import Failure, process_tree
from mmdepthcp.utils.walks import find_files
from mmdepthcp.views import five_boxes
from mmdepthcp.views.five import NUMBER

KINDS: dict[str, Callable[[Path], np.ndarray]] = {
    'image': read_image, 'labels': read_labels,
    'disparity': partial(read_uint16, what='disparity', remedy='make it again with tools/infer_depth.py')}


class FiveCrops:
    """Cuts ``<root>/<name><suffix>`` into ``<out>/<name>_<0 to 4><suffix>.png``, without the suffix's own ending.

    Args:
        root: folder of the input.
        out: folder of the output.
        suffix: ending of the files, such as ``_leftImg8bit.png``.
        kind: 'image', 'labels' or 'disparity'.
        ratio: of a crop's sides to the whole.
    """

    def __init__(self, root: Path, out: Path, suffix: str, kind: str = 'image', ratio: float = 0.5) -> None:
        if kind not in KINDS:
            raise InputError(f'kind {kind!r}: must be one of {", ".join(KINDS)}')
        if not 0 < ratio <= 1:
            raise InputError(f'ratio {ratio}: must lie in (0, 1]')
        self.root, self.out, self.suffix, self.kind, self.ratio = root, out, suffix, kind, ratio

    def target(self, file: Path, which: int) -> Path:
        """The file of a crop."""
        name = file.as_posix()[:-len(self.suffix)]
        return self.out / f'{name}_{which}{Path(self.suffix).stem if "." in self.suffix[1:] else ""}.png'

    def __call__(self, file: Path) -> None:
        """Cut one file.

        Raises:
            InputError: it cannot be read, or is too small to be cut.
        """
        whole, digest = KINDS[self.kind](self.root / file), digest_of([self.root / file])
        for which, (top, left, height, width) in enumerate(five_boxes(whole.shape[0], whole.shape[1], self.ratio)):
            crop = whole[top:top + height, left:left + width]
            if not crop.size:
                raise InputError(f'{self.root / file}: is {whole.shape[1]}x{whole.shape[0]}, too small for crops of '
                                 f'{self.ratio:g} of its sides; remove it')
            write_png(self.target(file, which), np.ascontiguousarray(crop), digest)


def cut_tree(work: FiveCrops, num_workers: int = 0, shard: tuple[int, int] = (0, 1)) -> tuple[list[Failure], int]:
    """Cut the files of a tree that are not cut yet or have changed: the failures, and how many were tried.

    Raises:
        InputError: the input folder is missing or empty, or the output folder holds other crops.
    """
    files = find_files(work.root, (work.suffix,), [work.out])
    settings = dict(source='five crops', kind=work.kind, ratio=work.ratio)
    with claim_export(work.out, settings, shard, 'crops'):
        left = select_outdated(files, lambda file: work.target(file, NUMBER - 1), lambda file: [work.root / file],
                               shard)
        return process_tree(left, work, num_workers, f'{work.root} to {work.out}'), len(left)
