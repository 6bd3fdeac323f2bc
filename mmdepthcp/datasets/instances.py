"""Street images with object masks, for MMDetection. Not imported by default, because MMDetection is not required."""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path
from typing import Any

from mmdepthcp.utils.requirements import require

with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
    warnings.filterwarnings('ignore', message='faster_coco_eval is not installed')
    require('mmseg.datasets', *(
        f'mmdet.{part}' for part in ('models', 'datasets', 'evaluation', 'engine', 'visualization')))

from mmdet.datasets import CocoDataset
from mmseg.datasets import CityscapesDataset

from mmdepthcp.datasets.coco import CITYSCAPES_THINGS
from mmdepthcp.datasets.prefixes import checked_prefix
from mmdepthcp.datasets.seeded import drawn_by, split_index
from mmdepthcp.datasets.subsets import select_items
from mmdepthcp.registry import DATASETS
from mmdepthcp.toy.classes import TOY_THINGS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import read_json

_COLOURS = dict(zip(CityscapesDataset.METAINFO['classes'], CityscapesDataset.METAINFO['palette'], strict=True))


@DATASETS.register_module()
class StreetInstanceDataset(CocoDataset):
    """Objects in a COCO file of ``tools/dataset_converters/instances_to_coco.py``: the 8 classes of Cityscapes.

    Asked by ``(seed, pass, index)`` (:class:`mmdepthcp.datasets.EndlessSampler`), all that is random in the pipeline
    depends on these numbers only.

    Args:
        subset: arguments of :func:`mmdepthcp.datasets.subsets.select_images`, to use one fold or a fraction of
            the images; by default all are used.
        args, kwargs: arguments of mmdet's ``CocoDataset``.

    Raises:
        InputError: the annotation file is missing, its classes are not this data set's in the same order, or
            there is no such subset.
    """

    METAINFO = dict(classes=CITYSCAPES_THINGS, palette=[tuple(_COLOURS[name]) for name in CITYSCAPES_THINGS])

    def __init__(self, *args: Any, subset: dict | None = None, **kwargs: Any) -> None:
        self.subset = subset
        if 'data_prefix' in kwargs:
            kwargs['data_prefix'] = checked_prefix(kwargs['data_prefix'], ('img', 'seg'), type(self).__name__)
        super().__init__(*args, **kwargs)

    def __getitem__(self, index: int | tuple[int, ...]) -> Any:
        with drawn_by(index):
            return super().__getitem__(split_index(index)[1])

    def load_data_list(self) -> list[dict]:
        self._check_classes()
        return select_items(super().load_data_list(), self.data_prefix['img'], self.subset)

    def parse_data_info(self, raw_data_info: dict) -> dict | list[dict]:
        return dict(super().parse_data_info(raw_data_info), ann_file=self.ann_file)

    def _check_classes(self) -> None:
        remedy = 'make the file with tools/dataset_converters/instances_to_coco.py'
        if not Path(self.ann_file).is_file():
            raise InputError(f'{self.ann_file}: no such annotation file; {remedy}')
        stored = [category['name'] for category in read_json(self.ann_file).get('categories', [])]
        wanted = list(self.metainfo['classes'])
        if stored != wanted:
            raise InputError(f'{self.ann_file}: holds the classes {", ".join(stored) or "(none)"}, the data set '
                             f'expects {", ".join(wanted)}, in this order; {remedy}, or set the data set\'s '
                             'metainfo.classes')


@DATASETS.register_module()
class ToyInstanceDataset(StreetInstanceDataset):
    """Objects of the toy streets."""

    METAINFO = dict(classes=TOY_THINGS, palette=[tuple(_COLOURS[name]) for name in TOY_THINGS])
