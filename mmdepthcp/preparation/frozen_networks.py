"""Single images through a trained network: for what is to be known of each of a set."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mmdepthcp.models.depth import DepthNetwork
from mmdepthcp.models.features import dense_features, without_padding
from mmdepthcp.preparation.depth_inference import crop_bottom_of
from mmdepthcp.registry import MODELS
from mmdepthcp.sampling import mean_entropy, pooled
from mmdepthcp.utils.checkpoint import load_weights, name_some
from mmdepthcp.utils.digests import digest_of_settings
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import file_sha256
from mmdepthcp.utils.trees import Failure, describe_error, progress_bar, start_worker

LABEL_LOADERS = ('LoadLabels', 'LoadAnnotations', 'LoadDepthAnnotation')


def load_network(config: Any, checkpoint: str | os.PathLike, device: str) -> Any:
    """The model of a config with the weights of a checkpoint, to be asked.

    Raises:
        InputError: the checkpoint is unusable or of another model.
    """
    init_default_scope(config.get('default_scope', 'mmdepthcp'))
    model = MODELS.build(config.model)
    load_weights(model, checkpoint)
    return model.to(device).eval()


class _Kept(Dataset):
    """Items of a data set; one that cannot be made becomes a :class:`Failure`."""

    def __init__(self, items: Any, chosen: Sequence[int]) -> None:
        self.items, self.chosen = items, chosen

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, place: int) -> Any:
        try:
            return self.items[self.chosen[place]]
        except Exception as error:
            return Failure(str(self.chosen[place]), describe_error(error))


def batches_of(items: Any, chosen: Sequence[int], batch_size: int, num_workers: int, what: str) -> Iterator[list]:
    """Items of a data set in batches, with a bar where it is said what is done.

    Args:
        items: by index.
        chosen: their indices.
        batch_size: how many at once.
        num_workers: processes that make them.
        what: is done, for the line above the bar; nothing is printed where it is empty.

    Raises:
        InputError: some cannot be made; all are tried, and the message names the first ones.
    """
    if what:
        print(f'{what}: {len(chosen)} images')
    loader = DataLoader(_Kept(items, chosen), batch_size, num_workers=num_workers, collate_fn=list,
                        worker_init_fn=_start_worker)
    bar = progress_bar(len(chosen)) if what else None
    failures: list[str] = []
    for batch in loader:
        failures += [item.message for item in batch if isinstance(item, Failure)]
        if not failures:
            yield batch
        if bar:
            bar.update(len(batch))
    if failures:
        raise InputError(f'{len(failures)} of {len(chosen)} images cannot be used: {name_some(failures)}; mend or '
                         'remove them, then run the same command again: what is done is kept')


def _start_worker(_: int) -> None:
    start_worker()


def alike(items: Sequence[Mapping[str, Any]]) -> Iterator[list[int]]:
    """Places of packed items whose images have one size."""
    inputs = [item['inputs'] for item in items]
    shapes = [tuple((each if isinstance(each, Tensor) else each['clean']).shape) for each in inputs]
    for shape in dict.fromkeys(shapes):
        yield [place for place, other in enumerate(shapes) if other == shape]


class FrozenNetwork:
    """A trained network with the transforms of its config's test pipeline, but for those that load labels.

    Args:
        config: with ``model`` and ``test_pipeline`` or ``test_dataloader.dataset.pipeline`` (or that of
            ``val_dataloader``).
        checkpoint: weights.
        device: such as ``'cuda'``.
        batch_size: images at once.
        num_workers: processes that load images.

    Attributes:
        settings: what its results depend on, beside the images.

    Raises:
        InputError: the config has no such pipeline; the checkpoint is unusable or of another model.
    """

    def __init__(self, config: Any, checkpoint: str | os.PathLike, device: str = 'cpu', batch_size: int = 1,
                 num_workers: int = 0) -> None:
        self.model = load_network(config, checkpoint, device)
        loaders = [config.get(f'{part}_dataloader') or {} for part in ('test', 'val')]
        pipelines = [config.get('test_pipeline'), *(loader.get('dataset', {}).get('pipeline') for loader in loaders)]
        pipeline = next(filter(None, pipelines), None)
        if not pipeline:
            raise InputError(f'{config.filename}: has no test_pipeline, which says how to prepare an image')
        steps = [step for step in pipeline if step['type'].rpartition('.')[2] not in LABEL_LOADERS]
        self.pipeline = Compose(steps)
        self.crop_bottom = crop_bottom_of(config) if isinstance(self.model, DepthNetwork) else 0.
        self.batch_size, self.num_workers = batch_size, num_workers
        self.settings: dict[str, Any] = dict(
            config=Path(config.filename or '').name, checkpoint_sha256=file_sha256(checkpoint),
            digest=digest_of_settings(config.model, steps, self.crop_bottom))

    def prepare(self, path: str) -> dict:
        """Read an image file and bring it through the pipeline."""
        return self.pipeline(dict(img_path=path, frame_paths=[path], offsets=[0], crop_bottom=self.crop_bottom,
                                  seg_fields=[], reduce_zero_label=False))

    def look(self, paths: Sequence[str], what: str) -> np.ndarray:
        """What is to be known of images, (N, ...) float32; for the arguments see :meth:`look_at_each`.

        Raises:
            InputError: some cannot be read; the message names them.
        """
        return np.stack(list(self.look_at_each(paths, what)))

    @torch.no_grad()
    def look_at_each(self, paths: Sequence[str], what: str) -> Iterator[np.ndarray]:
        """The same of one image after the other, (...) float32, of which a batch is in memory at once.

        Args:
            paths: image files.
            what: is done, for the line above the bar; nothing is printed where it is empty.

        Raises:
            InputError: see :meth:`look`.
        """
        files = _Prepared(self.prepare, paths)
        for items in batches_of(files, range(len(paths)), self.batch_size, self.num_workers, what):
            values: list[Any] = [None] * len(items)
            for places in alike(items):
                for place, value in zip(places, self.ask([items[place] for place in places]), strict=True):
                    values[place] = value.float().cpu().numpy()
            yield from values

    def ask(self, items: Sequence[dict]) -> Tensor:
        """What is to be known of prepared images of one size, (B, ...)."""
        raise NotImplementedError


class _Prepared:
    """Prepared images, by index."""

    def __init__(self, prepare: Any, paths: Sequence[str]) -> None:
        self.prepare, self.paths = prepare, paths

    def __getitem__(self, index: int) -> dict:
        return self.prepare(self.paths[index])


def maps_of(model: Any, items: Sequence[dict], source: str) -> Tensor:
    """Features (B, C, h, w) of prepared images of one size, without what was padded; for ``source`` see
    :func:`mmdepthcp.models.features.dense_features`.
    """
    inputs = model.data_preprocessor(pseudo_collate(items))['inputs']
    maps = dense_features(model, inputs, source)
    if isinstance(inputs, Tensor):
        maps = without_padding(maps, items[0]['inputs'].shape, inputs.shape)
    return maps.float()


class FeatureNetwork(FrozenNetwork):
    """Features of images on a coarse grid.

    Args:
        source: see :func:`mmdepthcp.models.features.dense_features`; None: ``decoder3`` of depth networks, as Hoyer et
            al. (CVPR 2021) take, ``backbone`` of others.
        grid: rows and columns.
        kwargs: of :class:`FrozenNetwork`.
    """

    def __init__(self, *args: Any, source: str | None = None, grid: tuple[int, int] = (4, 8), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.source = source or ('decoder3' if isinstance(self.model, DepthNetwork) else 'backbone')
        self.grid = (int(grid[0]), int(grid[1]))
        self.settings.update(features=self.source, grid=list(self.grid))

    def ask(self, items: Sequence[dict]) -> Tensor:
        return pooled(maps_of(self.model, items, self.source), self.grid)


class EntropyNetwork(FrozenNetwork):
    """How uncertain a segmentor is of images (:func:`mmdepthcp.sampling.mean_entropy`)."""

    def ask(self, items: Sequence[dict]) -> Tensor:
        samples = self.model.test_step(pseudo_collate(items))
        logits = [sample.seg_logits.data for sample in samples if 'seg_logits' in sample]
        if len(logits) < len(items) or len(logits[0]) < 2:
            raise InputError(f'{self.settings["config"]}: {type(self.model).__name__} gives no scores of two classes '
                             'or more; the entropy is that of a segmentor of MMSegmentation')
        return torch.cat([mean_entropy(each[None].float()) for each in logits])
