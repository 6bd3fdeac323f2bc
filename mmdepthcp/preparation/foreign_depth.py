"""Depth networks that others have trained: what they give, brought to one scale."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.nn import functional

from mmdepthcp.geometry.depth_maps import depth_to_disparity, inverse_depth_scale
from mmdepthcp.preparation.exports import digest_of
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import read_json
from mmdepthcp.utils.images import read_image
from mmdepthcp.utils.walks import find_files

METRIC_MODELS = ('zoedepth', 'glpn', 'depth_pro', 'prompt_depth_anything')
OWN_POST_PROCESSING = ('zoedepth', 'depth_pro')
"""Models whose output is more than a map to be resized: padding is to be cut off, or it is an inverse."""
SCALE_SAMPLE = 64


class ForeignPredictor(ABC):
    """A :class:`mmdepthcp.preparation.depth_inference.DepthPredictor` whose network gives metres or relative inverse
    depth.

    A model of metric depth gives disparity min(1, nearest / depth). A model of relative inverse depth is multiplied by
    one constant, which :meth:`fit_scale` finds. Such models know inverse depth up to scale *and* offset; the offset is
    taken as zero, that is, their zero (the sky) is infinitely far.

    Args:
        output: ``'inverse'`` or ``'metric'``.
        nearest: Metres that become disparity 1, for metric depth.
        settings: What ``meta.json`` records of the network.

    Raises:
        InputError: ``nearest`` is not above zero.
    """

    def __init__(self, output: str, nearest: float, settings: dict[str, Any]) -> None:
        if not 0 < nearest < float('inf'):
            raise InputError(f'nearest must be a number of metres above 0, got {nearest}')
        self.output, self.nearest, self.scale = output, nearest, 1.
        self.settings = dict(settings, output=output, **({'nearest': nearest} if output == 'metric' else {}))

    @abstractmethod
    def prepare(self, path: Path) -> Any:
        """Read an image file; runs in the loader's processes."""

    @abstractmethod
    def raw(self, items: Sequence[Any]) -> list[np.ndarray]:
        """What the network gives for prepared images, each (H, W) float32 at its image's size."""

    def fit_scale(self, paths: Sequence[Path], batch_size: int = 1) -> None:
        """Choose the constant for relative inverse depth: see :func:`inverse_depth_scale`; metric depth needs
        none.

        Args:
            paths: Image files that stand for the data set; the same for all shards.
            batch_size: Images at once.
        """
        if self.output == 'metric':
            return
        predictions = []
        for start in range(0, len(paths), batch_size):
            predictions += self.raw([self.prepare(path) for path in paths[start:start + batch_size]])
        self.scale = inverse_depth_scale(predictions)

    def predict(self, items: Sequence[Any]) -> list[np.ndarray]:
        raw = self.raw(items)
        if self.output == 'metric':
            return [depth_to_disparity(depth, self.nearest) for depth in raw]
        return [np.clip(prediction / self.scale, 0, 1) for prediction in raw]


class HuggingFacePredictor(ForeignPredictor):
    """A depth-estimation model of Hugging Face transformers, such as
    ``depth-anything/Depth-Anything-V2-Small-hf``.

    The model's image processor brings its output to the image (``post_process_depth_estimation``): it cuts off the
    padding of ZoeDepth, makes metres of what Depth Pro predicts by the field of view, and resizes.

    Args:
        name: Name on the hub or folder.
        device: Such as ``'cuda'``.
        output: ``'inverse'``, ``'metric'`` or, by what the model's config says, ``'auto'``.
        nearest: Metres that become disparity 1, for metric depth.

    Raises:
        ImportError: transformers is not installed, or too old for the model.
        InputError: the model cannot be loaded, or ``nearest`` is not above zero.
    """

    def __init__(self, name: str, device: str, output: str = 'auto', nearest: float = 1.) -> None:
        try:
            from transformers import AutoImageProcessor, AutoModelForDepthEstimation
        except ImportError as error:
            raise ImportError('--hf-model needs Hugging Face transformers: pip install transformers '
                              f'({error})') from None
        try:
            self.processor = AutoImageProcessor.from_pretrained(name)
            self.model = AutoModelForDepthEstimation.from_pretrained(name).to(device).eval()
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f'{name}: cannot be loaded as a depth-estimation model of Hugging Face: '
                             f'{error}') from None
        config = self.model.config
        if not hasattr(self.processor, 'post_process_depth_estimation') and config.model_type in OWN_POST_PROCESSING:
            raise ImportError(f'{name}: models of the kind {config.model_type} need post-processing that this version '
                              "of transformers does not have: pip install 'transformers>=4.47,<5'")
        if output == 'auto':
            kind = getattr(config, 'depth_estimation_type', None) or (
                'metric' if config.model_type in METRIC_MODELS else 'relative')
            output = 'metric' if kind == 'metric' else 'inverse'
        self.device = device
        super().__init__(output, nearest, dict(
            source=name, processor=type(self.processor).__name__.removesuffix('Fast'),
            revision=digest_of(sorted(path for path in Path(name).iterdir() if path.is_file())) if Path(name).is_dir()
            else getattr(config, '_commit_hash', None)))

    def prepare(self, path: Path) -> tuple[dict, tuple[int, int]]:
        image = cv2.cvtColor(read_image(path), cv2.COLOR_BGR2RGB)
        return self.processor(images=image, return_tensors='pt')['pixel_values'][0], image.shape[:2]

    @torch.no_grad()
    def raw(self, items: Sequence[Any]) -> list[np.ndarray]:
        results: list[Any] = [None] * len(items)
        for shape in {tuple(pixels.shape) for pixels, _ in items}:
            same = [index for index, (pixels, _) in enumerate(items) if tuple(pixels.shape) == shape]
            pixels = torch.stack([items[index][0] for index in same]).to(self.device)
            maps = self._post_process(self.model(pixels), [items[index][1] for index in same])
            for index, values in zip(same, maps, strict=True):
                results[index] = values
        return results

    def _post_process(self, outputs: Any, sizes: Sequence[tuple[int, int]]) -> list[np.ndarray]:
        """What the model predicts at the (height, width) of the images, each (H, W) float32."""
        outputs.predicted_depth = outputs.predicted_depth.float()
        process = getattr(self.processor, 'post_process_depth_estimation', None)
        if process is None:
            maps = [functional.interpolate(depth.reshape(1, 1, *depth.shape[-2:]), size, mode='bicubic')
                    for depth, size in zip(outputs.predicted_depth, sizes, strict=True)]
        else:
            known = inspect.signature(process).parameters
            asked = {key: list(sizes) for key in ('source_sizes', 'target_sizes') if key in known}
            maps = [item['predicted_depth'] for item in process(outputs, **asked)]
        results = [depth.reshape(size).float().cpu().numpy() for depth, size in zip(maps, sizes, strict=True)]
        if self.output == 'metric':  # beside a far step bicubic resizing goes below zero, which would mean no depth
            least = max(float(outputs.predicted_depth.min()), 0.)
            results = [np.where(depth > 0, depth, np.float32(least)) for depth in results]
        return results


def set_common_scale(predictor: ForeignPredictor, root: Path, out: Path, batch_size: int = 1) -> None:
    """Give ``predictor`` the scale of the export in ``out``, or, if there is none yet, fit it to images of
    the whole tree.

    64 images at equal distances in the list of all images stand for the data set, whatever the shard.

    Raises:
        InputError: no images, or one of them cannot be used.
    """
    meta = out / 'meta.json'
    known = read_json(meta) if meta.exists() else {}
    if known.get('scale') is not None and all(known.get(key) == value for key, value in predictor.settings.items()):
        predictor.scale = known['scale']
        return
    files = find_files(root, leave_out=[out])
    chosen = np.linspace(0, len(files) - 1, min(SCALE_SAMPLE, len(files))).round().astype(int)
    predictor.fit_scale([root / files[index] for index in chosen], batch_size)
