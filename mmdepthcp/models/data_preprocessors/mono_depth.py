"""From packed uint8 frames to the tensors that the depth model takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmdepthcp.geometry.cameras import check_intrinsics
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError

SIZE_DIVISOR = 32
MIN_SIZE = 64
MEAN, STD = 0.45, 0.225


def _stack(name: str, frames: Tensor | Sequence[Tensor]) -> Tensor:
    if not isinstance(frames, Tensor):
        shapes = {tuple(sample.shape) for sample in frames}
        if len(shapes) > 1:
            raise InputError(
                f'inputs[{name!r}]: the samples of a batch differ in shape ({sorted(shapes)}); resize all '
                'to one size')
        frames = torch.stack(list(frames))
    height, width = frames.shape[-2:]
    if height % SIZE_DIVISOR or width % SIZE_DIVISOR or min(height, width) < MIN_SIZE:
        raise InputError(
            f'inputs[{name!r}]: images of {width}x{height} pixels; width and height must be multiples of '
            f'{SIZE_DIVISOR} and at least {MIN_SIZE}: set the scale of the resizing transform so')
    return frames


def check_cameras(data_samples: Sequence[BaseDataElement] | None) -> None:
    """Raise an InputError where ``intrinsics`` of samples, not on a GPU yet, are those of no camera."""
    for sample in data_samples or ():
        matrix = sample.get('intrinsics')
        if matrix is not None and not (isinstance(matrix, Tensor) and matrix.is_cuda):
            check_intrinsics(matrix, f'{sample.get("img_path", "a sample")}: intrinsics', inside=False)


def prepare_frames(inputs: Mapping[str, Tensor | Sequence[Tensor]], mean: float, std: float, training: bool
                   ) -> dict[str, Tensor]:
    """``network`` and, in training, ``clean``, see :class:`MonoDepthDataPreprocessor`, from frames on the device."""
    frames = {name: _stack(name, value).flip(2).float() for name, value in inputs.items()}
    network = frames.get('augmented', frames['clean']) if training else frames['clean']
    prepared = {'network': network.mul(1 / (255 * std)).sub_(mean / std)}
    if training:
        prepared['clean'] = frames['clean'] / 255
    return prepared


@MODELS.register_module()
class MonoDepthDataPreprocessor(BaseDataPreprocessor):
    """Stack the frames of a batch, change BGR to RGB, scale to 0..1, and normalise what the networks see.

    Nothing is padded: width and height must be multiples of 32 and at least 64.

    Args:
        mean: subtracted from the networks' input in 0..1, the same for all channels.
        std: divides it then.
    """

    def __init__(self, mean: float = MEAN, std: float = STD, non_blocking: bool = False) -> None:
        super().__init__(non_blocking)
        self.mean = mean
        self.std = std

    @classmethod
    def normalisation(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Mean and deviation of the three channels, of images in 0..255, and the order of the channels.

        Args:
            settings: arguments of this class.
        """
        return dict(mean=[255 * settings.get('mean', MEAN)] * 3, std=[255 * settings.get('std', STD)] * 3,
                    channels='RGB')

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Tensors for the model.

        Args:
            data: ``inputs`` with ``clean`` and, in training, ``augmented``: uint8 BGR frames in temporal
                order, (B, F, 3, H, W) or a list of B tensors (F, 3, H, W); ``data_samples``.
            training: also give what the losses see.

        Returns:
            ``inputs`` with ``network``: the normalised augmented (else clean) frames, and in training
            ``clean``: RGB in 0..1, each (B, F, 3, H, W) float32; ``data_samples`` as they were, on the
            model's device.

        Raises:
            InputError: sizes differ within the batch or do not suit the networks, or intrinsics are those of no camera.
        """
        check_cameras(data.get('data_samples'))
        data = self.cast_data(data)
        return {'inputs': prepare_frames(data['inputs'], self.mean, self.std, training),
                'data_samples': data.get('data_samples')}
