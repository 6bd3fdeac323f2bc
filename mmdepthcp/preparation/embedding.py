"""Features of any images by a trained model, in memory or in files."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.config.loading import config_of
from mmdepthcp.preparation.exports import claim_export, select_outdated
from mmdepthcp.preparation.frozen_networks import FrozenNetwork, maps_of
from mmdepthcp.utils.checkpoint import read_checkpoint
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import atomic_path, write_json
from mmdepthcp.utils.images import write_png
from mmdepthcp.utils.trees import local_device
from mmdepthcp.utils.walks import given_images

INDEX = 'features.json'


def embed(
    images: Any,
    checkpoint: str | os.PathLike,
    pooled: bool = False,
    out: str | os.PathLike | None = None,
    layer: str = 'stage4',
    batch_size: int = 1,
    num_workers: int = 0,
    device: str | None = None,
    config: Any = None,
    show_progress: bool = False,
) -> np.ndarray | list[np.ndarray] | Path:
    """Features of images by the backbone of a trained model, at the size that its test pipeline brings them to.

    Without ``out`` all features are kept in memory. With it, a batch is at a time: of pooled features, ``out`` is a
    ``.npy`` file (N, C), written aside and renamed; of dense ones, a folder with one ``.npy`` (C, h, w) for each image,
    which an interrupted call goes on with (images that have changed since are done anew, by the time of their files).
    Beside them, ``<out without .npy>.json`` or ``<out>/features.json`` says the names of the images in the order of the
    rows, the layer, and name and SHA-256 of the checkpoint.

    Args:
        images: a file, a folder, an array (H, W, 3) uint8 BGR, or a list of files and arrays.
        checkpoint: of a training, with its config in it or beside it (``config``).
        pooled: one vector for an image, the mean over its map.
        out: file or folder to write.
        layer: see :func:`mmdepthcp.models.features.dense_features`: ``stage1`` .. ``stage4``, ``backbone`` (all of
            them), ``neck``, ``decode_head``, and of depth networks ``decoder0`` .. ``decoder4``.
        batch_size: images at once.
        num_workers: processes that load images.
        device: such as ``'cuda'``; by default a GPU, if there is one.
        config: of the training, or its file; by default the one in the checkpoint.
        show_progress: print a progress bar.

    Returns:
        float32: of one image (C, h, w), or (C,) if pooled; of a folder or a list, a list of maps, or (N, C) if pooled.
        With ``out``, its path.

    Raises:
        InputError: the checkpoint is unusable, of another model, or without a config; the model has no such layer; an
            image cannot be read; ``out`` holds features of other settings, or is no ``.npy`` for pooled ones.
    """
    if out is not None and pooled and Path(out).suffix != '.npy':
        raise InputError(f'{out}: pooled features are written into one file; give it a name that ends in .npy')
    register_modules()
    network = _LayerOf(layer, pooled, config_of(read_checkpoint(checkpoint), checkpoint, config), checkpoint,
                       local_device(device), batch_size, num_workers)
    network.settings.update(checkpoint=Path(checkpoint).name, layer=layer, pooled=pooled)
    what = 'features' if show_progress else ''
    given = given_images(images, [] if out is None else [out])
    several = isinstance(images, (list, tuple)) or (isinstance(images, (str, os.PathLike)) and os.path.isdir(images))
    with _as_files([image for image, _ in given]) as files:
        if out is None:
            found = list(network.look_at_each(files, what))
            return found[0] if not several else np.stack(found) if pooled else found
        names = [name or f'array {number}' for number, (_, name) in enumerate(given)]
        write = _write_pooled if pooled else _write_dense
        write(network, Path(out), files, names, what)
    return Path(out)


class _LayerOf(FrozenNetwork):
    """The features of one layer of a trained model."""

    def __init__(self, layer: str, pooled: bool, *args: Any) -> None:
        super().__init__(*args)
        self.layer, self.pooled = layer, pooled

    def ask(self, items: Sequence[dict]) -> Tensor:
        maps = maps_of(self.model, items, self.layer)
        return maps.mean((2, 3)) if self.pooled else maps


@contextlib.contextmanager
def _as_files(images: Sequence[Any]) -> Iterator[list[str]]:
    """Files of images; arrays are PNGs in a folder of their own as long as the block lasts."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, image in enumerate(images):
            if not isinstance(image, str):
                if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or (
                        image.dtype != np.uint8):
                    raise InputError('an image is a file or an array (H, W, 3) uint8 BGR')
                write_png(Path(folder, f'{number}.png'), image)
                image = str(Path(folder, f'{number}.png'))
            files.append(image)
        yield files


def _write_pooled(network: _LayerOf, out: Path, files: list[str], names: list[str], what: str) -> None:
    with atomic_path(out) as aside:
        rows: Any = None
        for number, vector in enumerate(network.look_at_each(files, what)):
            if rows is None:
                rows = np.lib.format.open_memmap(aside, 'w+', np.float32, (len(files), *vector.shape))
            rows[number] = vector
        rows.flush()
    write_json(out.with_suffix('.json'), dict(network.settings, names=names))


def _write_dense(network: _LayerOf, out: Path, files: list[str], names: list[str], what: str) -> None:
    stems = [os.path.splitext(name)[0] for name in names]
    shared = Counter(dict(zip(names, stems, strict=True)).values())
    own = {name: f'{stem if shared[stem] == 1 else name}.npy' for name, stem in zip(names, stems, strict=True)}
    with claim_export(out, network.settings, kind='features', suffix='.npy'):
        chosen = select_outdated(list(zip(files, names, strict=True)), lambda pair: out / own[pair[1]],
                                 lambda pair: [Path(pair[0])])
        features = network.look_at_each([file for file, _ in chosen], what)
        for (_, name), values in zip(chosen, features, strict=True):
            with atomic_path(out / own[name]) as aside, open(aside, 'wb') as stream:
                np.save(stream, values)
        write_json(out / INDEX, dict(network.settings, names=names, files=[own[name] for name in names]))
