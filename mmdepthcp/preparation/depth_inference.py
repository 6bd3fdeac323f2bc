"""Disparity of whole trees of images with a depth network."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader, Dataset

from mmdepthcp.datasets.transforms.loading import resize_disparity
from mmdepthcp.geometry.depth_maps import stretch
from mmdepthcp.preparation.exports import claim_export, digest_of, select_outdated
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.checkpoint import load_weights
from mmdepthcp.utils.digests import digest_of_settings
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import file_sha256
from mmdepthcp.utils.images import write_disparity
from mmdepthcp.utils.trees import (
    Failure,
    describe_error,
    image_key,
    progress_bar,
    start_worker,
)
from mmdepthcp.utils.walks import find_files


class DepthPredictor(Protocol):
    """A depth network with what goes before and after it."""

    settings: dict[str, Any]
    """What ``meta.json`` records."""

    def prepare(self, path: Path) -> Any:
        """Read an image file; runs in the loader's processes."""

    def predict(self, items: Sequence[Any]) -> list[np.ndarray]:
        """Disparity in 0..1 of prepared images, each (H, W) float32 at its image's size."""


class ModelPredictor:
    """A :class:`MonoDepth` with the transforms of its config's ``test_pipeline``.

    What was cut off the training images below (``crop_bottom``, a bonnet in view) is cut off here too; the disparity
    still covers the whole image, with that of the lowest row that the network saw repeated below it.

    Args:
        config: Config with ``model`` and ``test_pipeline`` (or ``test_dataloader.dataset.pipeline``).
        checkpoint: Weights.
        device: Such as ``'cuda'``.
        flip: Average the predictions of the image and its mirror.

    Raises:
        InputError: the checkpoint is unusable or of another model, the config has no test pipeline, or its training
            sets cut off different parts.
    """

    def __init__(self, config: Any, checkpoint: str | os.PathLike, device: str, flip: bool = False) -> None:
        init_default_scope(config.get('default_scope', 'mmdepthcp'))
        dataset = config.get('test_dataloader', {}).get('dataset', {})
        pipeline = config.get('test_pipeline') or dataset.get('pipeline')
        if not pipeline:
            raise InputError(f'{config.filename}: has no test_pipeline, which says how to prepare an image')
        self.pipeline = Compose(pipeline)
        self.crop_bottom = crop_bottom_of(config)
        model_config = dict(config.model, flip_test=True) if flip else config.model
        self.model = MODELS.build(model_config)
        load_weights(self.model, checkpoint)
        self.model.to(device).eval()
        sizes = [step['scale'] for step in pipeline if 'scale' in step]
        self.settings = dict(
            source=Path(config.filename).name, checkpoint_sha256=file_sha256(checkpoint),
            d_min=getattr(self.model, 'min_depth', None), d_max=getattr(self.model, 'max_depth', None),
            input_size=list(sizes[-1]) if sizes else None, flip=flip, crop_bottom=self.crop_bottom or None,
            config_digest=digest_of_settings(model_config, pipeline))

    def prepare(self, path: Path) -> dict:
        return self.pipeline(dict(
            img_path=str(path), frame_paths=[str(path)], offsets=[0], crop_bottom=self.crop_bottom))

    @torch.no_grad()
    def predict(self, items: Sequence[dict]) -> list[np.ndarray]:
        samples = self.model.test_step(pseudo_collate(items))
        maps = [sample.pred_disparity.data.squeeze(0).float().cpu().numpy() for sample in samples]
        if not self.crop_bottom:
            return maps
        return [np.pad(disparity, ((0, sample.full_shape[0] - len(disparity)), (0, 0)), 'edge')
                for disparity, sample in zip(maps, samples, strict=True)]


def crop_bottom_of(config: Any) -> float:
    """The part of the images' height that a depth config cuts off below in training.

    Raises:
        InputError: its training sets cut off different parts, and its test set says nothing, or it is no part.
    """
    found = list(_crops(config.get('train_dataloader') or {}))
    tested = list(_crops(config.get('test_dataloader') or {}))
    if len(set(found)) != 1:
        if found and len(set(tested)) != 1:
            raise InputError(f'{config.filename}: the training sets have different crop_bottom '
                             f'({", ".join(map(str, found))}); say which one fits these images: --cfg-options '
                             'test_dataloader.dataset.crop_bottom=...')
        found = tested
    crop = found[0] if found else 0.
    if not (isinstance(crop, (int, float)) and 0 <= crop < 1):
        raise InputError(f'{config.filename}: crop_bottom must lie in 0..1, got {crop!r}')
    return float(crop)


def _crops(loader: Any) -> Iterator[Any]:
    """``crop_bottom`` of all data sets in the config of a loader, 0 where a set has none."""
    dataset = loader.get('dataset')
    inner = loader.get('datasets') or ([dataset] if isinstance(dataset, dict) else [])
    if not inner and 'type' in loader:
        yield loader.get('crop_bottom', 0.)
    for part in inner:
        yield from _crops(part)


class _Images(Dataset):
    """Files, digests of their content, and prepared images; one that cannot be read becomes a :class:`Failure`."""

    def __init__(self, root: Path, files: Sequence[Path], predictor: DepthPredictor) -> None:
        self.root = root
        self.files = files
        self.prepare = predictor.prepare

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Path, str, Any]:
        file = self.files[index]
        try:
            return file, digest_of([self.root / file]), self.prepare(self.root / file)
        except Exception as error:
            return file, '', Failure(str(file), describe_error(error))


def infer_tree(predictor: DepthPredictor, root: Path, out: Path, mode: str = 'raw',
               size: tuple[int, int] | None = None, batch_size: int = 1, num_workers: int = 0,
               shard: tuple[int, int] = (0, 1), files: Sequence[Path] | None = None) -> tuple[list[Failure], int]:
    """Write the disparity of all images below ``root`` that have none yet, or have changed since, to
    ``<out>/<relative path without suffix>.png``.

    Args:
        predictor: The network.
        root: Folder of images.
        out: Folder of the disparity files, with ``meta.json``.
        mode: ``'raw'``, one scale for all images; ``'minmax'`` stretches each to 0..1 (for tools that need
            it; it breaks the proportionality that copy-paste relies on).
        size: (width, height) of the files; default that of each image.
        batch_size: Images at once.
        num_workers: Loading processes.
        shard: (i, n): only every n-th image from the i-th on.
        files: the images, relative to ``root``, in place of all.

    Returns:
        The failures, and how many images were tried.

    Raises:
        InputError: no images, or the output folder belongs to another export, or another process writes there.
    """
    files = find_files(root, leave_out=[out]) if files is None else files
    settings = dict(mode=mode, size=list(size) if size else None, scale=getattr(predictor, 'scale', None),
                    **predictor.settings)
    with claim_export(out, settings, shard):
        return _infer_files(predictor, root, out, files, mode, size, batch_size, num_workers, shard)


def _infer_files(predictor: DepthPredictor, root: Path, out: Path, files: Sequence[Path], mode: str,
                 size: tuple[int, int] | None, batch_size: int, num_workers: int,
                 shard: tuple[int, int]) -> tuple[list[Failure], int]:
    left = select_outdated(
        files, lambda file: Path(out, f'{image_key(file)}.png'), lambda file: [root / file], shard)
    if not left:
        return [], 0
    loader = DataLoader(_Images(root, left, predictor), batch_size, num_workers=num_workers, collate_fn=list,
                        worker_init_fn=_start_worker)
    bar = progress_bar(len(left))
    failures: list[Failure] = []
    for batch in loader:
        failures += [item for *_, item in batch if isinstance(item, Failure)]
        good = [(file, item) for file, _, item in batch if not isinstance(item, Failure)]
        digests = {file: digest for file, digest, _ in batch}
        for file, disparity in _predict(predictor, good, failures):
            if size:
                disparity = resize_disparity(disparity, size)
            if mode == 'minmax':
                disparity = stretch(disparity)
            write_disparity(Path(out, f'{image_key(file)}.png'), disparity, digests[file])
        bar.update(len(batch))
    return sorted(failures), len(left)


def _predict(predictor: DepthPredictor, good: Sequence[tuple[Path, Any]],
             failures: list[Failure]) -> Iterable[tuple[Path, np.ndarray]]:
    if not good:
        return
    for (file, _), disparity in zip(good, predictor.predict([item for _, item in good]), strict=True):
        if np.isfinite(disparity).all() and disparity.any():
            yield file, disparity
        else:
            failures.append(Failure(str(file), 'the network predicts no finite disparity above zero here'))


def _start_worker(_: int) -> None:
    start_worker()
