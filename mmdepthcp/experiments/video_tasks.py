"""What there is to learn from video, on which machine, in which time; and the plan that follows."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mmdepthcp.apis.resnets import ResNetKind
from mmdepthcp.utils.errors import InputError

Size = tuple[int, int]

UNITS = {'s': 1, 'm': 60, 'h': 3600, 'd': 86400}


@dataclass(frozen=True)
class Method:
    """What a pretraining needs beside images.

    Attributes:
        disparity, regions: whether it needs them.
    """

    disparity: bool = False
    regions: bool = False


METHODS = dict(
    depthcp=Method(True, True), depth_pixpro=Method(True), pixpro=Method(), swav=Method(), densecl=Method())


NETWORKS = dict(
    r18_small=ResNetKind(18, base_channels=32, stem_channels=32), r18=ResNetKind(18), r50=ResNetKind(50))


@dataclass(frozen=True)
class Footage:
    """Frames of video.

    Attributes:
        frames: how many.
        size: (width, height) of most of them.
        clips: how many shots they are of.
        calibrated: whether the camera of all of them is known.
    """

    frames: int
    size: Size
    clips: int = 1
    calibrated: bool = False


@dataclass(frozen=True)
class Machine:
    """A computer.

    Attributes:
        cores: that may be used.
        gpus: how many.
        gpu_memory: of the smallest one, GiB.
    """

    cores: int
    gpus: int = 0
    gpu_memory: float = 0.

    def __str__(self) -> str:
        return f'{self.cores} cores' + (f', {self.gpus} GPU{"s" * (self.gpus > 1)} of {self.gpu_memory:.0f} GiB'
                                        if self.gpus else ', no GPU')


@dataclass(frozen=True)
class Cost:
    """What one image costs.

    Attributes:
        fixed: seconds, whatever its size.
        per_megapixel: seconds for a million pixels.
        memory: GiB on the GPU for a million pixels.
    """

    fixed: float = 0.
    per_megapixel: float = 0.
    memory: float = 0.

    def at(self, size: Size) -> float:
        """Seconds for an image of a size."""
        return self.fixed + self.per_megapixel * size[0] * size[1] / 1e6

    @classmethod
    def through(cls, points: Mapping[Size, float], memory: float = 0.) -> Cost:
        """The cost that explains measured seconds at one or two sizes; never less for more pixels.

        Raises:
            ValueError: there is no measurement.

        Example:
            >>> Cost.through({(1000, 500): 3.0, (1000, 1000): 5.0})
            Cost(fixed=1.0, per_megapixel=4.0, memory=0.0)
        """
        known = sorted((width * height / 1e6, seconds) for (width, height), seconds in points.items())
        if not known:
            raise ValueError('no measurement')
        (small, fast), (large, slow) = known[0], known[-1]
        slope = (slow - fast) / (large - small) if large > small else fast / small
        slope = min(max(slope, 0.), slow / large)
        return cls(max(slow - slope * large, 0.), slope, memory)


@dataclass(frozen=True)
class Measured:
    """What a machine has been measured to do.

    Attributes:
        machine: the machine.
        start: seconds until a command of this package begins to work.
        depth: of one clip of depth training, forward and backward.
        disparity: of one image's disparity.
        regions: of cutting one image into regions, on one core.
        pretrain: of one image of pretraining, forward and backward.
        finetune: of one labelled image.
    """

    machine: Machine
    start: float
    depth: Cost = Cost()
    disparity: Cost = Cost()
    regions: Cost = Cost()
    pretrain: Cost = Cost()
    finetune: Cost = Cost()


@dataclass(frozen=True)
class Task:
    """What is asked for.

    Attributes:
        method: one of :data:`METHODS`.
        depth: where depth is from: 'own' (learnt), 'checkpoint', 'hf' or 'disparity' (files).
        labelled, tested: labelled images to learn from and to score on.
        network: the network, None for what fits the machine.
    """

    method: str = 'depthcp'
    depth: str = 'own'
    labelled: int = 0
    tested: int = 0
    network: ResNetKind | None = None

    @property
    def commands(self) -> list[str]:
        """The stages in order, each one command."""
        needs = METHODS[self.method]
        stages = ['depth', 'depth_check'] if self.depth == 'own' else []
        stages += ['disparity'] if needs.disparity and self.depth != 'disparity' else []
        stages += ['regions'] if needs.regions else []
        stages += ['pretrain', 'export']
        stages += ['finetune', 'finetune_score', 'random', 'random_score'] if self.labelled else []
        return [*stages, 'report']


@dataclass(frozen=True)
class Plan:
    """How it is done.

    Attributes:
        network: the network that is pretrained, and the encoder of the depth network.
        view_size: (width, height) of what the networks see.
        image_step: every how many-th frame is pretrained on.
        images: how many these are, about.
        depth_step: every how many-th frame depth is learnt from.
        depth_batch, depth_epochs: of the depth training, for each process.
        group: images that are mixed or seen at once in pretraining, for each process.
        pretrain_iterations, pretrain_epochs: of the pretraining.
        prototypes: of DepthCP and SwAV.
        finetune_batch, finetune_iterations: of fine-tuning.
        compares: whether random weights are fine-tuned beside.
        workers: loading processes of a training process.
        processes: training processes, one a GPU.
        seconds: planned for every stage.
        budget: seconds given, with what was ``spent`` before.
        spent: seconds used before the first stage.
    """

    network: ResNetKind
    view_size: Size
    image_step: int
    images: int
    depth_step: int
    depth_batch: int
    depth_epochs: int
    group: int
    pretrain_iterations: int
    pretrain_epochs: int
    prototypes: int
    finetune_batch: int
    finetune_iterations: int
    compares: bool
    workers: int
    processes: int
    seconds: Mapping[str, float] = field(default_factory=dict)
    budget: float = 0.
    spent: float = 0.

    @property
    def total(self) -> float:
        """Planned seconds of all stages."""
        return sum(self.seconds.values())


def power_of_two(number: int) -> int:
    """The largest power of two up to a number from 1 on: batches of such a size fill the queues of every method.

    Example:
        >>> [power_of_two(number) for number in (1, 7, 8)]
        [1, 4, 8]
    """
    return 1 << number.bit_length() - 1


def parse_budget(text: str) -> float:
    """Seconds of a time such as ``30m``, ``6h``, ``1h30m``, ``90s``, ``2d``; a bare number counts minutes.

    Raises:
        InputError: it is none, or not above 0.

    Example:
        >>> parse_budget('1h30m')
        5400.0
    """
    text = str(text).strip().lower()
    parts = re.findall(r'(\d+(?:\.\d+)?)([smhd])', text)
    if re.fullmatch(r'\d+(\.\d+)?', text):
        parts = [(text, 'm')]
    elif not parts or ''.join(number + unit for number, unit in parts) != text:
        parts = []
    seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    if not (math.isfinite(seconds) and seconds > 0):
        raise InputError(f'budget {text!r}: is no time; write 30m, 6h, 1h30m or 2d')
    return seconds


def tell_time(seconds: float) -> str:
    """Seconds for people: ``45 s``, ``6 min``, ``1 h 30 min``."""
    if seconds < 90:
        return f'{seconds:.0f} s'
    minutes = math.ceil(seconds / 60) if seconds < 600 else round(seconds / 60)
    return f'{minutes} min' if minutes < 90 else f'{minutes // 60} h' + (f' {minutes % 60} min' if minutes % 60 else '')
