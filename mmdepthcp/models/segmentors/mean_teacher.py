"""Segmentation from few labels and many images without: a mean teacher, and mixed images."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from mmcv.cnn.bricks.drop import DropPath
from mmengine.dist import get_world_size
from mmengine.optim import OptimWrapper
from mmseg.models.segmentors.base import BaseSegmentor
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from mmdepthcp.engine.schedules import teacher_share
from mmdepthcp.mixing import mix
from mmdepthcp.models.copies import as_copy
from mmdepthcp.models.data_preprocessors import SemiDataPreprocessor
from mmdepthcp.models.losses import pseudo_label_loss, pseudo_label_weight, pseudo_labels
from mmdepthcp.models.ranks import mean_over_ranks
from mmdepthcp.models.segmentors.mixing import Mixer
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.labels import IGNORED
from mmdepthcp.views import STRONG, ColourSettings, strong_colours

DROPS = (_DropoutNd, DropPath, nn.MultiheadAttention)
"""What drops parts at random in training, and does nothing else then."""


class Lesson(NamedTuple):
    """Images without labels, as they are learnt from.

    Attributes:
        images: (B, 3, H, W), normalised.
        labels: (B, H, W) int64, ``IGNORED`` where nothing is learnt.
        confidence: (B, H, W), how sure the teacher is, in 0..1.
        watched: figures for the log.
    """

    images: Tensor
    labels: Tensor
    confidence: Tensor
    watched: dict[str, Tensor]


@MODELS.register_module()
class MeanTeacherSegmentor(BaseSegmentor):
    """Any segmentor of mmseg that learns from images with labels and without: DepthMix (Hoyer et al., "Three Ways to
    Improve Semantic Segmentation with Self-Supervised Depth Estimation", CVPR 2021), ClassMix (Olsson et al., WACV
    2021), or a mean teacher without mixing.

    The segmentor is the student. Its own losses are taken on labelled images. Its teacher, the mean of its recent
    weights, labels images without labels; these are mixed with each other, labels with them, get strong colours, and
    the student learns to give their labels. How much that counts grows with the share of pixels of which the teacher is
    sure. :class:`mmdepthcp.engine.hooks.TeacherUpdateHook` has to be among the hooks.

    Parameters of the student have the names that they have without this class, so that a checkpoint fits the plain
    segmentor's config; those of the teacher begin with ``teacher.``. Validation and tests use the student. What is
    drawn depends on the items of the batch alone, and so on seed, iteration and rank.

    Modes of ``forward``:

    - ``loss``: what :class:`mmdepthcp.models.SemiDataPreprocessor` gives of items of
      :class:`mmdepthcp.datasets.LabelledUnlabelledDataset` → dict of losses and of figures to watch;
    - ``predict``, ``tensor``: images, the student's.

    A segmentor that learns from unlabelled images by itself may have ``labelled_losses(inputs, data_samples)``, taken
    in place of its ``loss``; ``target_images(inputs)``, the images (B, 3, H, W) in what it is given; and
    ``depth_losses(inputs, data_samples)``, its losses on unmixed unlabelled images and their disparity (B, 1, H, W),
    which ``mixer.source='online'`` needs.

    Args:
        segmentor: config of the student.
        mixer: arguments of :class:`mmdepthcp.models.segmentors.mixing.Mixer`; None: no mixing.
        threshold: probability from which on the teacher is sure.
        per_pixel: learn from the pixels alone of which the teacher is sure.
        unlabelled_weight: factor of the loss on unlabelled images.
        use_gt: take the labels of unlabelled images that have some in place of the teacher's.
        teacher_dropout: leave the teacher's dropout on while it labels; its normalisations always use the batch.
        colours: strong colours of what the student learns from the teacher; settings that differ from
            :data:`mmdepthcp.views.STRONG`, or False: none.
        memory_efficient: take the gradient of each loss at once, so that the graphs of two are never held together; for
            one process. The result is the same.
        data_preprocessor: default: :class:`mmdepthcp.models.SemiDataPreprocessor` with the segmentor's own.

    Raises:
        InputError: settings do not fit each other or the segmentor; in training, data sets or hooks are missing.
    """

    def __init__(self, segmentor: dict, mixer: Mapping[str, Any] | None = None, threshold: float = 0.968,
                 per_pixel: bool = False, unlabelled_weight: float = 1., use_gt: bool = True,
                 teacher_dropout: bool = False, colours: bool | Mapping[str, Any] = True,
                 memory_efficient: bool = False, data_preprocessor: dict | nn.Module | None = None) -> None:
        student: Any = MODELS.build(segmentor)
        super().__init__(data_preprocessor=data_preprocessor or SemiDataPreprocessor(student.data_preprocessor))
        self.mixer = Mixer.of(mixer)
        self.threshold, self.per_pixel, self.unlabelled_weight = threshold, per_pixel, unlabelled_weight
        self.use_gt, self.teacher_dropout, self.memory_efficient = use_gt, teacher_dropout, memory_efficient
        self.colours = None if colours is False else replace(STRONG, **({} if colours is True else colours))
        if self.mixer.is_online and not hasattr(student, 'depth_losses'):
            raise InputError(f"mixer.source 'online': {type(student).__name__} gives no disparity (depth_losses); set "
                             "source='stored'")
        if getattr(student, 'out_channels', 2) < 2:
            raise InputError(f'MeanTeacherSegmentor: {type(student).__name__} has one channel of output, which is no '
                             'distribution over classes; set decode_head.out_channels to the number of classes, 2 or '
                             'more')
        teacher = as_copy(copy.deepcopy(student))
        del teacher.data_preprocessor
        teacher.register_buffer('updates', torch.zeros((), dtype=torch.int64))
        self._adopt(student)
        self.teacher = teacher.requires_grad_(False)
        self.is_watched = False

    def _adopt(self, student: nn.Module) -> None:
        """Have the parts of a segmentor, which stays as it is, under their own names."""
        self._parameters, self._buffers = student._parameters, student._buffers
        self._non_persistent_buffers_set = student._non_persistent_buffers_set
        for name, part in student.named_children():
            if name != 'data_preprocessor':
                self.add_module(name, part)
        self.__dict__['student'] = student

    def __getattr__(self, name: str) -> Any:
        """What this has not, such as ``num_classes``, is the student's."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if 'student' not in self.__dict__:
                raise
            return getattr(self.__dict__['student'], name)

    def init_weights(self) -> None:
        """Those of the student, and a teacher that is like it."""
        self.student.init_weights()
        self._copy_student()

    def _copy_student(self) -> None:
        self.teacher.load_state_dict(self.student.state_dict(), strict=False)

    def start_teacher(self) -> None:
        """Before training, after all weights are loaded: a teacher that has not learnt yet becomes like its student."""
        if not self.teacher.updates:
            self._copy_student()
        self.is_watched = True

    @torch.no_grad()
    def update_teacher(self, limit: float = 0.99) -> None:
        """Move the teacher's parameters towards the student's; its statistics of batch normalisation are its own.

        Args:
            limit: see :func:`mmdepthcp.engine.schedules.teacher_share`.
        """
        self.teacher.updates += 1
        share = teacher_share(int(self.teacher.updates), limit)
        torch._foreach_lerp_(list(self.teacher.parameters()), list(self.student.parameters()), 1 - share)

    def train(self, mode: bool = True) -> MeanTeacherSegmentor:
        """The teacher normalises by the batch too, and drops nothing."""
        super().train(mode)
        self.student.train(mode)
        if mode and not self.teacher_dropout:
            for module in self.teacher.modules():
                if isinstance(module, DROPS):
                    module.train(False)
        return self

    def extract_feat(self, inputs: Tensor) -> Any:
        """The student's features."""
        return self.student.extract_feat(inputs)

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """The student's logits."""
        return self.student.encode_decode(inputs, batch_img_metas)

    def _forward(self, inputs: Tensor, data_samples: Any = None) -> Any:
        return self.student._forward(inputs, data_samples)

    def predict(self, inputs: Tensor, data_samples: Any = None) -> Any:
        """The student's."""
        return self.student.predict(inputs, data_samples)

    def loss(self, inputs: dict[str, Any], data_samples: dict[str, Sequence]) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            inputs: ``labelled`` and ``unlabelled`` images, each (B, 3, H, W), normalised.
            data_samples: the same.

        Returns:
            The student's own losses on labelled images; ``loss_unlabelled``; ``confident``, the share of pixels of
            which the teacher is sure; ``from_partner``, the share that was pasted; ``teacher_acc``, where labels of
            unlabelled images were read, the share in percent in which the teacher is right.
        """
        if self.memory_efficient and get_world_size() > 1:
            raise InputError('MeanTeacherSegmentor: memory_efficient is for one process; leave it out')
        return {name: value for part in self._parts(inputs, data_samples) for name, value in part.items()}

    def _parts(self, inputs: dict[str, Any], data_samples: dict[str, Sequence]) -> Iterator[dict[str, Tensor]]:
        """Losses whose graphs have nothing in common, one after the other."""
        if not self.is_watched:
            raise InputError("MeanTeacherSegmentor: nothing moves the teacher; add dict(type='mmdepthcp."
                             "TeacherUpdateHook') to custom_hooks")
        supervised = getattr(self.student, 'labelled_losses', self.student.loss)
        yield supervised(inputs['labelled'], data_samples['labelled'])
        given, samples, online = inputs['unlabelled'], data_samples['unlabelled'], None
        if hasattr(self.student, 'depth_losses'):
            losses, disparity = self.student.depth_losses(given, samples)
            online = disparity[:, 0].detach() if self.mixer.is_online else None
            yield losses
            del losses
        images = self.student.target_images(given) if hasattr(self.student, 'target_images') else given
        yield self._unlabelled(images, samples, online)

    def _unlabelled(self, images: Tensor, data_samples: Sequence, online: Tensor | None) -> dict[str, Tensor]:
        lesson = self.lesson(images, data_samples, online)
        logits = self.student.encode_decode(lesson.images, _whole(lesson.images))
        sure = mean_over_ranks(pseudo_label_weight(lesson.confidence, self.threshold))
        weight = sure
        if self.per_pixel:
            weight = pseudo_label_weight(lesson.confidence, self.threshold, per_pixel=True)
        with torch.autocast(lesson.images.device.type, enabled=False):
            loss = pseudo_label_loss(logits.float(), lesson.labels, self.unlabelled_weight * weight)
        return dict(loss_unlabelled=loss, confident=sure, **lesson.watched)

    @torch.no_grad()
    def lesson(self, images: Tensor, data_samples: Sequence, online: Tensor | None = None) -> Lesson:
        """What the student is to learn from a batch without labels.

        Args:
            images: (B, 3, H, W), normalised.
            data_samples: of the images.
            online: (B, H, W) disparity of the segmentor, where ``mixer.source`` says so.
        """
        rng = _generator(data_samples)
        taught = self.taught(images, data_samples)
        labels, confidence, watched = taught.labels, taught.confidence, dict(taught.watched)
        masks = self.mixer.masks(rng, labels, data_samples, online)
        if masks is not None:
            images, labels, confidence = (mix(values, masks) for values in (images, labels, confidence))
            watched['from_partner'] = 1 - masks.float().mean()
        if self.colours is not None:
            images = self._recoloured(images, rng, self.colours)
        return Lesson(images, labels, confidence, watched)

    @torch.no_grad()
    def taught(self, images: Tensor, data_samples: Sequence) -> Lesson:
        """The same images (B, 3, H, W) with the teacher's labels."""
        logits = self.teacher.encode_decode(images, _whole(images))
        labels, confidence = pseudo_labels(logits.float().softmax(1))
        watched = _accuracy(labels, data_samples)
        for label, sure, sample in zip(labels, confidence, data_samples, strict=True):
            if self.use_gt and sample.has_labels:
                label[:] = sample.gt_sem_seg.data[0]
                sure[:] = label != IGNORED
            height, width = sample.metainfo.get('img_shape', label.shape)[:2]
            for padded in ((slice(height, None), slice(None)), (slice(None), slice(width, None))):
                label[padded], sure[padded] = IGNORED, 0
        return Lesson(images, labels, confidence, watched)

    def _recoloured(self, images: Tensor, rng: np.random.Generator, colours: ColourSettings = STRONG) -> Tensor:
        """Normalised images with strong colours."""
        pixels = self._pixels
        with torch.autocast(images.device.type, enabled=False):
            strong = strong_colours(self.in_bgr(images), rng, colours)
            strong = strong.flip(1) if self._is_rgb else strong
            return (strong - pixels.mean) / pixels.std if pixels._enable_normalize else strong

    def in_bgr(self, images: Tensor) -> Tensor:
        """Normalised images (B, 3, H, W) as BGR in 0..255, float32."""
        pixels = self._pixels
        plain = images.float()
        plain = plain * pixels.std + pixels.mean if pixels._enable_normalize else plain
        return plain.flip(1) if self._is_rgb else plain

    @property
    def _pixels(self) -> Any:
        """What normalises the student's images."""
        return getattr(self.data_preprocessor, 'preprocessor', self.data_preprocessor)

    @property
    def _is_rgb(self) -> bool:
        # MMSegmentation 1.2 calls it otherwise than its successor
        return getattr(self._pixels, '_channel_conversion', getattr(self._pixels, 'channel_conversion', False))

    def train_step(self, data: Any, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
        """An iteration of one process; see MMEngine's ``BaseModel`` and ``memory_efficient``."""
        if not self.memory_efficient:
            return super().train_step(data, optim_wrapper)
        with optim_wrapper.optim_context(self):
            parts = self._parts(**self.data_preprocessor(data, True))
        count, logged, total = optim_wrapper._inner_count, {}, torch.zeros(())
        while True:
            with optim_wrapper.optim_context(self):
                losses = next(parts, None)
            if losses is None:
                break
            loss, values = self.parse_losses(losses)
            optim_wrapper.backward(optim_wrapper.scale_loss(loss))
            optim_wrapper._inner_count = count  # these are parts of one iteration
            logged.update(values)
            total = total.to(loss.device) + loss.detach()
        optim_wrapper._inner_count = count + 1
        if optim_wrapper.should_update():
            optim_wrapper.step()
            optim_wrapper.zero_grad()
        return {**logged, 'loss': total}


def _whole(images: Tensor) -> list[dict[str, Any]]:
    """What heads want to know of images (B, 3, H, W) to give logits of their size."""
    size = images.shape[2:]
    return [dict(ori_shape=size, img_shape=size, pad_shape=size, padding_size=[0, 0, 0, 0])] * len(images)


def _generator(data_samples: Sequence) -> np.random.Generator:
    """The generator of all that is drawn for a batch."""
    if not all('seed' in sample for sample in data_samples):
        raise InputError('MeanTeacherSegmentor: unlabelled images have no seed; set train_dataloader.dataset.type to '
                         'mmdepthcp.LabelledUnlabelledDataset')
    return np.random.default_rng([sample.seed for sample in data_samples])


def _accuracy(labels: Tensor, data_samples: Sequence) -> dict[str, Tensor]:
    """How often labels agree with those of images which are not learnt from, in percent; nothing where none were read.
    """
    known = [(label, sample.gt_sem_seg.data[0]) for label, sample in zip(labels, data_samples, strict=True)
             if not sample.has_labels and sample.get('labels_read')]
    if not known:
        return {}
    found, truth = (torch.stack(maps) for maps in zip(*known, strict=True))
    counted = truth != IGNORED
    return dict(teacher_acc=100 * ((found == truth) & counted).sum() / counted.sum().clamp(min=1))
