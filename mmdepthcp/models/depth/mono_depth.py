"""Self-supervised depth from monocular video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement, PixelData
from torch import Tensor

from mmdepthcp.geometry.view_synthesis import MAX_DEPTH, MIN_DEPTH
from mmdepthcp.models.depth.from_video import LearnsFromVideo, channels_last
from mmdepthcp.models.losses import ViewSynthesisLoss, feature_distance
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError

_REDUCTIONS = ('frobenius', 'mse')


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


@MODELS.register_module()
class MonoDepth(LearnsFromVideo, BaseModel):
    """Depth and camera motion learnt together from video (Godard et al., "Digging Into Self-Supervised
    Monocular Depth Estimation", ICCV 2019).

    Args:
        backbone: config of the depth encoder, such as ``DepthResNet``.
        decode_head: config of the decoder, such as ``DepthDecoder``.
        pose_net: config of the motion network, such as ``PoseNet``. With its ``learn_intrinsics``, samples
            without ``intrinsics`` get a predicted focal length.
        frame_offsets: the source frames' places relative to the target frame.
        min_depth: depth of sigmoid disparity 1, in the arbitrary unit of monocular training.
        max_depth: depth of sigmoid disparity 0.
        smoothness_weight: weight of the smoothness at full size, halved with every scale.
        ssim_weight: share of SSIM in the photometric error; 0 for the absolute difference alone.
        automask: leave out pixels that the unmoved source images explain better.
        avg_reprojection: mean over the source frames in place of the minimum.
        v1_multiscale: compare images at each scale's own size in place of the full size.
        feature_distance: ``dict(encoder=..., weight=0.01, reduction='frobenius' | 'mse')`` keeps the
            encoder's last features close to those of a frozen encoder, which must name its weights in
            ``init_cfg`` (Hoyer et al., CVPR 2021); None for none.
        flip_test: average the predictions of the image and of its mirror.
        data_preprocessor: config, default ``MonoDepthDataPreprocessor``.
    """

    def __init__(
        self,
        backbone: dict,
        decode_head: dict,
        pose_net: dict,
        frame_offsets: Sequence[int] = (-1, 1),
        min_depth: float = MIN_DEPTH,
        max_depth: float = MAX_DEPTH,
        smoothness_weight: float = 1e-3,
        ssim_weight: float = 0.85,
        automask: bool = True,
        avg_reprojection: bool = False,
        v1_multiscale: bool = False,
        feature_distance: dict | None = None,
        flip_test: bool = False,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        data_preprocessor = data_preprocessor or dict(type='MonoDepthDataPreprocessor')
        super().__init__(MODELS.build(data_preprocessor), init_cfg)
        self.backbone = MODELS.build(backbone)
        self.decode_head = MODELS.build(decode_head)
        self.learn_from_video(pose_net, frame_offsets, ViewSynthesisLoss(
            min_depth, max_depth, smoothness_weight, ssim_weight, automask, avg_reprojection, v1_multiscale))
        given = getattr(self.backbone, 'feature_channels', self.decode_head.in_channels)
        if tuple(given) != tuple(self.decode_head.in_channels):
            raise InputError(
                f'decode_head.in_channels is {self.decode_head.in_channels}, but the backbone gives {given}: set '
                'it so')
        self.min_depth = min_depth
        self.max_depth = max_depth
        self.flip_test = flip_test
        self.reference_encoder = None
        if feature_distance is not None:
            self._build_reference(**feature_distance)
        self.to(memory_format=torch.channels_last)

    def _build_reference(self, encoder: dict, weight: float = 0.01, reduction: str = 'frobenius') -> None:
        if not encoder.get('init_cfg'):
            raise InputError(
                'feature_distance.encoder needs init_cfg=dict(type="Pretrained", checkpoint=...)')
        if reduction not in _REDUCTIONS:
            raise InputError(f'feature_distance.reduction must be one of {_REDUCTIONS}, got {reduction!r}')
        self.reference_encoder = MODELS.build(encoder).requires_grad_(False).eval()
        self.feature_distance_weight = weight
        self.feature_distance_reduction = reduction

    def train(self, mode: bool = True) -> MonoDepth:
        """Set training mode; the frozen encoder stays in evaluation mode."""
        super().train(mode)
        if self.reference_encoder is not None:
            self.reference_encoder.eval()
        return self

    def forward(self, inputs: dict[str, Tensor], data_samples: list[BaseDataElement] | None = None,
                mode: str = 'tensor') -> Any:
        """Losses, predictions or sigmoid disparities of a batch from the data preprocessor.

        Args:
            inputs: ``network`` (B, F, 3, H, W) normalised frames in temporal order and, for the losses,
                ``clean`` of the same shape, RGB in 0..1. Prediction takes one frame too.
            data_samples: one per item. In training ``intrinsics`` (3, 3) normalised by the view's size are read,
                or, where they are to be learnt, ``unit_intrinsics``, those of a focal length of the image's width;
                in prediction ``ori_shape``.
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
            return self.decode_head(self.backbone(channels_last(self._target(inputs['network']))))
        raise ValueError(f"mode must be 'loss', 'predict' or 'tensor', got {mode!r}")

    def loss(self, inputs: dict[str, Tensor], data_samples: Sequence[BaseDataElement]) -> dict[str, Tensor]:
        """Losses of a batch: those of :meth:`video_losses`, and ``loss_feature_distance`` where asked for.

        Raises:
            InputError: the samples hold another number of frames than the model asks for.
            FloatingPointError: what the networks predict is not finite.
        """
        self.check_frames(inputs['clean'])
        target = channels_last(self._target(inputs['network']))
        features = self.backbone(target)
        losses = self.video_losses(inputs, data_samples, self.decode_head(features))
        if self.reference_encoder is not None:
            with torch.no_grad():
                reference = self.reference_encoder(target)[-1]
            losses['loss_feature_distance'] = self.feature_distance_weight * feature_distance(
                features[-1], reference, self.feature_distance_reduction)
        return losses

    def predict(self, inputs: dict[str, Tensor], data_samples: Sequence[BaseDataElement] | None = None
                ) -> list[BaseDataElement]:
        """Sigmoid disparity of the target frames.

        Returns:
            The data samples with ``pred_disparity``, PixelData whose ``data`` is (1, h, w) float32 in 0..1,
            larger is closer, at the size ``ori_shape`` (else at the input's size).
        """
        image = channels_last(self._target(inputs['network']))
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
