"""Networks from an image to its disparity, whatever they learn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement, PixelData
from torch import Tensor

from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError


def blend_with_mirror(sigmoid: Tensor, mirrored: Tensor) -> Tensor:
    """Average of a prediction and that of the mirrored image, each alone at the border where it sees more.

    The left 5 % of the columns take the mirrored image's prediction, the right 5 % the image's own, and both
    shares change linearly to one half over the next 5 % (post-processing of Godard et al., CVPR 2017).

    Args:
        sigmoid: (..., H, W).
        mirrored: prediction of the mirrored image, mirrored back, the same shape.
    """
    column = torch.linspace(0, 1, sigmoid.shape[-1], device=sigmoid.device)
    left = (2 - 20 * column).clamp(0, 1)
    share = (1 - left + left.flip(0)) / 2
    return share * sigmoid + (1 - share) * mirrored


def channels_last(images: Tensor) -> Tensor:
    """Images (B, C, H, W) in the memory format of the weights."""
    return images.contiguous(memory_format=torch.channels_last)


def target_frame(frames: Tensor, index: int) -> Tensor:
    """Of clips (B, F, 3, H, W) the frames of an index, (B, 3, H, W), in the memory format of the weights; of clips of
    one frame this one.
    """
    return channels_last(frames[:, 0 if frames.shape[1] == 1 else index])


class DepthNetwork(BaseModel):
    """An encoder and a decoder to sigmoid disparity. What it learns from is up to the classes that have :meth:`loss`.

    Args:
        backbone: config of the encoder, such as ``DepthResNet``.
        decode_head: config of the decoder, such as ``DepthDecoder``.
        flip_test: average the predictions of the image and of its mirror.
        data_preprocessor: config, default ``MonoDepthDataPreprocessor``.

    Raises:
        InputError: the decoder takes other channels than the encoder gives.
    """

    target_index = 0
    """Which of the frames of a clip is the one whose disparity is predicted."""

    def __init__(self, backbone: dict, decode_head: dict, flip_test: bool = False,
                 data_preprocessor: dict | None = None, init_cfg: dict | None = None) -> None:
        data_preprocessor = data_preprocessor or dict(type='MonoDepthDataPreprocessor')
        super().__init__(MODELS.build(data_preprocessor), init_cfg)
        self.backbone = MODELS.build(backbone)
        self.decode_head = MODELS.build(decode_head)
        given = getattr(self.backbone, 'feature_channels', self.decode_head.in_channels)
        if tuple(given) != tuple(self.decode_head.in_channels):
            raise InputError(
                f'decode_head.in_channels is {self.decode_head.in_channels}, but the backbone gives {given}: set '
                'it so')
        self.flip_test = flip_test
        self.to(memory_format=torch.channels_last)

    def forward(self, inputs: dict[str, Tensor], data_samples: list[BaseDataElement] | None = None,
                mode: str = 'tensor') -> Any:
        """Losses, predictions or sigmoid disparities of a batch from the data preprocessor.

        Args:
            inputs: ``network`` (B, F, 3, H, W) normalised frames in temporal order and, for the losses,
                ``clean`` of the same shape, RGB in 0..1. Prediction takes one frame too.
            data_samples: one per item; what is read of them in training is said by :meth:`loss`, in prediction
                ``ori_shape``.
            mode: 'loss', 'predict' or 'tensor'.

        Returns:
            'loss': see :meth:`loss`; 'predict': see :meth:`predict`; 'tensor': σ_0..σ_3, (B, 1, H / 2^s, W /
            2^s).
        """
        if mode == 'loss':
            return self.loss(inputs, data_samples or [])
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode == 'tensor':
            return self.decode_head(self.backbone(target_frame(inputs['network'], self.target_index)))
        raise ValueError(f"mode must be 'loss', 'predict' or 'tensor', got {mode!r}")

    def loss(self, inputs: dict[str, Tensor], data_samples: Sequence[BaseDataElement]) -> dict[str, Tensor]:
        """Losses of a batch."""
        raise NotImplementedError

    def predict(self, inputs: dict[str, Tensor], data_samples: Sequence[BaseDataElement] | None = None
                ) -> list[BaseDataElement]:
        """Sigmoid disparity of the target frames.

        Returns:
            The data samples with ``pred_disparity``, PixelData whose ``data`` is (1, h, w) float32 in 0..1,
            larger is closer, at the size ``ori_shape`` (else at the input's size).
        """
        image = target_frame(inputs['network'], self.target_index)
        if self.flip_test:
            both = self.decode_head(self.backbone(torch.cat([image, image.flip(-1)])))[0]
            own, mirrored = both.chunk(2)
            sigmoids = blend_with_mirror(own, mirrored.flip(-1))
        else:
            sigmoids = self.decode_head(self.backbone(image))[0]
        if data_samples is None:
            data_samples = [BaseDataElement() for _ in sigmoids]
        for sample, sigmoid in zip(data_samples, sigmoids, strict=True):
            size = tuple(sample.get('ori_shape', sigmoid.shape[-2:]))[:2]
            resized = F.interpolate(sigmoid[None], size, mode='bilinear', align_corners=False)[0]
            sample.set_data(dict(pred_disparity=PixelData(data=resized)))
        return list(data_samples)
