"""Disparity that tells nothing of its image, to find out what depth is worth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmdepthcp.preparation.exports import claim_export, digest_of, select_outdated
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import read_uint16, write_png
from mmdepthcp.utils.trees import Failure, process_tree
from mmdepthcp.utils.walks import find_files

MIDDLE = 1 << 15


def partners(files: Sequence[Path], seed: int) -> dict[Path, Path]:
    """Another file for every file, each taken once.

    Raises:
        InputError: there is but one file.
    """
    if len(files) < 2:
        raise InputError('one disparity file has no other one to be exchanged with')
    order = [files[index] for index in np.random.default_rng(seed).permutation(len(files))]
    return dict(zip(order, order[1:] + order[:1], strict=True))


class ControlDisparity:
    """Writes, in place of the disparity of an image, that of another one, or a constant.

    Args:
        root: folder of disparity files.
        out: folder of the output, of files of the same names.
        partner: the file that stands in for each; None: a constant does.
    """

    def __init__(self, root: Path, out: Path, partner: dict[Path, Path] | None) -> None:
        self.root, self.out, self.partner = root, out, partner

    def source(self, file: Path) -> Path:
        """What the output for a file is made of."""
        return self.root / (file if self.partner is None else self.partner[file])

    def __call__(self, file: Path) -> None:
        """Write one file."""
        values = read_uint16(self.source(file), 'disparity', 'make it again with tools/infer_depth.py')
        if self.partner is None:
            values = np.full_like(values, MIDDLE)
        write_png(self.out / file, values, digest_of([self.source(file)]))


def write_controls(root: Path, out: Path, kind: str, seed: int = 0, num_workers: int = 0) -> tuple[list[Failure], int]:
    """Write the controls for all files of a folder that are not there yet: the failures, and how many were tried.

    Args:
        root: folder of disparity files.
        out: folder of the output.
        kind: 'others' or 'constant'.
        seed: which others.
        num_workers: number of processes.

    Raises:
        InputError: the folder is missing or empty, or the output folder holds other controls.
    """
    files = find_files(root, ('.png',), [out])
    work = ControlDisparity(root, out, partners(files, seed) if kind == 'others' else None)
    with claim_export(out, dict(mode='control', source=kind, seed=seed)):
        left = select_outdated(files, lambda file: out / file, lambda file: [work.source(file)])
        return process_tree(left, work, num_workers, f'{root} to {out}'), len(left)
