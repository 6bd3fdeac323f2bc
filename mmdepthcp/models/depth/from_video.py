"""What models have in common that learn depth from the neighbours of a frame."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from mmdepthcp.geometry.pose import heading, inverse_pose, pose_matrix
from mmdepthcp.models.depth.network import channels_last
from mmdepthcp.models.losses import ViewSynthesisLoss
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError

FARTHEST = 1e6
"""A motion between two frames is smaller, in the units of depth."""


class LearnsFromVideo:
    """Mixin over a model with a network of sigmoid disparity: the motion network beside it and the loss of both (Godard
    et al., ICCV 2019).
    """

    pose_net: nn.Module

    def learn_from_video(self, pose_net: dict, frame_offsets: Sequence[int], view_synthesis: ViewSynthesisLoss) -> None:
        """Have a motion network and a loss.

        Args:
            pose_net: config of the motion network, such as ``PoseNet``.
            frame_offsets: the source frames' places relative to the target frame.
            view_synthesis: the loss.

        Raises:
            InputError: the offsets are none of source frames.
        """
        self.pose_net = MODELS.build(pose_net)
        if 0 in frame_offsets or not frame_offsets:
            raise InputError(
                f'frame_offsets are places of source frames, such as (-1, 1), got {tuple(frame_offsets)}')
        self.frame_offsets = tuple(sorted(frame_offsets))
        self.target_index = sum(offset < 0 for offset in self.frame_offsets)
        self.view_synthesis = view_synthesis

    def motions(self, frames: Tensor) -> tuple[Tensor, Tensor | None]:
        """Motions from target to source cameras, (S, B, 4, 4), and predicted focal lengths, (B,), both float32."""
        target = self.target_index
        sources = [i for i in range(frames.shape[1]) if i != target]
        pairs = torch.stack([frames[:, [min(i, target), max(i, target)]].flatten(1, 2) for i in sources])
        axis_angle, translation, focal = self.pose_net(channels_last(pairs.flatten(0, 1)))
        with torch.autocast(frames.device.type, enabled=False):
            motions = pose_matrix(axis_angle, translation).unflatten(0, pairs.shape[:2])
            motions = torch.cat([inverse_pose(motions[:target]), motions[target:]])
        return motions, None if focal is None else focal.unflatten(0, pairs.shape[:2]).mean(0)

    def intrinsics_of(self, focal: Tensor | None, data_samples: Sequence[BaseDataElement],
                    device: torch.device) -> tuple[Tensor, Tensor]:
        """Normalised intrinsics (B, 3, 3): the samples' own, else those of the predicted focal lengths; and for which
        samples these are taken, (B,) bool on the CPU."""
        matrices, learnt = [], []
        for sample in data_samples:
            matrix = sample.get('intrinsics')
            learnt.append(matrix is None)
            if matrix is None:
                matrix = sample.get('unit_intrinsics')
                if focal is None or matrix is None:
                    raise InputError(
                        f'{sample.get("img_path", "a sample")}: has no intrinsics; give the camera calibration to '
                        'the data set or set pose_net.learn_intrinsics=True')
            matrices.append(torch.as_tensor(matrix, dtype=torch.float32))
        intrinsics, mask = torch.stack(matrices).to(device), torch.tensor(learnt)
        if focal is not None:
            factors = torch.where(mask.to(device), focal, 1.)
            intrinsics = intrinsics * torch.stack([factors, factors, torch.ones_like(factors)], -1).unsqueeze(1)
        return intrinsics, mask

    def check_frames(self, frames: Tensor) -> None:
        """Raise an InputError where clips (B, F, ...) hold another number of frames than the model asks for."""
        if frames.shape[1] != len(self.frame_offsets) + 1:
            raise InputError(
                f'samples hold {frames.shape[1]} frames, but frame_offsets {self.frame_offsets} ask for '
                f'{len(self.frame_offsets) + 1}: give the data set and the model the same offsets')

    def video_losses(self, inputs: dict[str, Tensor], data_samples: Sequence[BaseDataElement],
                     sigmoids: Sequence[Tensor]) -> dict[str, Tensor]:
        """Losses of depth and motion of a batch of clips, in float32 under mixed precision too.

        Args:
            inputs: ``network`` and ``clean``, see :class:`MonoDepth`.
            data_samples: one per clip, with ``intrinsics`` or ``unit_intrinsics``.
            sigmoids: σ_0..σ_3 of the target frames.

        Returns:
            ``loss_photometric`` and ``loss_smoothness``, means over the scales, ``loss_focal_prior`` where intrinsics
            may be predicted; for the log ``automask``, the share of pixels kept, ``disparity_std``, the spread of σ_0
            within an image, ``heading``, the mean of :func:`mmdepthcp.geometry.pose.heading`, and the mean ``focal_x``,
            ``focal_y`` (units of the view's width and height) of the samples whose intrinsics are predicted.

        Raises:
            FloatingPointError: what the networks predict is not finite.
        """
        clean = inputs['clean']
        motions, focal = self.motions(inputs['network'])
        intrinsics, learnt = self.intrinsics_of(focal, data_samples, clean.device)
        # with coordinates that are NaN the gradient of grid_sample ends the process on a CPU
        if not torch.stack([
                motions.abs().amax() < FARTHEST, sigmoids[0].isfinite().all(), intrinsics.isfinite().all()]).all():
            raise FloatingPointError(
                'the networks predict no finite depth or motion any more. Resume from the last checkpoint with a lower '
                'learning rate or another seed; if it comes back, look for frames or intrinsics that make no sense')
        with torch.autocast(clean.device.type, enabled=False):
            losses = self.view_synthesis(clean, self.target_index, sigmoids, motions, intrinsics)
        losses['disparity_std'] = sigmoids[0].detach().flatten(1).std(1).mean()
        losses['heading'] = heading(motions.detach(), self.frame_offsets).mean()
        if focal is not None:
            losses['loss_focal_prior'] = (self.pose_net.prior_loss(focal) * learnt.to(focal.device)).mean()
            if learnt.any():
                losses['focal_x'], losses['focal_y'] = intrinsics[learnt][:, [0, 1], [0, 1]].detach().mean(0)
        return losses
