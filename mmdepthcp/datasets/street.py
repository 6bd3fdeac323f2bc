"""Still images of streets with disparity, regions and labels beside them."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from os.path import isfile as is_file
from pathlib import Path
from typing import Any

from mmseg.datasets import BaseSegDataset, CityscapesDataset

from mmdepthcp.datasets.lists import find_listed, split_suffix
from mmdepthcp.datasets.prefixes import checked_prefix
from mmdepthcp.datasets.seeded import SeededDataset
from mmdepthcp.datasets.subsets import select_items
from mmdepthcp.datasets.transforms.geometry import check_maps_follow
from mmdepthcp.registry import DATASETS
from mmdepthcp.toy.classes import TOY_CLASSES, TOY_TRAIN_IDS
from mmdepthcp.utils.errors import InputError, notice
from mmdepthcp.utils.labels import IGNORED, look_at_labels
from mmdepthcp.utils.walks import IMAGE_SUFFIXES, find_files, in_any_letters

CITYSCAPES_TRAIN_IDS = {7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11,
                        25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18}
"""Cityscapes label id → train id of the 19 classes that are scored; every other id is ignored."""

ALL_CITYSCAPES_IDS = {label: CITYSCAPES_TRAIN_IDS.get(label, IGNORED) for label in range(34)}
CAMERA_FOLDER = re.compile('image_0?([0-3])')
TRAIN_ID_FILE, LABEL_ID_FILE = 'labelTrainIds.png', 'labelIds.png'

_CITYSCAPES = CityscapesDataset.METAINFO


@DATASETS.register_module()
class StreetDataset(SeededDataset, BaseSegDataset):
    """Any folder of images, searched with its sub-folders.

    ``data_prefix`` names the folders, relative to ``data_root``; all but the first may be left out:

    - ``img_path``: the images;
    - ``seg_map_path``: labels, ``<image path below img_path without img_suffix><seg_map_suffix>``, the ending in
      capitals or not;
    - ``disparity_path``, ``region_path``: 16-bit PNGs, ``<image path below img_path without .jpg or the
      like>.png``, as ``tools/infer_depth.py`` and ``tools/group_regions.py`` write them for the root
      ``img_path``.

    ``metainfo`` names the classes and palette of the labels, and the ``protocol`` that scores carry in their name.

    An item has ``img_path`` and, for each prefix given, ``seg_map_path``, ``disparity_path``,
    ``region_path``, further ``label_map``, ``reduce_zero_label``, ``seg_fields`` as in mmseg, ``num_classes``
    (0 where ``metainfo`` names no classes), and ``rng`` (see :class:`SeededDataset`). Whether the files beside
    the images exist is found out when they are loaded.

    Args:
        ann_file: Text file with one image a line, relative to ``img_path``, with or without ``img_suffix`` (see
            :func:`mmdepthcp.datasets.lists.find_listed`); by default all images of the folder are taken, except what
            lies in the other folders of ``data_prefix``.
        img_suffix: One or several endings of image files.
        seg_map_suffix: Ending of label files.
        subset: Arguments of :func:`mmdepthcp.datasets.subsets.select_images`, to use one fold or a fraction of
            the images; by default all are used.
        kwargs: Arguments of mmseg's ``BaseSegDataset``.

    Raises:
        InputError: ``data_prefix`` has an unknown key; the image folder is missing or empty; two images differ in
            nothing but the suffix; ``ann_file`` is missing, empty or names a missing image; there is no such subset;
            ``pipeline`` moves images and leaves their disparity or regions behind.
    """

    METAINFO: dict = dict(classes=(), palette=[], protocol=None)
    LABEL_IDS: dict[int, int] | None = None
    """Value in the label file → class index (255 = ignore), where the two differ."""

    def __init__(self, ann_file: str = '', img_suffix: str | Sequence[str] = IMAGE_SUFFIXES,
                 seg_map_suffix: str = '.png', data_prefix: dict | None = None, data_root: str | None = '',
                 subset: dict | None = None, **kwargs: Any) -> None:
        self.subset = subset
        suffixes = (img_suffix,) if isinstance(img_suffix, str) else tuple(img_suffix)
        known = ('img_path', 'seg_map_path', 'disparity_path', 'region_path')
        super().__init__(ann_file=ann_file, img_suffix=suffixes, seg_map_suffix=seg_map_suffix,
                         data_prefix=checked_prefix(data_prefix, known, type(self).__name__), data_root=data_root,
                         **kwargs)
        check_maps_follow(self.pipeline, type(self).__name__)

    @classmethod
    def _load_metainfo(cls, metainfo: dict | None = None) -> dict:
        # MMEngine takes every text for the name of a file to read, and warns where there is none
        given = dict(metainfo or {})
        texts = {key: given.pop(key) for key in ('protocol',) if key in given}
        return {**super()._load_metainfo(given), **texts}

    @classmethod
    def get_label_map(cls, new_classes: Sequence[str] | None = None) -> dict[int, int] | None:
        """Old class index → new one where ``metainfo`` chooses among the classes of a set; a set that names none
        takes any."""
        return super().get_label_map(new_classes) if cls.METAINFO['classes'] else None

    def load_data_list(self) -> list[dict]:
        root = Path(self.data_prefix['img_path'] or '.')
        classes = self.metainfo['classes'] or ()
        items = []
        for image in self._images(root):
            item = dict(img_path=str(root / image), seg_fields=[], reduce_zero_label=self.reduce_zero_label,
                        num_classes=len(classes))
            if 'seg_map_path' in self.data_prefix:
                stem = split_suffix(image, self.img_suffix)[0]
                item['seg_map_path'] = self._label_file(stem)
            item['label_map'] = self._label_map_of(item.get('seg_map_path', ''))
            for key in ('disparity_path', 'region_path'):
                if key in self.data_prefix:
                    item[key] = str(Path(self.data_prefix[key], Path(image).with_suffix('.png')))
            items.append(item)
        items = select_items(items, str(root), self.subset)
        if 'seg_map_path' in self.data_prefix and classes:
            look_at_labels(items, classes, self.data_prefix['seg_map_path'])
        return items

    def _images(self, root: Path) -> Iterable[str]:
        if self.ann_file:
            return find_listed(self.ann_file, root, self.img_suffix)
        others = [folder for key, folder in self.data_prefix.items() if key != 'img_path' and Path(folder) != root]
        return (image.as_posix() for image in find_files(root, self.img_suffix, others))

    def _label_file(self, stem: str) -> str:
        return str(in_any_letters(Path(self.data_prefix['seg_map_path'], stem + self.seg_map_suffix),
                                  self.seg_map_suffix))

    def _label_map_of(self, label_file: str) -> dict[int, int] | None:
        """Value in a label file → class index of this data set."""
        if self.LABEL_IDS is None:
            return self.label_map
        chosen = self.label_map or {}
        return {stored: chosen.get(index, index) for stored, index in self.LABEL_IDS.items()}


@DATASETS.register_module()
class CityscapesStreetDataset(StreetDataset):
    """Cityscapes, 19 train ids (Cordts et al., CVPR 2016).

    ``img_path`` is ``leftImg8bit/<split>``, ``leftImg8bit_extra/...`` or ``leftImg8bit_sequence/...``,
    ``seg_map_path`` ``gtFine/<split>`` with the ``_gtFine_labelTrainIds.png`` that ``cityscapesscripts``
    makes. Where one is missing, ``_gtFine_labelIds.png`` is read and its ids become train ids; the log says for how
    many images.
    """

    METAINFO = dict(classes=_CITYSCAPES['classes'], palette=_CITYSCAPES['palette'], protocol='cityscapes19')

    def __init__(self, img_suffix: str | Sequence[str] = ('_leftImg8bit.png', '_leftImg8bit.jpg'),
                 seg_map_suffix: str = '_gtFine_labelTrainIds.png', **kwargs: Any) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)

    def load_data_list(self) -> list[dict]:
        items = super().load_data_list()
        ids = sum(_holds_ids(item.get('seg_map_path', '')) for item in items)
        if ids:
            notice(f'{self.data_prefix["seg_map_path"]}: of {ids} of {len(items)} images the label ids are read and '
                   'turned into train ids', logging.INFO)
        return items

    def _label_file(self, stem: str) -> str:
        train_ids = super()._label_file(stem)
        if is_file(train_ids) or not train_ids.endswith(TRAIN_ID_FILE):
            return train_ids
        ids = in_any_letters(train_ids.removesuffix(TRAIN_ID_FILE) + LABEL_ID_FILE, LABEL_ID_FILE)
        return str(ids) if ids.is_file() else train_ids

    def _label_map_of(self, label_file: str) -> dict[int, int] | None:
        label_map = super()._label_map_of(label_file)
        if not _holds_ids(label_file):
            return label_map
        return {stored: train_id if label_map is None else label_map.get(train_id, IGNORED)
                for stored, train_id in ALL_CITYSCAPES_IDS.items()}


def _holds_ids(label_file: str) -> bool:
    return label_file.lower().endswith(LABEL_ID_FILE.lower())


@DATASETS.register_module()
class KITTIStreetDataset(StreetDataset):
    """KITTI, labelled (``image_2``, ``semantic``) or raw drives without labels (Geiger et al., IJRR 2013).

    The label files hold Cityscapes label ids; they become the 19 train ids.

    Args:
        cameras: Which of the folders ``image_00`` to ``image_03`` (in odometry ``image_0`` to ``image_3``) below
            ``img_path`` to take where there is no ``ann_file``; 2 and 3 are in colour. Depth maps (``proj_depth``) are
            no images either.
        kwargs: Arguments of :class:`StreetDataset`.

    Raises:
        InputError: none of the images is of these cameras.
    """

    METAINFO = dict(classes=_CITYSCAPES['classes'], palette=_CITYSCAPES['palette'], protocol='kitti19')
    LABEL_IDS = ALL_CITYSCAPES_IDS

    def __init__(self, ann_file: str = '', img_suffix: str | Sequence[str] = IMAGE_SUFFIXES,
                 cameras: Sequence[int] = (2, 3), **kwargs: Any) -> None:
        self.cameras = frozenset(cameras)
        super().__init__(ann_file=ann_file, img_suffix=img_suffix, **kwargs)

    def _images(self, root: Path) -> Iterable[str]:
        found = list(super()._images(root))
        if self.ann_file:
            return found
        taken = [image for image in found if self._is_taken(Path(image).parent.parts)]
        if not taken:
            raise InputError(f'{root}: none of {len(found)} images is of the cameras {sorted(self.cameras)}, such as '
                             f'{found[0]}; set cameras')
        if len(taken) < len(found):
            notice(f'{root}: {len(taken)} of {len(found)} images are of the cameras {sorted(self.cameras)}; the others '
                   'are left out', logging.INFO)
        return taken

    def _is_taken(self, folders: Sequence[str]) -> bool:
        cameras = {int(match[1]) for folder in folders if (match := CAMERA_FOLDER.fullmatch(folder))}
        return cameras <= self.cameras and 'proj_depth' not in folders


@DATASETS.register_module()
class CamVidStreetDataset(StreetDataset):
    """CamVid with the 11 classes of SegNet (Brostow et al., PRL 2009; Badrinarayanan et al., PAMI 2017).

    ``img_path`` is ``images/<split>``, ``seg_map_path`` ``labels/<split>``; the stored id 11 is ignored.
    """

    METAINFO = dict(
        classes=('sky', 'building', 'pole', 'road', 'pavement', 'tree', 'sign symbol', 'fence', 'car',
                 'pedestrian', 'bicyclist'),
        palette=[[128, 128, 128], [128, 0, 0], [192, 192, 128], [128, 64, 128], [60, 40, 222], [128, 128, 0],
                 [192, 128, 128], [64, 64, 128], [64, 0, 128], [64, 64, 0], [0, 128, 192]],
        protocol='camvid11')
    LABEL_IDS = {**{index: index for index in range(11)}, 11: 255}


@DATASETS.register_module()
class ToyStreetDataset(CityscapesStreetDataset):
    """The toy streets of ``tools/dataset_converters/toy_streets.py``: the Cityscapes layout, the classes that
    occur there.
    """

    METAINFO = dict(
        classes=TOY_CLASSES,
        palette=[_CITYSCAPES['palette'][train_id] for train_id in TOY_TRAIN_IDS],
        protocol=f'toy{len(TOY_CLASSES)}')
    LABEL_IDS = {train_id: index for index, train_id in enumerate(TOY_TRAIN_IDS)}
