"""Self-supervised depth from monocular video."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmdepthcp.geometry.view_synthesis import MAX_DEPTH, MIN_DEPTH
from mmdepthcp.models.depth.from_video import LearnsFromVideo
from mmdepthcp.models.depth.network import DepthNetwork, target_frame
from mmdepthcp.models.losses import ViewSynthesisLoss, feature_distance
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError

_REDUCTIONS = ('frobenius', 'mse')


@MODELS.register_module()
class MonoDepth(LearnsFromVideo, DepthNetwork):
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
        scale_weight: holds the common factor of depth and motion, which images do not tell, near a usual one
            (:func:`mmdepthcp.models.losses.scale_loss`); 0.05 in the small configs, against a drift into
            constant depth. 0 leaves it out, as the publication does.
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
        scale_weight: float = 0.,
        feature_distance: dict | None = None,
        flip_test: bool = False,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(backbone, decode_head, flip_test, data_preprocessor, init_cfg)
        self.learn_from_video(pose_net, frame_offsets, ViewSynthesisLoss(
            min_depth, max_depth, smoothness_weight, ssim_weight, automask, avg_reprojection, v1_multiscale,
            scale_weight))
        self.min_depth = min_depth
        self.max_depth = max_depth
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

    def loss(self, inputs: dict[str, Tensor], data_samples: Sequence[BaseDataElement]) -> dict[str, Tensor]:
        """Losses of a batch: those of :meth:`video_losses`, and ``loss_feature_distance`` where asked for.

        Args:
            inputs: see :meth:`forward`.
            data_samples: ``intrinsics`` (3, 3) normalised by the view's size are read, or, where they are to be learnt,
                ``unit_intrinsics``, those of a focal length of the image's width.

        Raises:
            InputError: the samples hold another number of frames than the model asks for.
            FloatingPointError: what the networks predict is not finite.
        """
        self.check_frames(inputs['clean'])
        target = target_frame(inputs['network'], self.target_index)
        features = self.backbone(target)
        losses = self.video_losses(inputs, data_samples, self.decode_head(features))
        if self.reference_encoder is not None:
            with torch.no_grad():
                reference = self.reference_encoder(target)[-1]
            losses['loss_feature_distance'] = self.feature_distance_weight * feature_distance(
                features[-1], reference, self.feature_distance_reduction)
        return losses
