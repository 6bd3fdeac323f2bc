"""Which images of a training set are most alike, by the frozen features of a network."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Subset

from mmdepthcp.datasets.groups import image_names
from mmdepthcp.engine.hooks import PretrainedCheckHook
from mmdepthcp.preparation.exports import digest_of_settings
from mmdepthcp.registry import DATASETS, MODELS
from mmdepthcp.sampling.neighbours import CHUNK_ROWS, nearest_neighbours, write_neighbours
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import atomic_path
from mmdepthcp.utils.processes import WHOLE, claim
from mmdepthcp.utils.trees import progress_bar, start_worker


class NeighbourSearch:
    """The search for one config, in parts of :data:`CHUNK_ROWS` images, each a file: first the descriptors of the
    images, then their neighbours.

    A part that is there is not made again, so an interrupted search goes on, and several processes share the parts.

    Args:
        config: of a model with ``features`` and a training set of pairs (``train_dataloader.dataset.dataset``).
        out: the neighbour file; the parts lie beside it until it is complete.
        count: how many neighbours.
        centred: take the mean descriptor out of all: what all images share makes all cosines alike.
        device: such as ``'cuda'``.
        batch_size: images at once.
        num_workers: processes that load images.

    Raises:
        InputError: the training set is none of pairs, or has too few images; the backbone's weights did not arrive.
    """

    def __init__(self, config: Any, out: str | os.PathLike, count: int = 30, centred: bool = True,
                 device: str = 'cpu', batch_size: int = 16, num_workers: int = 0) -> None:
        init_default_scope(config.get('default_scope', 'mmdepthcp'))
        inner = config.train_dataloader.dataset.get('dataset')
        if inner is None:
            raise InputError(f'{config.filename}: its training set has no pairs; use one with a NeighbourPairDataset')
        self.dataset = DATASETS.build(inner)
        self.names = image_names(self.dataset)
        if len(self.names) < count:
            raise InputError(f'{config.filename}: {count} neighbours cannot be found among {len(self.names)} images; '
                             'set --count')
        self.model: Any = MODELS.build(config.model)
        self.model.init_weights()
        PretrainedCheckHook().check(self.model)
        self.model.to(device).eval()
        self.out, self.count, self.centred = Path(out), count, centred
        self.batch_size, self.num_workers = batch_size, num_workers
        digest = digest_of_settings(inner, config.model, self.names, centred, _digest_of_weights(self.model.backbone))
        self.parts = self.out.with_name(f'{self.out.name}.{digest[:12]}.parts')
        self.starts = range(0, len(self.names), CHUNK_ROWS)

    def run(self, shard: tuple[int, int] = WHOLE) -> bool:
        """Make the parts of a shard ``(i, n)``; whether the file is complete.

        The search in the descriptors begins when those of all shards are there.
        """
        with claim(self.parts, shard):
            mine = self.starts[shard[0]::shard[1]]
            for start in mine:
                self._make('descriptors', start, self._describe)
            if not self._complete('descriptors'):
                return False
            mean = self._mean() if self.centred else None
            bar = progress_bar(len(mine))
            for start in mine:
                self._make('neighbours', start, lambda first: self._search(first, mean))
                bar.update()
            print()
            if not self._complete('neighbours'):
                return False
            found = [np.load(self._part('neighbours', start)) for start in self.starts]
            write_neighbours(self.out, self.names, np.concatenate(found))
        shutil.rmtree(self.parts, ignore_errors=True)  # another shard may do the same
        return True

    def _part(self, kind: str, start: int) -> Path:
        return self.parts / f'{kind}_{start:09}.npy'

    def _complete(self, kind: str) -> bool:
        return all(self._part(kind, start).exists() for start in self.starts)

    def _make(self, kind: str, start: int, make: Any) -> None:
        if not (part := self._part(kind, start)).exists():
            values = make(start)
            with atomic_path(part) as aside:
                np.save(aside, values)

    @torch.no_grad()
    def _describe(self, start: int) -> np.ndarray:
        """Descriptors (N, C) of the images of a part: their mean features."""
        chosen = range(start, min(start + CHUNK_ROWS, len(self.names)))
        loader = DataLoader(Subset(_Images(self.dataset), chosen), self.batch_size, collate_fn=pseudo_collate,
                            num_workers=self.num_workers, worker_init_fn=_start)
        bar = progress_bar(len(chosen))
        found = []
        for images in loader:
            inputs = self.model.data_preprocessor(dict(inputs=images))['inputs']
            found.append(self.model.features(inputs).mean((2, 3)).cpu().numpy())
            bar.update(len(images))
        print()
        return np.concatenate(found)

    def _mean(self) -> np.ndarray:
        total = sum(np.load(self._part('descriptors', start)).sum(0, dtype=np.float64) for start in self.starts)
        return (total / len(self.names)).astype(np.float32)

    def _load(self, start: int, mean: np.ndarray | None) -> Tensor:
        descriptors = np.load(self._part('descriptors', start))
        centred = torch.from_numpy(descriptors if mean is None else descriptors - mean)
        return functional.normalize(centred.to(next(self.model.parameters()).device), dim=1)

    def _search(self, start: int, mean: np.ndarray | None) -> np.ndarray:
        def bank() -> Iterator[Tensor]:
            return (self._load(other, mean) for other in self.starts)

        return nearest_neighbours(self._load(start, mean), start, bank(), self.count).cpu().numpy()


def _start(_: int) -> None:
    start_worker()


class _Images(Dataset):
    """The images of a data set alone, as tensors (3, H, W)."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __getitem__(self, index: int) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(self.dataset[index]['img'].transpose(2, 0, 1)))

    def __len__(self) -> int:
        return len(self.dataset)


def _digest_of_weights(module: nn.Module) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in module.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.cpu().numpy().tobytes())
    return digest.hexdigest()
