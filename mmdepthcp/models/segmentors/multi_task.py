"""Segmentation from few labels with depth from video beside it, in one network (Hoyer et al., CVPR 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.structures import BaseDataElement
from mmseg.models.segmentors import EncoderDecoder
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import Tensor

from mmdepthcp.models.depth.from_video import LearnsFromVideo
from mmdepthcp.models.depth.network import channels_last, target_frame
from mmdepthcp.models.losses import ViewSynthesisLoss
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError


@MODELS.register_module()
class MultiTaskDepthSegmentor(LearnsFromVideo, EncoderDecoder):
    """A segmentor that goes on learning depth from video (Hoyer et al., "Three Ways to Improve Semantic Segmentation
    with Self-Supervised Depth Estimation", CVPR 2021).

    The loss is the sum of that of segmentation on labelled images, that of depth and motion (:class:`MonoDepth`'s) on
    their clips, where they have any, and on clips without labels. Images that are mixed of several show no camera's
    motion: depth never learns from them.

    Modes of ``forward``: ``loss``, ``predict`` and ``tensor`` (logits) of images as any ``EncoderDecoder``.

    Args:
        backbone: config of the encoder, such as ``DepthResNet``.
        decode_head: config of a ``PADHead``.
        pose_net: config of the motion network, such as ``PoseNet``.
        frame_offsets: the source frames' places relative to the target frame.
        view_synthesis: arguments of :class:`mmdepthcp.models.losses.ViewSynthesisLoss`.
        data_preprocessor: config, default ``MultiTaskDataPreprocessor``.
        kwargs: further arguments of mmseg's ``EncoderDecoder`` (``test_cfg``, ``init_cfg``, ...).
    """

    def __init__(self, backbone: dict, decode_head: dict, pose_net: dict, frame_offsets: Sequence[int] = (-1, 1),
                 view_synthesis: dict | None = None, data_preprocessor: dict | None = None, **kwargs: Any) -> None:
        super().__init__(
            backbone, decode_head,
            data_preprocessor=data_preprocessor or dict(type='mmdepthcp.MultiTaskDataPreprocessor'), **kwargs)
        self.learn_from_video(pose_net, frame_offsets, ViewSynthesisLoss(**(view_synthesis or {})))
        self.to(memory_format=torch.channels_last)

    def loss(self, inputs: dict[str, Any], data_samples: Any) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            inputs: of ``labelled`` and ``unlabelled`` clips, or of labelled ones alone, ``network`` and ``clean``, see
                :class:`MonoDepth`. Labelled images may have no neighbours: clips of one frame.
            data_samples: the same; those of labelled clips with ``gt_sem_seg`` of the target frame.
        """
        if 'labelled' not in inputs:
            return self.labelled_losses(inputs, data_samples)
        losses = self.labelled_losses(inputs['labelled'], data_samples['labelled'])
        if 'unlabelled' in inputs:
            losses.update(self.depth_losses(inputs['unlabelled'], data_samples['unlabelled'])[0])
        return losses

    def target_images(self, inputs: dict[str, Tensor]) -> Tensor:
        """The normalised images (B, 3, H, W) of clips of which depth is learnt."""
        return target_frame(inputs['network'], self.target_index)

    def labelled_losses(self, inputs: dict[str, Tensor], data_samples: list[SegDataSample]) -> dict[str, Tensor]:
        """Losses of segmentation, names with ``decode.`` in front (see :meth:`PADHead.segmentation_losses`), and of
        depth, with ``labelled.`` (see :meth:`video_losses`), of labelled clips.

        Raises:
            InputError: labels are missing, or a clip holds another number of frames than the model asks for.
        """
        for sample in data_samples:
            if 'gt_sem_seg' not in sample:
                raise InputError(f'{sample.get("img_path", "a sample")}: a labelled image without labels; put '
                                 'LoadLabels into the pipeline of the labelled data set')
        frames = inputs['network']
        found = self.decode_head.tasks(self.extract_feat(self.target_images(inputs)))
        losses = add_prefix(self.decode_head.segmentation_losses(found, data_samples), 'decode')
        if frames.shape[1] > 1:
            self.check_frames(frames)
            losses.update(add_prefix(self.video_losses(inputs, data_samples, found.sigmoids), 'labelled'))
        return losses

    def depth_losses(self, inputs: dict[str, Tensor], data_samples: Sequence[BaseDataElement]
                     ) -> tuple[dict[str, Tensor], Tensor]:
        """Losses of depth of clips without labels, names with ``unlabelled.`` in front, and what they were found with:
        σ_0 (B, 1, H, W) of the target frames, without gradient, for a mixer to take in the same iteration.

        Raises:
            InputError: a clip holds another number of frames than the model asks for.
        """
        self.check_frames(inputs['network'])
        sigmoids = self.decode_head.disparities(self.extract_feat(self.target_images(inputs)))
        return add_prefix(self.video_losses(inputs, data_samples, sigmoids), 'unlabelled'), sigmoids[0].detach()

    @torch.no_grad()
    def disparity(self, images: Tensor) -> Tensor:
        """Sigmoid disparity σ_0 (B, 1, H, W) in 0..1, larger is closer, of normalised images (B, 3, H, W)."""
        return self.decode_head.disparities(self.extract_feat(channels_last(images)))[0]
