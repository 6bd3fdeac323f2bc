"""Labelled images with their neighbours in time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.dataset import BaseDataset

from mmdepthcp.datasets.seeded import SeededDataset
from mmdepthcp.registry import DATASETS
from mmdepthcp.utils.errors import InputError, notice

OF_CLIPS = ('frame_paths', 'offsets', 'clip', 'crop_bottom', 'intrinsics')


@DATASETS.register_module()
class LabelledClipDataset(SeededDataset, BaseDataset):
    """The images of one data set as the frames of another, for a model that learns depth and segmentation (Hoyer et
    al., CVPR 2021).

    An image is the frame with the same path below ``img_path``, but for the suffix. An item has what
    :class:`StreetDataset` says of the image, and ``frame_paths``, ``offsets``, ``clip``, ``crop_bottom`` and
    ``intrinsics`` of :class:`VideoClipDataset`. Images without neighbours are left out and counted in the log.

    Args:
        images: config of a ``StreetDataset`` with labels; its ``subset`` or ``ann_file`` chooses the labelled images.
        clips: config of a ``VideoClipDataset``. None: the images have no neighbours, and are clips of one frame.
        pipeline: such as ``LoadClip``, ``LoadLabels``, ``ResizeClip``, ``CropClip``, ``FlipClip``, ``PackMonoInputs``;
            those of the two are not used.
        kwargs: further arguments of MMEngine's ``BaseDataset``.

    Raises:
        InputError: no image is a frame with neighbours, or the clips are cut below (``crop_bottom``), which labels are
            not.
    """

    def __init__(self, images: dict, clips: dict | None = None, pipeline: Sequence = (), **kwargs: Any) -> None:
        self.images = DATASETS.build({**images, 'pipeline': []})
        self.clips = None if clips is None else DATASETS.build({**clips, 'pipeline': []})
        if self.clips is not None and self.clips.crop_bottom:
            raise InputError(f'{type(self).__name__}: clips.crop_bottom is {self.clips.crop_bottom}, but labels are '
                             'not cut; leave it 0')
        super().__init__(data_prefix=dict(self.images.data_prefix), pipeline=list(pipeline), **kwargs)

    @property
    def metainfo(self) -> dict:
        """That of the labelled images."""
        return self.images.metainfo

    def load_data_list(self) -> list[dict]:
        images = [self.images.get_data_info(index) for index in range(len(self.images))]
        if self.clips is None:
            return [dict(image, frame_paths=[image['img_path']], offsets=[0]) for image in images]
        frames = (self.clips.get_data_info(index) for index in range(len(self.clips)))
        clip_of = {_name(self.clips, frame): frame for frame in frames}
        found = [self._joined(image, clip_of[name]) for image in images
                 if (name := _name(self.images, image)) in clip_of]
        root = self.images.data_prefix['img_path']
        if not found:
            raise InputError(f'{root}: none of {len(images)} labelled images is a frame with neighbours in '
                             f'{self.clips.data_prefix["img_path"]}, such as {_name(self.images, images[0])}; name the '
                             'folders so that an image has the same path below both')
        if len(found) < len(images):
            notice(f'{root}: left out {len(images) - len(found)} of {len(images)} labelled images, which are no frames '
                   f'with neighbours in {self.clips.data_prefix["img_path"]}')
        return found

    @staticmethod
    def _joined(image: dict, clip: dict) -> dict:
        paths = [image['img_path'] if offset == 0 else path
                 for offset, path in zip(clip['offsets'], clip['frame_paths'], strict=True)]
        return {**image, **{key: clip[key] for key in OF_CLIPS if key in clip}, 'frame_paths': paths}


def _name(dataset: Any, item: dict) -> str:
    return Path(item['img_path']).relative_to(dataset.data_prefix['img_path'] or '.').with_suffix('').as_posix()
