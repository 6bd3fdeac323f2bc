"""The images of a training set through the frozen trunk of its model: once, for all that is made of the features."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.registry import init_default_scope
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from mmdepthcp.datasets.crops import image_names, item_of_image
from mmdepthcp.datasets.feature_cache import ROWS, cache_file, read_cache_meta, write_cache_meta
from mmdepthcp.datasets.transforms import view_of
from mmdepthcp.engine.hooks import FeatureCacheHook, NeighbourCheckHook, PretrainedCheckHook
from mmdepthcp.engine.hooks.neighbour_check import image_config
from mmdepthcp.preparation.exports import digest_of
from mmdepthcp.registry import DATASETS, MODELS
from mmdepthcp.utils.errors import InputError, notice
from mmdepthcp.utils.fileio import atomic_path
from mmdepthcp.utils.processes import WHOLE, claim
from mmdepthcp.utils.trees import progress_bar, start_worker

FILES = dict(
    inputs='img_path', disparity='disparity_path', depth_range='disparity_path', labels='seg_map_path')
"""What is kept of an image → the file that it is made of, as an item names it."""


class FrozenTrunk:
    """The frozen backbone of a model that trains on pairs of images, and the images it trains on.

    Args:
        config: of a model with ``raw_features`` and a training set of pairs (``train_dataloader.dataset.dataset``).
        images_alone: load images and nothing beside them.
        device: such as ``'cuda'``.
        batch_size: images at once.
        num_workers: processes that load images.

    Attributes:
        names: of the images.
        key: of weights and view, see :meth:`mmdepthcp.engine.hooks.FeatureCacheHook.key`.
        made_of: the same of images alone, see :meth:`mmdepthcp.engine.hooks.NeighbourCheckHook.made_of`.

    Raises:
        InputError: the training set is none of pairs; the model has no frozen features, or the backbone's weights did
            not arrive.
    """

    def __init__(self, config: Any, images_alone: bool = False, device: str = 'cpu', batch_size: int = 16,
                 num_workers: int = 0) -> None:
        init_default_scope(config.get('default_scope', 'mmdepthcp'))
        inner = config.train_dataloader.dataset.get('dataset')
        if inner is None:
            raise InputError(f'{config.filename}: its training set has no pairs; use one with a NeighbourPairDataset')
        if images_alone:
            inner = image_config(inner)
        self.dataset = DATASETS.build(inner)
        self.names = image_names(self.dataset)
        self.model: Any = MODELS.build(config.model)
        if not hasattr(self.model, 'raw_features'):
            raise InputError(f'{config.filename}: {type(self.model).__name__} does not learn from frozen features; use '
                             'a config of a model that does, such as configs/depthg/depthg_toy.py')
        self.model.init_weights()
        PretrainedCheckHook().check(self.model)
        self.key = FeatureCacheHook.key(inner, config.model, self.names, self.model)
        self.made_of = NeighbourCheckHook.made_of(inner, config.model, self.names, self.model)
        self.model.to(device).eval()
        self.batch_size, self.num_workers = batch_size, num_workers

    @torch.no_grad()
    def batches(self, start: int, stop: int) -> Iterator[tuple[list[dict[str, np.ndarray]], Tensor]]:
        """Views (:func:`mmdepthcp.datasets.transforms.view_of`) and features (B, C, h, w) of images, with a bar."""
        chosen = range(start, min(stop, len(self.names)))
        loader = DataLoader(Subset(_Views(self.dataset), chosen), self.batch_size, collate_fn=list,
                            num_workers=self.num_workers, worker_init_fn=_start)
        bar = progress_bar(len(chosen))
        for views in loader:
            images = [torch.from_numpy(view.pop('inputs')) for view in views]
            yield views, self.model.raw_features(self.model.data_preprocessor(dict(inputs=images))['inputs'])
            bar.update(len(views))

    def sources(self, start: int, stop: int, fields: Sequence[str] = ('inputs',)) -> list[str]:
        """The files that fields of images (:data:`FILES`) are made of."""
        items = (item_of_image(self.dataset, index) for index in range(start, min(stop, len(self.names))))
        return list(dict.fromkeys(item[FILES[field]] for item in items for field in fields))


class Parts:
    """Work on the images of a set in parts, each of which ends in files: what is there is not made again, so that
    interrupted work goes on, and several processes share it.

    Args:
        number: of images.
        rows: images in one part.
        made_by: what the parts depend on beside the images, if the folder's name does not say it: parts without a note
            of it are made anew.
    """

    def __init__(self, number: int, rows: int, made_by: str = '') -> None:
        self.starts = range(0, number, rows)
        self.made_by = made_by

    def run(self, shard: tuple[int, int], files: Callable[[int], list[Path]], make: Callable[[int], list[Any]],
            sources: Callable[[int], Sequence[str | os.PathLike]]) -> bool:
        """Make the parts of a shard ``(i, n)``; whether those of all shards are there, and up to date.

        Args:
            shard: i and n.
            files: of the part that begins at an image.
            make: the arrays of a part, one for each file.
            sources: the files that a part is made of. Their digest is kept beside it (:meth:`note`), and where they
                have changed, it is made anew.
        """
        changed = 0
        own = self.starts[shard[0]::shard[1]]
        for start in own:
            paths = files(start)
            note = self.note(paths[0])
            are_there = all(path.exists() for path in paths)
            outdated = are_there and self._have_changed(sources(start), paths, note)
            if are_there and not outdated and note.exists():
                continue
            digest = self._digest(sources(start))
            if outdated or not are_there:
                changed += outdated
                for path, values in zip(paths, make(start), strict=True):
                    with atomic_path(path) as aside:
                        np.save(aside, values)
            if digest:
                with atomic_path(note) as aside:
                    aside.write_text(digest)
        if changed:
            notice(f'{paths[0].parent}: parts made anew, for what they were made of has changed: {changed}')
        return all(path.exists() for start in self.starts for path in files(start)) and not any(
            self._have_changed(sources(start), files(start), self.note(files(start)[0]))
            for start in self.starts if start not in own)

    @staticmethod
    def note(path: Path) -> Path:
        """Where the digest of the sources of a part lies, whose first file is ``path``."""
        return path.with_suffix('.sources')

    def _have_changed(self, sources: Sequence[str | os.PathLike], paths: Sequence[Path], note: Path) -> bool:
        """Whether files of a part were made of other sources; without a note of them, whether one of these is newer."""
        digest = self._digest(sources)
        if digest is None or note.exists() or self.made_by:
            return digest is not None and not (note.exists() and note.read_text() == digest)
        return max(os.stat(path).st_mtime_ns for path in sources) > min(os.stat(path).st_mtime_ns for path in paths)

    def _digest(self, sources: Sequence[str | os.PathLike]) -> str | None:
        """The digest of files and of what the parts depend on besides, None if a file is not there."""
        try:
            return f'{self.made_by} {digest_of(sources)}'.lstrip()
        except OSError:
            return None


class FeatureCaching:
    """What keeps the features of all images of a training set, and what is known of them, in files. Those that are
    there are left alone, unless an image, its disparity or its labels have changed since.

    Args:
        trunk: the frozen backbone and its images.
        out: folder.
        say: what is told how large it will be.

    Raises:
        InputError: the folder holds the features of other weights, another view or other images, or something else;
            they do not fit on the disk.
    """

    def __init__(self, trunk: FrozenTrunk, out: str | os.PathLike, say: Callable[[str], None] = print) -> None:
        self.trunk, self.out, self.say = trunk, Path(out), say
        self.parts = Parts(len(trunk.names), ROWS, trunk.key)

    def run(self, shard: tuple[int, int] = WHOLE) -> bool:
        """Keep the features of the images of a shard ``(i, n)``; whether those of all shards are there."""
        with claim(self.out, shard):
            fields = self._begin()
            return self.parts.run(shard, lambda start: [cache_file(self.out, field, start) for field in fields],
                                  lambda start: self._arrays(start, fields),
                                  lambda start: self.trunk.sources(start, start + ROWS, fields))

    def _begin(self) -> list[str]:
        """The fields of the cache; says its size first."""
        views, features = next(self.trunk.batches(0, 1))
        fields = ['inputs', *views[0]]
        known = read_cache_meta(self.out)
        if known and any(self.out.glob(f'{fields[0]}_*.npy')):
            if known['key'] != self.trunk.key:
                raise InputError(f'{self.out}: keeps the features of other weights, another view or other images; '
                                 'remove it, or name another folder')
            return fields
        size = len(self.trunk.names) * (2 * features[0].numel() + sum(values.nbytes for values in views[0].values()))
        free = shutil.disk_usage(self.out).free
        self.say(f'{self.out}: features of {len(self.trunk.names)} images, {"x".join(map(str, features.shape[1:]))} in '
                 f'float16, and {", ".join(views[0]) or "nothing"} beside them: {size / 1e9:.2f} GB; '
                 f'{free / 1e9:.2f} GB are free')
        if size > free:
            raise InputError(f'{self.out}: {size / 1e9:.2f} GB of features do not fit into the {free / 1e9:.2f} GB '
                             'that are free; name a folder on another disk')
        write_cache_meta(self.out, self.trunk.key, self.trunk.names, fields)
        return fields

    def _arrays(self, start: int, fields: list[str]) -> list[np.ndarray]:
        kept: dict[str, list] = {field: [] for field in fields}
        for views, features in self.trunk.batches(start, start + ROWS):
            kept['inputs'].append(features.half().cpu().numpy())
            for field in fields[1:]:
                kept[field].append(np.stack([view[field] for view in views]))
        return [np.concatenate(kept[field]) for field in fields]


class _Views(Dataset):
    """What a network is given of the images of a set, and what is known of them."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return view_of(self.dataset[index])

    def __len__(self) -> int:
        return len(self.dataset)


def _start(_: int) -> None:
    start_worker()
