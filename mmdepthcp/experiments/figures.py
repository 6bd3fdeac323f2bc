"""Pictures of what an experiment saw and made, for its report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmdepthcp.experiments.report import Figure
from mmdepthcp.registry import DATASETS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import read_image
from mmdepthcp.utils.walks import find_files
from mmdepthcp.visualization.samples import draw_item, draw_street_image

if TYPE_CHECKING:
    from mmengine.config import Config

SHOWN = 4

Figures = Iterator[tuple[str, list[Figure]]]


def spread(count: int, shown: int = SHOWN) -> list[int]:
    """Up to ``shown`` indices, evenly over ``count``.

    Example:
        >>> spread(10)
        [0, 3, 6, 9]
    """
    return np.unique(np.linspace(0, count - 1, min(shown, count)).astype(int)).tolist()


def gather(drawings: Iterable[Figures], missing: list[str]) -> dict[str, list[Figure]]:
    """All figures by heading; why some could not be drawn is added to ``missing``."""
    figures: dict[str, list[Figure]] = {}
    for drawing in drawings:
        try:
            figures.update(drawing)
        except InputError as error:
            missing.append(f'pictures: {error}')
    return figures


def training_samples(config: Config) -> Figures:
    """Street images with their maps, and one item of views, of the training set of a config. What it names has to be
    imported, and its default scope set.

    Raises:
        InputError: a file is missing, or the set gives nothing that can be drawn.
    """
    dataset = DATASETS.build(config.train_dataloader.dataset)
    if hasattr(dataset, 'members'):
        images = dataset.dataset
        yield 'Depth and regions', [Figure(
            'Training images: the image, its disparity (bright is close), its depth regions.',
            [draw_street_image(images[index], dataset.metainfo.get('palette') or []) for index in spread(len(images))])]
    try:
        pictures = draw_item(dataset[0, 0, 0], dataset.metainfo, np.random.default_rng(0), config.model)
    except TypeError:
        raise InputError('the training set of the config gives no views that can be drawn') from None
    if 'region_matches' in pictures:
        yield 'Mixed views', [
            Figure('The views of one training item. Dots of one colour show the same region.',
                   [pictures['region_matches']]),
            Figure('The same views. Dots of one colour show the same point of the same image.',
                   [pictures['pixel_matches']])]
    else:
        yield 'Views', [Figure('The views of one training item, with what matches in them.', list(pictures.values()))]


def drawn_predictions(folder: Path, heading: str, caption: str, shown: int = 2 * SHOWN) -> Figures:
    """Pictures that a stage left in a folder.

    Raises:
        InputError: there is none.
    """
    files = find_files(folder)
    yield heading, [Figure(caption, [read_image(folder / files[index]) for index in spread(len(files), shown)])]


def segments_without_labels(checkpoint: Path, files: Sequence[Path]) -> Figures:
    """Images and the clusters that a model that segments without labels finds in them.

    Raises:
        InputError: the checkpoint is of another model.
    """
    from mmdepthcp.apis import UnsupervisedSegInferencer

    inferencer = UnsupervisedSegInferencer(checkpoint)
    pictures: Any = inferencer([str(file) for file in files], return_vis=True)['visualization']
    yield 'Segments by prototypes', [Figure(
        'Frames and the clusters of prototypes that their pixels are nearest to. No label was used, so colours have no '
        'names; one colour means the same in all frames.',
        [np.hstack([read_image(file), picture[..., ::-1]]) for file, picture in zip(files, pictures, strict=True)])]
