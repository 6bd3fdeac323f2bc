"""Mean teacher with mixed images: what a step costs beside two plain supervised ones."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from benchmarks.measuring import Measurement, StageClock, time_side_by_side
from mmdepthcp.models import MeanTeacherSegmentor
from mmdepthcp.models.segmentors import mean_teacher
from mmdepthcp.registry import MODELS

STAGES = dict(mix='mixing', strong_colours='colours', pseudo_labels='labels')


@dataclass(frozen=True)
class SemiSettings:
    """Sizes.

    Attributes:
        images: with labels, and as many without.
        size: (H, W).
        steps: of which the stages are clocked.
    """

    images: int = 4
    size: tuple[int, int] = (96, 192)
    steps: int = 10


def random_batch(settings: SemiSettings, classes: int, seed: int) -> dict[str, Any]:
    """Images, smooth disparity and labels as a data set gives them."""
    rng = np.random.default_rng(seed)

    def branch() -> dict[str, list]:
        inputs, samples = [], []
        for _ in range(settings.images):
            inputs.append(torch.from_numpy(rng.integers(0, 256, (3, *settings.size), np.uint8)))
            slope = np.linspace(0, rng.random(), settings.size[1], dtype=np.float32) * rng.choice([-1, 1])
            depth = np.broadcast_to(slope - slope.min(), settings.size).copy()
            sample = SegDataSample(metainfo=dict(
                img_shape=settings.size, ori_shape=settings.size, has_labels=False, labels_read=False,
                seed=int(rng.integers(2**62)), disparity_range=(float(depth.min()), float(depth.max()))))
            sample.gt_sem_seg = PixelData(data=torch.from_numpy(rng.integers(0, classes, (1, *settings.size))))
            sample.gt_depth_map = PixelData(data=torch.from_numpy(depth)[None])
            samples.append(sample)
        return dict(inputs=inputs, data_samples=samples)

    return dict(labelled=branch(), unlabelled=branch())


def build(segmentor: Mapping[str, Any], seed: int, **settings: Any) -> MeanTeacherSegmentor:
    """A teacher around a segmentor, ready to train."""
    torch.manual_seed(seed)
    model = MODELS.build(dict(type='mmdepthcp.MeanTeacherSegmentor', segmentor=segmentor, **settings))
    model.start_teacher()
    return model.train()


def total(losses: Mapping[str, Any]) -> torch.Tensor:
    """The sum of what is learnt from."""
    return sum(value for name, value in losses.items() if 'loss' in name)


def steps_of(model: MeanTeacherSegmentor, batch: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """Whole steps without the optimiser's, which all share: with a teacher, and supervised ones on both halves."""
    ready = model.data_preprocessor(batch, True)
    inputs, samples = ready['inputs'], ready['data_samples']

    draws = itertools.count()

    def semi() -> None:
        for sample in samples['unlabelled']:
            sample.set_metainfo(dict(seed=next(draws)))  # whether colours change is drawn for each step
        model.zero_grad()
        total(model.loss(inputs, samples)).backward()
        model.update_teacher()

    def supervised(branches: tuple[str, ...]) -> None:
        model.zero_grad()
        for branch in branches:
            total(model.student.loss(inputs[branch], samples[branch])).backward()

    @torch.no_grad()
    def teacher() -> None:
        model.teacher.encode_decode(inputs['unlabelled'], mean_teacher._whole(inputs['unlabelled']))

    return dict(semi=semi, supervised=lambda: supervised(('labelled', 'unlabelled')), teacher=teacher)


def clock_stages(model: MeanTeacherSegmentor, step: Callable[[], Any], count: int) -> dict[str, float]:
    """Mean seconds of mixing, colours, labels and update in a step."""
    clock = StageClock()
    before = {name: getattr(mean_teacher, name) for name in STAGES}
    clock.watch(model, 'update_teacher', 'update')
    for name, stage in STAGES.items():
        clock.watch(mean_teacher, name, stage)
    try:
        for _ in range(count):
            clock.new_step()
            step()
    finally:
        for name, function in before.items():
            setattr(mean_teacher, name, function)
        del model.update_teacher
    stages = dict.fromkeys(stage for seconds in clock.steps for stage in seconds)
    return {stage: float(np.mean([seconds[stage] for seconds in clock.steps])) for stage in stages}


def measure_semi(config: Config, settings: SemiSettings | None = None, repeats: int = 10, warmup: int = 2,
                 threads: int = 1, seed: int = 0) -> list[Measurement]:
    """A step with a teacher and mixed images beside two supervised ones, on images with labels and on as many others.

    Figures: ``over_supervised``, how much longer it takes than the two, as a share; ``teacher``, the share of the
    teacher's own forward pass in that, which no implementation is without; the seconds of mixing, colours, labels and
    the teacher's update; ``colours_off`` and ``mixing_off``, ``over_supervised`` without them.

    Args:
        config: with the model.
        settings: sizes.
        repeats: timed runs.
        warmup: runs before.
        threads: threads of torch.
        seed: of all that is random.
    """
    settings = settings or SemiSettings()
    init_default_scope(config.default_scope)
    wrapper = {key: value for key, value in config.model.items() if key not in ('type', 'segmentor')}
    segmentor = config.model.segmentor
    batch = random_batch(settings, segmentor.decode_head.num_classes, seed)
    model = build(segmentor, seed, **wrapper)
    calls = steps_of(model, batch)
    for name, change in (('colours_off', dict(colours=False)), ('mixing_off', dict(mixer=None))):
        calls[name] = steps_of(build(segmentor, seed, **{**wrapper, **change}), batch)['semi']
    timings = time_side_by_side(calls, dict.fromkeys(calls, repeats), warmup)
    plain = timings['supervised'].median_s
    over = {name: timings[name].median_s / plain - 1 for name in ('semi', 'colours_off', 'mixing_off')}
    stages = {f'{name}_s': value for name, value in clock_stages(model, calls['semi'], settings.steps).items()}
    return [Measurement.of('semi', asdict(settings), timings['semi'], timings['supervised'], figures=dict(
        over_supervised=over['semi'], teacher=timings['teacher'].median_s / plain, colours_off=over['colours_off'],
        mixing_off=over['mixing_off'], **stages), threads=threads, seed=seed)]
