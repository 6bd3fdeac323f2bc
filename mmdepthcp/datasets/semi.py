"""Images with labels beside images without, for learning from few labels."""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmcv.transforms import LoadAnnotations, LoadImageFromFile
from mmengine.dataset import BaseDataset, Compose

from mmdepthcp.datasets.crops import image_names
from mmdepthcp.datasets.seeded import SeededDataset, drawn_by, split_index
from mmdepthcp.datasets.subsets import select_images
from mmdepthcp.datasets.transforms.geometry import check_maps_follow
from mmdepthcp.datasets.transforms.loading import LoadDisparity, LoadImage, LoadLabels
from mmdepthcp.registry import DATASETS
from mmdepthcp.utils.errors import InputError, notice
from mmdepthcp.utils.labels import IGNORED

_LABELLED, _UNLABELLED, _SEED = range(3)


def _place(path: str) -> str:
    return os.path.abspath(path)


class _Pipeline:
    """A pipeline that reads labels of some images only, gives others labels that are ignored everywhere, and names the
    image where it fails.

    Args:
        steps: transforms.
        reads_labels: whether to read those of an image, by its path.
        disparity_path: the file of an image's disparity, for data sets that know none.
    """

    def __init__(self, steps: Sequence[Callable], reads_labels: Callable[[str], bool] = lambda path: True,
                 disparity_path: Callable[[str], str] | None = None) -> None:
        self.steps, self.reads_labels, self.disparity_path = list(steps), reads_labels, disparity_path

    def __call__(self, results: dict) -> dict | None:
        path, given = results['img_path'], results
        reads_labels = self.reads_labels(path)
        if self.disparity_path is not None:
            given.setdefault('disparity_path', self.disparity_path(path))
        disparity_range = None
        for step in self.steps:
            try:
                unread = isinstance(step, (LoadLabels, LoadAnnotations)) and not reads_labels
                given = _without_labels(given) if unread else step(given)
            except InputError:
                raise
            except Exception as error:
                raise InputError(f'{path}: {type(step).__name__}: {error or type(error).__name__}; make the file '
                                 'again, or leave it out of the data set') from error
            if given is None:
                return None
            disparity_range = given.get('disparity_range', disparity_range)
        if 'data_samples' not in given:
            raise InputError(f'{path}: the pipeline gives no data_samples; end it with mmseg.PackSegInputs')
        if disparity_range is not None:
            given['data_samples'].set_metainfo(dict(disparity_range=disparity_range))
        return given


def _without_labels(results: dict) -> dict:
    results['gt_seg_map'] = np.full(results['img'].shape[:2], IGNORED, np.uint8)
    results.setdefault('seg_fields', []).append('gt_seg_map')
    return results


@DATASETS.register_module()
class LabelledUnlabelledDataset:
    """In each item an image with labels and one without, each through the pipeline of its own data set.

    An item is a dict of ``labelled`` and ``unlabelled``, each with ``inputs`` and ``data_samples``. The data sample of
    the unlabelled image also has, as meta information, ``has_labels``: whether it is one of the labelled images, and so
    has labels; ``labels_read``, see below; ``seed``, of all that a model draws for it; ``disparity_range`` (least,
    largest) of the whole image, where its pipeline has ``LoadDisparity(as_field=True)``.

    Item i holds unlabelled image i and a labelled one that is drawn by (seed, epoch): in an epoch each occurs equally
    often, but for one. Labels of other than labelled images are not read: what loads labels gives 255 everywhere, so
    that one pipeline suits both. Asked by ``(seed, epoch, index)``, as :class:`EndlessSampler` and
    :class:`EpochSampler` do, items depend on that alone; asked by plain indices they are drawn by NumPy's global
    generator, as are those of mmseg's data sets.

    Args:
        labelled: config of a data set of images with labels, of this package or mmseg's, or the data set.
        unlabelled: the same for all images; by default the same data set as ``labelled``, all of it.
        subset: arguments of :func:`mmdepthcp.datasets.subsets.select_images` (``count``, ``seed``, ...), to take as
            labelled but some images of ``labelled``.
        only_unlabelled: leave labelled images out of the unlabelled ones.
        read_labels: also read labels of unlabelled images (``labels_read``), for a model to log how often its teacher
            is right there; ``has_labels`` stays False.
        disparity: folder of their disparity, as ``tools/infer_depth.py`` writes it, for data sets that know none, as
            mmseg's; ``LoadDisparity(as_field=True)`` is put behind the loading of the unlabelled image where the
            pipeline has none.

    Raises:
        InputError: no image is without labels where such are wanted; ``subset`` is wrong; a pipeline moves images and
            leaves their disparity behind; later, a file cannot be used.
    """

    def __init__(self, labelled: dict | BaseDataset, unlabelled: dict | BaseDataset | None = None,
                 subset: Mapping[str, Any] | None = None, only_unlabelled: bool = False, read_labels: bool = False,
                 disparity: str | None = None) -> None:
        if unlabelled is None:
            unlabelled = copy.deepcopy(labelled)
        self.labelled, self.unlabelled = (
            _built(dataset, name) for dataset, name in ((labelled, 'labelled'), (unlabelled, 'unlabelled')))
        self._labelled_items = self._chosen(subset)
        places = [_place(self.labelled.get_data_info(index)['img_path']) for index in self._labelled_items]
        known = frozenset(places)
        self._has_labels = [
            _place(self.unlabelled.get_data_info(index)['img_path']) in known for index in range(len(self.unlabelled))]
        self._unlabelled_items = [
            index for index, has_labels in enumerate(self._has_labels) if not (only_unlabelled and has_labels)]
        if not self._unlabelled_items:
            raise InputError(f'{type(self).__name__}: none of {len(self._has_labels)} images is without labels; take '
                             'fewer labelled ones (subset.count), or leave only_unlabelled out')
        self.labelled.pipeline = _Pipeline(self.labelled.pipeline.transforms)
        self.read_labels = read_labels
        self.unlabelled.pipeline = self._unlabelled_pipeline(known, disparity)
        self._order: tuple[tuple[int, ...], np.ndarray] | None = None
        notice(f'{len(places)} images with labels; {len(self)} to learn from without, of which '
               f'{sum(self._has_labels[index] for index in self._unlabelled_items)} are among the labelled ones',
               logging.INFO)

    def _chosen(self, subset: Mapping[str, Any] | None) -> list[int]:
        try:
            return select_images(image_names(self.labelled), **(subset or {})).tolist()
        except TypeError as error:
            raise InputError(f'{type(self).__name__}: subset {dict(subset or {})}: {error}') from None

    def _unlabelled_pipeline(self, known: frozenset[str], disparity: str | None) -> _Pipeline:
        steps = list(self.unlabelled.pipeline.transforms)
        if disparity is not None and not any(isinstance(step, LoadDisparity) for step in steps):
            loading = [isinstance(step, (LoadImage, LoadImageFromFile)) for step in steps]
            if not any(loading):
                raise InputError(f'{type(self).__name__}: the pipeline of unlabelled images loads no image, behind '
                                 'which their disparity could be; add LoadDisparity(as_field=True) to it')
            steps.insert(loading.index(True) + 1, LoadDisparity(as_field=True))
        check_maps_follow(Compose(steps), type(self).__name__)
        root = self.unlabelled.data_prefix['img_path'] or '.'
        return _Pipeline(
            steps, lambda path: self.read_labels or _place(path) in known,
            None if disparity is None else
            lambda path: str(Path(disparity, os.path.relpath(path, root)).with_suffix('.png')))

    @property
    def metainfo(self) -> dict:
        """That of the labelled images."""
        return self.labelled.metainfo

    def __len__(self) -> int:
        return len(self._unlabelled_items)

    def _labelled_item(self, draw: tuple[int, ...], index: int) -> int:
        if self._order is None or self._order[0] != draw:
            count = len(self._labelled_items)
            order = np.random.default_rng([*draw, _LABELLED]).permutation(-(-len(self) // count) * count)
            self._order = draw, order[:len(self)] % count
        return self._labelled_items[self._order[1][index]]

    def __getitem__(self, index: int | tuple[int, ...]) -> dict[str, dict]:
        is_drawn = isinstance(index, tuple)
        draw, index = split_index(index)
        if not is_drawn:
            draw = tuple(np.random.randint(2**31, size=2).tolist())  # noqa: NPY002
        if not -len(self) <= index < len(self):
            raise IndexError(f'item {index} of {len(self)}')
        index %= len(self)
        item = self._unlabelled_items[index]
        labelled = _asked(self.labelled, (*draw, _LABELLED, index, self._labelled_item(draw, index)))
        unlabelled = _asked(self.unlabelled, (*draw, _UNLABELLED, index, item))
        sample = unlabelled['data_samples']
        sample.set_metainfo(dict(
            has_labels=self._has_labels[item] and 'gt_sem_seg' in sample, labels_read=self.read_labels,
            seed=int(np.random.default_rng([*draw, _SEED, index]).integers(2**62))))
        return dict(labelled=labelled, unlabelled=unlabelled)


def _built(dataset: dict | BaseDataset, name: str) -> BaseDataset:
    built = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
    if not isinstance(getattr(built, 'pipeline', None), Compose):
        raise InputError(f'LabelledUnlabelledDataset: {name}: {type(built).__name__} has no pipeline; name a single '
                         'data set of images')
    built.full_init()
    return built


def _asked(dataset: BaseDataset, asked: tuple[int, ...]) -> dict:
    if isinstance(dataset, SeededDataset):
        return dataset[asked]
    with drawn_by(asked):
        return dataset[asked[-1]]
