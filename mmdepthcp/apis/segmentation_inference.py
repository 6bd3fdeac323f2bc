"""Unsupervised segments of any image."""

from __future__ import annotations

import colorsys
import inspect
import itertools
import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose
from mmengine.device import get_device
from mmseg.apis import MMSegInferencer
from torch import nn

import mmdepthcp.datasets
import mmdepthcp.models
import mmdepthcp.visualization  # noqa: F401
from mmdepthcp.config.loading import config_of
from mmdepthcp.datasets.transforms import LoadImage
from mmdepthcp.engine.resuming import forget_beginnings
from mmdepthcp.models.segmentors import SegmentsByClusters
from mmdepthcp.registry import MODELS, SCOPE
from mmdepthcp.utils.checkpoint import check_fit, model_weights, read_checkpoint
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import atomic_path
from mmdepthcp.utils.images import read_image, write_png
from mmdepthcp.utils.trees import local_device
from mmdepthcp.utils.walks import IMAGE_SUFFIXES, given_images

LOADERS = ('LoadImage', 'LoadImageFromFile', 'LoadLabels', 'LoadAnnotations')


def distinct_colours(count: int) -> list[list[int]]:
    """RGB colours, each (3,) in 0..255, of hues that lie a golden section of the circle apart."""
    return [
        [round(255 * channel) for channel in colorsys.hsv_to_rgb(0.618034 * index % 1, 0.75, 0.9 - 0.3 * (index % 2))]
        for index in range(count)]


def _name_of(step: Mapping[str, Any]) -> str:
    return step['type'].rpartition('.')[2]


class UnsupervisedSegInferencer(MMSegInferencer):
    """Segment images without labels, with a model that clusters: DepthCP, DepthG, or a cluster probe on any backbone.

    ::

        from mmdepthcp.apis import UnsupervisedSegInferencer

        inferencer = UnsupervisedSegInferencer('work_dirs/depthcp_cityscapes/epoch_25.pth')
        segments = inferencer('street.png', out_dir='segments')['predictions']

    ``segments`` is (H, W) integers at the image's size: the cluster of every pixel, in 0..num_clusters−1. A cluster
    means the same thing in all images. Images are given as files, folders, arrays (H, W, 3) uint8 BGR, or lists of
    these; see MMSegInferencer for the further arguments of the call (``return_vis``, ``out_dir``, ``batch_size``, ...).

    ``out_dir`` holds ``vis/<name>`` and ``pred/<name without suffix>_pred.png`` of every image. The name is the path
    from the folder given, or from the one that the images given have in common; where the inferencer has written a file
    of that name for another image before, a number is added. ``out_dir`` may lie in the folder of the images.

    Args:
        checkpoint: a checkpoint of its training.
        config: its config; by default the one in the checkpoint.
        num_clusters: segments to distinguish; by default as many as the config says.
        device: such as ``'cuda'``; by default an accelerator, if there is one.
        show_progress: show a progress bar.

    Raises:
        InputError: the checkpoint is unusable, of another model, or holds no config while none is given; there are
            fewer prototypes than clusters; (in the call) there is no such image.
    """

    def __init__(
        self,
        checkpoint: str | os.PathLike,
        config: str | os.PathLike | Config | None = None,
        num_clusters: int | None = None,
        device: str | None = None,
        show_progress: bool = False,
    ) -> None:
        content = read_checkpoint(checkpoint)
        settings = config_of(content, checkpoint, config)
        model = settings.get('model', ConfigDict())
        kind = MODELS.module_dict.get(str(model.get('type')).rpartition('.')[2])
        if kind is None or not issubclass(kind, SegmentsByClusters):
            raise InputError(f'{checkpoint}: segments without labels need a model that clusters, such as DepthCP; the '
                             f'config builds {model.get("type")}')
        forget_beginnings(model)
        self._num_clusters = num_clusters
        settings.visualizer = dict(type='mmseg.SegLocalVisualizer', vis_backends=[], name='unsupervised_segments')
        self._weights = model_weights(content, checkpoint)
        self._checkpoint = str(checkpoint)
        self._out: list[str] = []
        self._names: list[_Name] = []
        self._written: dict[str, str] = {}
        super().__init__(settings, device=local_device(device or get_device()),
                         scope=settings.get('default_scope', SCOPE))
        self.show_progress = show_progress

    def _load_weights_to_model(self, model: nn.Module, checkpoint: Any, cfg: ConfigDict) -> None:
        check_fit(model, self._weights, self._checkpoint)
        model.load_state_dict(self._weights, strict=False)
        del self._weights
        if self._num_clusters not in (None, model.num_clusters):
            try:
                model.num_clusters = self._num_clusters
            except AttributeError:
                raise InputError(f'{self._checkpoint}: the model has learnt {model.num_clusters} clusters and cannot '
                                 f'give {self._num_clusters}') from None
        model.dataset_meta = dict(
            classes=[str(index) for index in range(model.num_clusters)], palette=distinct_colours(model.num_clusters))

    def _init_pipeline(self, cfg: ConfigDict) -> Callable[[str | np.ndarray], dict]:
        steps = [step for step in cfg.test_dataloader.dataset.pipeline if _name_of(step) not in LOADERS]
        after_loading = Compose([step.for_whole_images() if hasattr(step, 'for_whole_images') else step
                                 for step in Compose(steps).transforms])
        return lambda image: after_loading(_load(image))

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> dict:
        call = inspect.signature(super().__call__).bind(inputs, *args, **kwargs)
        call.apply_defaults()
        out = str(call.arguments.get('out_dir') or '')
        call.arguments['out_dir'] = out
        inner = [os.path.join(out, call.arguments[key]) for key in ('img_out_dir', 'pred_out_dir')]
        self._out = [out, *inner] if out else []
        return super().__call__(*call.args, **call.kwargs)

    def _inputs_to_list(self, inputs: Any) -> list:
        given = given_images(inputs, self._out_below(inputs))
        self._names = [_Name.of_file(name, image) if isinstance(image, str)
                       else _Name.of_array(self.num_pred_imgs + number) for number, (image, name) in enumerate(given)]
        return [image for image, _ in given]

    def _out_below(self, inputs: Any) -> list[str]:
        """Folders that are written, but for the one that the images lie in."""
        return [folder for folder in self._out if not isinstance(inputs, (str, os.PathLike))
                or os.path.realpath(folder) != os.path.realpath(inputs)]

    def visualize(
        self, inputs: list, preds: list, return_vis: bool = False, show: bool = False, wait_time: int = 0,
        img_out_dir: str = '', opacity: float = 0.8, with_labels: bool | None = True,
    ) -> list[np.ndarray] | None:
        if not (return_vis or show or img_out_dir):
            return None
        self.visualizer.set_dataset_meta(**self.model.dataset_meta)
        self.visualizer.alpha = opacity
        pictures = []
        for item, name, pred in zip(inputs, self._names, preds, strict=True):
            image = (read_image(item) if isinstance(item, str) else item)[..., ::-1]
            self.visualizer.add_datasample(
                name.picture, image.copy(), pred, draw_gt=False, show=show, wait_time=wait_time,
                with_labels=with_labels)
            picture = self.visualizer.get_image()
            if return_vis:
                pictures.append(picture)
            if img_out_dir:
                _write_picture(self._free_path(img_out_dir, name.picture, name.source), picture[..., ::-1])
            self.num_visualized_imgs += 1
        return pictures if return_vis else None

    def postprocess(
        self, preds: list, visualization: list[np.ndarray] | None, return_datasample: bool = False,
        pred_out_dir: str = '',
    ) -> Any:
        if pred_out_dir and not return_datasample:
            shared = Counter(name.segments[0] for name in self._names)
            for name, pred in zip(self._names, preds, strict=True):
                labels = pred.pred_sem_seg.data[0].cpu().numpy()
                chosen = name.segments[-1] if shared[name.segments[0]] > 1 else name.segments[0]
                file = self._free_path(pred_out_dir, chosen, name.source)
                write_png(file, labels.astype(np.uint8 if labels.max() < 256 else np.uint16))
        self.num_pred_imgs += len(preds)
        if return_datasample:
            return preds if len(preds) != 1 else preds[0]
        segments = [pred.pred_sem_seg.data[0].cpu().numpy() for pred in preds]
        pictures = visualization or []
        if len(segments) != 1:
            return dict(predictions=segments, visualization=pictures)
        return dict(predictions=segments[0], visualization=pictures[0] if pictures else pictures)

    def _free_path(self, folder: str, name: str, source: str) -> Path:
        """A name in a folder, with a number added if files of other sources have been written there."""
        stem, suffix = os.path.splitext(name)
        for number in itertools.count(1):
            if number > 1:
                name = f'{stem}_{number}{suffix}'
            path = os.path.realpath(os.path.join(folder, name))
            if self._written.setdefault(path, source) == source:
                return Path(path)
        raise AssertionError


def segment(
    images: Any,
    checkpoint: str | os.PathLike,
    out_dir: str | os.PathLike | None = None,
    num_clusters: int | None = None,
    batch_size: int = 1,
    device: str | None = None,
    config: str | os.PathLike | Config | None = None,
) -> np.ndarray | list[np.ndarray]:
    """Segments of images, without any label, by :class:`UnsupervisedSegInferencer`, which see for files and errors.

    Args:
        images: a file, a folder, an array (H, W, 3) uint8 BGR, or a list of files and arrays.
        checkpoint: of a training with DepthCP, DepthG, PiCIE or a cluster probe.
        out_dir: folder for pictures (``vis/``) and segments (``pred/``).
        num_clusters: segments to distinguish; by default as many as the config says.
        batch_size: images at once; those of a batch must come to one size.
        device: such as ``'cuda'``; by default an accelerator, if there is one.
        config: of the training; by default the one in the checkpoint.

    Returns:
        (H, W) integers at the image's size, the cluster of every pixel; of a folder or a list a list of these, in the
        order of the names or of the list.
    """
    inferencer = UnsupervisedSegInferencer(checkpoint, config, num_clusters, device)
    found = inferencer(images, out_dir=out_dir, batch_size=batch_size)['predictions']
    several = isinstance(images, (list, tuple)) or (isinstance(images, (str, os.PathLike)) and os.path.isdir(images))
    return [found] if several and not isinstance(found, list) else found


class _Name(NamedTuple):
    """What files made of an input are called.

    Attributes:
        source: what tells it from all others.
        picture: relative path of the picture.
        segments: relative path of the segments, without the suffix of the image and, if there is one, with it.
    """

    source: str
    picture: str
    segments: tuple[str, ...]

    @classmethod
    def of_file(cls, name: str, file: str) -> _Name:
        picture = name if name.lower().endswith(IMAGE_SUFFIXES) else f'{name}.png'
        return cls(os.path.abspath(file), picture, (f'{os.path.splitext(name)[0]}_pred.png', f'{name}_pred.png'))

    @classmethod
    def of_array(cls, number: int) -> _Name:
        return cls(f'array {number}', f'{number:08d}_vis.jpg', (f'{number:08d}_pred.png',))


def _write_picture(path: Path, image: np.ndarray) -> None:
    """Write an (H, W, 3) uint8 BGR image in the format that the suffix says."""
    encoded, content = cv2.imencode(path.suffix, np.ascontiguousarray(image))
    if not encoded:
        raise OSError(f'{path}: could not be written')
    with atomic_path(path) as aside:
        aside.write_bytes(content.data)


def _load(image: str | np.ndarray) -> dict[str, Any]:
    if isinstance(image, str):
        return LoadImage().transform(dict(img_path=image))
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        shape = f'{image.dtype} of shape {image.shape}' if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f'an image is a file or an array (H, W, 3) uint8 BGR, not {shape}')
    return dict(img=image, img_shape=image.shape[:2], ori_shape=image.shape[:2])
