"""Which images of a training set are most alike, by the frozen features of a network."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mmdepthcp.preparation.features import FrozenTrunk, Parts
from mmdepthcp.sampling.neighbours import CHUNK_ROWS, nearest_neighbours, write_neighbours
from mmdepthcp.utils.digests import digest_of_settings
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.processes import WHOLE, claim

PARTS = re.compile(r'\.[0-9a-f]{12}\.parts')


class NeighbourSearch:
    """The search in parts of :data:`CHUNK_ROWS` images, each a file: first the descriptors of the images, their mean
    features, then their neighbours (:class:`Parts`). Where images have changed since, so that there are other
    descriptors, the parts that depend on them are made anew.

    Args:
        trunk: the frozen backbone and its images.
        out: the neighbour file; the parts lie beside it until it is complete.
        count: how many neighbours.
        centred: take the mean descriptor out of all: what all images share makes all cosines alike.

    Raises:
        InputError: there are too few images, or ``out`` is a folder.
    """

    def __init__(self, trunk: FrozenTrunk, out: str | os.PathLike, count: int = 30, centred: bool = True) -> None:
        if len(trunk.names) < count:
            raise InputError(f'{out}: {count} neighbours cannot be found among {len(trunk.names)} images; set --count')
        if Path(out).is_dir():
            raise InputError(f'{out}: is a folder; name a file, such as {Path(out, "neighbours.npz")}')
        self.trunk, self.out, self.count, self.centred = trunk, Path(out), count, centred
        self.folder = self.out.with_name(f'{self.out.name}.{digest_of_settings(trunk.made_of, centred)[:12]}.parts')
        self.parts = Parts(len(trunk.names), CHUNK_ROWS)

    def run(self, shard: tuple[int, int] = WHOLE) -> bool:
        """Make the parts of a shard ``(i, n)``; whether the file is complete.

        The search in the descriptors begins when those of all shards are there.
        """
        with claim(self.folder, shard):
            if not self.parts.run(shard, self._files('descriptors'), self._describe,
                                  lambda start: self.trunk.sources(start, start + CHUNK_ROWS)):
                return False
            mean = self._mean() if self.centred else None
            if not self.parts.run(shard, self._files('neighbours'), lambda start: [self._search(start, mean)],
                                  lambda start: self._notes()):
                return False
            found = [np.load(self._part('neighbours', start)) for start in self.parts.starts]
            write_neighbours(self.out, self.trunk.names, np.concatenate(found),
                             dict(self.trunk.made_of, centred=self.centred))
        shutil.rmtree(self.folder, ignore_errors=True)  # another shard may do the same
        self._remove_leftovers()
        return True

    def _remove_leftovers(self) -> None:
        """Remove the parts of searches for the same file, with other weights or images, that were not completed."""
        for folder in self.out.parent.glob(f'{glob.escape(self.out.name)}.*.parts'):
            if PARTS.fullmatch(folder.name[len(self.out.name):]):
                with contextlib.suppress(InputError), claim(folder):
                    shutil.rmtree(folder, ignore_errors=True)

    def _part(self, kind: str, start: int) -> Path:
        return self.folder / f'{kind}_{start:09}.npy'

    def _files(self, kind: str) -> Callable[[int], list[Path]]:
        return lambda start: [self._part(kind, start)]

    def _notes(self) -> list[Path]:
        """What tells of which images the descriptors are."""
        return [self.parts.note(self._part('descriptors', start)) for start in self.parts.starts]

    def _describe(self, start: int) -> list[np.ndarray]:
        """Descriptors (N, C) of the images of a part."""
        return [np.concatenate([features.mean((2, 3)).cpu().numpy()
                                for _, features in self.trunk.batches(start, start + CHUNK_ROWS)])]

    def _mean(self) -> np.ndarray:
        total = sum(np.load(self._part('descriptors', start)).sum(0, dtype=np.float64) for start in self.parts.starts)
        return (total / len(self.trunk.names)).astype(np.float32)

    def _load(self, start: int, mean: np.ndarray | None) -> Tensor:
        descriptors = np.load(self._part('descriptors', start))
        centred = torch.from_numpy(descriptors if mean is None else descriptors - mean)
        return functional.normalize(centred.to(next(self.trunk.model.parameters()).device), dim=1)

    def _search(self, start: int, mean: np.ndarray | None) -> np.ndarray:
        def bank() -> Iterator[Tensor]:
            return (self._load(other, mean) for other in self.parts.starts)

        return nearest_neighbours(self._load(start, mean), start, bank(), self.count).cpu().numpy()
