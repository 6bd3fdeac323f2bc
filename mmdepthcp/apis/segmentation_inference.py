"""Unsupervised segments of any image."""

from __future__ import annotations

import colorsys
import copy
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose
from mmseg.apis import MMSegInferencer
from torch import nn

import mmdepthcp.datasets
import mmdepthcp.models
import mmdepthcp.visualization  # noqa: F401
from mmdepthcp.checkpoint import check_fit, model_weights, read_checkpoint
from mmdepthcp.command_line import load_config
from mmdepthcp.datasets.transforms import LoadImage
from mmdepthcp.fileio import InputError, find_files
from mmdepthcp.registry import SCOPE

LOADERS = ('LoadImage', 'LoadImageFromFile', 'LoadLabels', 'LoadAnnotations')


def distinct_colours(count: int) -> list[list[int]]:
    """RGB colours, each (3,) in 0..255, of hues that lie a golden section of the circle apart."""
    return [
        [round(255 * channel) for channel in colorsys.hsv_to_rgb(0.618034 * index % 1, 0.75, 0.9 - 0.3 * (index % 2))]
        for index in range(count)]


class UnsupervisedSegInferencer(MMSegInferencer):
    """Segment images with a pretrained DepthCP model, without any label.

    ::

        from mmdepthcp.apis import UnsupervisedSegInferencer

        inferencer = UnsupervisedSegInferencer('work_dirs/depthcp_cityscapes/epoch_25.pth')
        segments = inferencer('street.png', out_dir='segments')['predictions']

    ``segments`` is (H, W) integers at the image's size: the cluster of every pixel, in 0..num_clusters−1. A cluster
    means the same thing in all images. Images are given as files, folders, arrays (H, W, 3) uint8 BGR, or lists of
    these; see MMSegInferencer for the further arguments of the call (``return_vis``, ``out_dir``, ``batch_size``, ...).

    Args:
        checkpoint: a checkpoint of a DepthCP training.
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
        settings = _settings(content, checkpoint, config)
        model = settings.get('model', ConfigDict())
        if str(model.get('type')).rpartition('.')[2] != 'DepthCP':
            raise InputError(f'{checkpoint}: segments without labels need a DepthCP model, the config builds '
                             f'{model.get("type")}')
        model.backbone.pop('init_cfg', None)
        if num_clusters is not None:
            model.num_clusters = num_clusters
        settings.visualizer = dict(type='mmseg.SegLocalVisualizer', vis_backends=[], name='unsupervised_segments')
        self._weights = model_weights(content, checkpoint)
        self._checkpoint = str(checkpoint)
        super().__init__(settings, device=device, scope=SCOPE)
        self.show_progress = show_progress

    def _load_weights_to_model(self, model: nn.Module, checkpoint: Any, cfg: ConfigDict) -> None:
        check_fit(model, self._weights, self._checkpoint)
        model.load_state_dict(self._weights, strict=False)
        del self._weights
        model.dataset_meta = dict(
            classes=[str(index) for index in range(model.num_clusters)], palette=distinct_colours(model.num_clusters))

    def _init_pipeline(self, cfg: ConfigDict) -> Callable[[str | np.ndarray], dict]:
        steps = cfg.test_dataloader.dataset.pipeline
        after_loading = Compose([step for step in steps if step['type'].rpartition('.')[2] not in LOADERS])
        return lambda image: after_loading(_load(image))

    def _inputs_to_list(self, inputs: Any) -> list:
        if isinstance(inputs, (str, os.PathLike)) and Path(inputs).is_dir():
            return [str(Path(inputs, file)) for file in find_files(inputs)]
        inputs = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        inputs = [str(item) if isinstance(item, os.PathLike) else item for item in inputs]
        for item in inputs:
            if isinstance(item, str) and not Path(item).is_file():
                raise InputError(f'{item}: no such image file or folder')
        return inputs


def _load(image: str | np.ndarray) -> dict[str, Any]:
    if isinstance(image, str):
        return LoadImage().transform(dict(img_path=image))
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        shape = f'{image.dtype} of shape {image.shape}' if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f'an image is a file or an array (H, W, 3) uint8 BGR, not {shape}')
    return dict(img=image, img_shape=image.shape[:2], ori_shape=image.shape[:2])


def _settings(
    content: Mapping[str, Any], checkpoint: str | os.PathLike, config: str | os.PathLike | Config | None,
) -> Config:
    if isinstance(config, Config):
        return copy.deepcopy(config)
    if config is not None:
        return load_config(config)
    text = (content.get('meta') or {}).get('cfg')
    if text is None:
        raise InputError(f'{checkpoint}: holds no config, as an exported file does not; take the checkpoint of the '
                         'training, or name its config')
    return Config.fromstring(text, '.py')
