"""Swapped prediction: time, memory and gradients beside the plain version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.measuring import Measurement, measure_peak, time_side_by_side
from mmdepthcp.models.losses import swapped_prediction_loss

Problem = tuple[list[Tensor], Tensor, list[Tensor], list[int]]


@dataclass(frozen=True)
class LossSettings:
    """Size of the problem, that of the paper's batches by default.

    Attributes:
        region_samples: 7200 positions in each of 16 views.
        pixel_samples: matching positions in 16 views, about as many as the toy streets give.
        regions: groups of the region samples.
        pixel_group: mean size of a group of matching pixels.
        prototypes: K.
        dims: D.
        half: features in half precision (bfloat16 on CPUs).
        device: torch device.
    """

    region_samples: int = 115_200
    pixel_samples: int = 110_000
    regions: int = 650
    pixel_group: float = 2.5
    prototypes: int = 1000
    dims: int = 128
    half: bool = False
    device: str = 'cpu'


def make_problem(settings: LossSettings, seed: int) -> Problem:
    """Random features of both levels, prototypes, groups and their numbers."""
    generator = torch.Generator().manual_seed(seed)
    dtype = torch.float32
    if settings.half:
        dtype = torch.bfloat16 if settings.device == 'cpu' else torch.float16
    features, groups, counts = [], [], []
    for samples, number in ((settings.region_samples, settings.regions),
                            (settings.pixel_samples, max(1, int(settings.pixel_samples / settings.pixel_group)))):
        drawn = F.normalize(torch.randn(samples, settings.dims, generator=generator), dim=1)
        features.append(drawn.to(settings.device, dtype).requires_grad_())
        ids = torch.arange(samples) % number
        groups.append(ids.to(settings.device))
        counts.append(int(ids.max()) + 1)
    prototypes = F.normalize(torch.randn(settings.prototypes, settings.dims, generator=generator), dim=1)
    return features, prototypes.to(settings.device).requires_grad_(), groups, counts


def fast_loss(features: Tensor, prototypes: Tensor, groups: Tensor, num_groups: int) -> Tensor:
    """The package's loss."""
    return swapped_prediction_loss(features, prototypes, groups, num_groups).loss


def plain_loss(features: Tensor, prototypes: Tensor, groups: Tensor, num_groups: int) -> Tensor:
    """The plain loss, in float32."""
    from benchmarks.plain.swapped_prediction import swapped_prediction_plain

    return swapped_prediction_plain(features.float(), prototypes, groups, num_groups)


def forward_backward(loss: Callable[..., Tensor], problem: Problem) -> tuple[Tensor, ...]:
    """Half the sum of the losses of both levels, and its gradients for features and prototypes."""
    features, prototypes, groups, counts = problem
    inputs = (*features, prototypes)
    total = sum((loss(level, prototypes, ids, count) / 2
                 for level, ids, count in zip(features, groups, counts, strict=True)),
                start=prototypes.new_zeros(()))
    return total.detach(), *torch.autograd.grad(total, inputs)


def loss_call(loss: Callable[..., Tensor], settings: LossSettings, seed: int) -> Callable[[], object]:
    """A call of a loss forward and backward; for :func:`measure_peak`."""
    problem = make_problem(settings, seed)
    return lambda: forward_backward(loss, problem)


def peak_mb(loss: Callable[..., Tensor], settings: LossSettings, seed: int, threads: int) -> float:
    """What the loss adds to memory at its peak, in MiB: of a fresh process, or of the GPU."""
    if settings.device == 'cpu':
        return measure_peak(loss_call, loss, settings, seed, threads=threads)
    call = loss_call(loss, settings, seed)
    call()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    call()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def largest_difference(one: tuple[Tensor, ...], other: tuple[Tensor, ...]) -> dict[str, float]:
    """Absolute difference of the losses; largest difference of a gradient relative to the largest gradient."""
    gradients = [
        float((a.float() - b.float()).abs().max() / b.float().abs().max())
        for a, b in zip(one[1:], other[1:], strict=True) if b.numel()]
    return dict(loss_difference=float((one[0] - other[0]).abs()), gradient_difference=max(gradients))


def measure_loss(
        settings: LossSettings | None = None, repeats: int = 10, warmup: int = 1, plain: bool = True,
        plain_repeats: int = 3, threads: int = 1, seed: int = 0) -> list[Measurement]:
    """Time and peak memory of both levels, forward and backward, beside the plain version.

    ``peak_mb`` is what forward and backward add to a process (or GPU) that has the features; ``plain_peak_mb`` the
    same of the plain version.

    Args:
        settings: sizes.
        repeats: timed runs.
        warmup: runs before.
        plain: run the plain version too, which at full size takes several GB.
        plain_repeats: timed runs of it.
        threads: threads of torch.
        seed: of the features.
    """
    settings = settings or LossSettings()
    problem = make_problem(settings, seed)
    calls = {'fast': lambda: forward_backward(fast_loss, problem)}
    counts = {'fast': repeats}
    if plain:
        calls['plain'], counts['plain'] = (lambda: forward_backward(plain_loss, problem)), plain_repeats
    synchronise = torch.cuda.synchronize if settings.device != 'cpu' else lambda: None
    timings = time_side_by_side(calls, counts, warmup, synchronise)
    figures = {}
    if plain:
        figures = largest_difference(calls['fast'](), calls['plain']())
        figures['plain_peak_mb'] = peak_mb(plain_loss, settings, seed, threads)
    peak = peak_mb(fast_loss, settings, seed, threads)
    if plain:
        figures['memory_ratio'] = figures['plain_peak_mb'] / max(peak, 1e-9)
    return [Measurement.of('loss', asdict(settings), timings['fast'], timings.get('plain'), peak_mb=peak,
                           figures=figures, threads=threads, seed=seed)]
