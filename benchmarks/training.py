"""Steps of training, of depth and of pretraining, beside the bare networks; inference; loading."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.evaluator import Evaluator
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader

from benchmarks.measuring import (
    Measurement,
    StageClock,
    Timing,
    peak_of_this_process,
    private_memory,
    time_side_by_side,
)
from mmdepthcp.datasets import VideoClipDataset
from mmdepthcp.models.depth import MonoDepth
from mmdepthcp.registry import DATASETS, MODELS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.walks import IMAGE_SUFFIXES


@dataclass(frozen=True)
class StepSettings:
    """How a network is run.

    Attributes:
        device: torch device.
        amp: automatic mixed precision (GPUs only).
        channels_last: channels-last memory format; None leaves it to the model.
        compiled: compile the network with ``torch.compile``.
        num_workers: processes of the loader.
        steps: steps counted.
        warmup: steps before.
    """

    device: str = 'cpu'
    amp: bool = False
    channels_last: bool | None = None
    compiled: bool = False
    num_workers: int = 1
    steps: int = 20
    warmup: int = 3

    def __post_init__(self) -> None:
        if self.amp and self.device == 'cpu':
            raise InputError('--amp: mixed precision needs a GPU (--device cuda)')

    def words(self) -> dict[str, Any]:
        """For the record."""
        return dict(device=self.device, amp=self.amp, channels_last=self.channels_last, compiled=self.compiled,
                    workers=self.num_workers)

    def synchronise(self) -> None:
        """Wait for the device."""
        if self.device != 'cpu':
            torch.cuda.synchronize()

    def autocast(self) -> AbstractContextManager:
        """The context of inference."""
        return torch.autocast('cuda') if self.amp else nullcontext()


def use_folder(config: Config, folder: Path) -> None:
    """Let the data sets of a config read the benchmark's folder; see :mod:`benchmarks.streets`."""
    if issubclass(DATASETS.get(config.train_dataloader.dataset.type), VideoClipDataset):
        clips = dict(type='VideoClipDataset', layout='folder', data_prefix=dict(img_path=str(folder / 'clips')))
        config.train_dataloader.dataset = dict(clips, pipeline=config.train_dataloader.dataset.pipeline)
        return
    images = dict(img_path=str(folder / 'images'))
    groups = config.train_dataloader.dataset
    groups.dataset = dict(
        type='StreetDataset', pipeline=groups.dataset.pipeline,
        data_prefix=dict(images, disparity_path=str(folder / 'disparity'), region_path=str(folder / 'regions')))
    config.test_dataloader.dataset = dict(
        type='CityscapesStreetDataset', img_suffix=IMAGE_SUFFIXES, seg_map_suffix='.png',
        pipeline=config.test_dataloader.dataset.pipeline,
        data_prefix=dict(images, seg_map_path=str(folder / 'labels')))


def build_loader(dataloader: Mapping[str, Any], num_workers: int, seed: int) -> DataLoader:
    """The loader of a config's section, without end, in the order of the data set."""
    changes: dict[str, Any] = dict(
        num_workers=num_workers, persistent_workers=num_workers > 0,
        sampler=dict(type='InfiniteSampler', shuffle=False))
    return Runner.build_dataloader(Config({**dataloader, **changes}), seed=seed)


def build_model(config: Config, settings: StepSettings, seed: int) -> nn.Module:
    """The model of a config with random weights, on its device."""
    torch.manual_seed(seed)
    model = MODELS.build(config.model)
    if settings.channels_last is not None:
        memory_format = torch.channels_last if settings.channels_last else torch.contiguous_format
        model.to(memory_format=memory_format)
    if settings.compiled:
        for part in network_parts(model):
            part.compile()
    return model.to(settings.device)


def network_parts(model: nn.Module) -> list[nn.Module]:
    """The networks of a model, without what computes its losses."""
    names = ('backbone', 'neck', 'decode_head', 'projector', 'pose_net')
    return [part for name, part in model.named_children() if name in names]


def run_network(model: nn.Module, inputs: Any) -> list[Tensor]:
    """The outputs of the bare networks in training."""
    if isinstance(model, MonoDepth):
        motions, _ = model.motions(inputs['network'])
        return [*model(inputs, mode='tensor'), motions]
    return [model.extract_feat(inputs)]


def build_optimiser(config: Config, model: nn.Module, settings: StepSettings) -> OptimWrapper:
    """The optimiser of a config, its wrapper chosen by ``amp``."""
    kind: dict[str, Any] = dict(type='AmpOptimWrapper', loss_scale='dynamic') if settings.amp else dict(
        type='OptimWrapper')
    return build_optim_wrapper(model, ConfigDict(kind, optimizer=config.optim_wrapper.optimizer))


def profile_steps(model: nn.Module, optimiser: OptimWrapper, batches: Iterator, settings: StepSettings) -> StageClock:
    """Take steps of training and clock their stages: data, preparation, forward, loss_forward, backward, optimiser.

    The forward pass of compiled networks cannot be told from the loss; both are ``loss_forward`` then.
    """
    clock = StageClock(settings.synchronise)
    watched = [] if settings.compiled else network_parts(model)
    for part in watched:
        clock.watch(part, 'forward', 'forward')
    for _ in range(settings.warmup + settings.steps):
        clock.new_step()
        with clock('data'):
            batch = next(batches)
        with clock('preparation'):
            data = model.data_preprocessor(batch, True)
        with clock('loss_forward'), optimiser.optim_context(model):
            total, _ = model.parse_losses(model(**data, mode='loss'))
        with clock('backward'):
            optimiser.backward(optimiser.scale_loss(total))
        with clock('optimiser'):
            optimiser.step()
            optimiser.zero_grad()
    for part in watched:
        del part.forward
    return clock


def compare_with_network(
        model: nn.Module, optimiser: OptimWrapper, batch: Any, settings: StepSettings) -> dict[str, Timing]:
    """Times of a step (forward, loss, backward, optimiser) and of the bare networks' forward and backward, in turn."""
    data = model.data_preprocessor(batch, True)

    def step() -> None:
        with optimiser.optim_context(model):
            total, _ = model.parse_losses(model(**data, mode='loss'))
        optimiser.update_params(total)

    def network() -> None:
        with optimiser.optim_context(model):
            outputs = run_network(model, data['inputs'])
        torch.autograd.backward(outputs, [torch.full_like(output, 1e-3) for output in outputs])
        optimiser.zero_grad()

    calls = {'step': step, 'network': network}
    return time_side_by_side(calls, dict.fromkeys(calls, settings.steps), settings.warmup, settings.synchronise)


def _peak(settings: StepSettings) -> float:
    return peak_of_this_process() if settings.device == 'cpu' else torch.cuda.max_memory_allocated() / 2**20


def measure_step(
        name: str, config: Config, folder: Path, settings: StepSettings, threads: int = 1, seed: int = 0,
        ) -> Measurement:
    """Time of a training step with its loader, the shares of its stages, and the networks' part of it.

    ``network_share`` and ``loss_share`` are parts of a step on a batch that is there already: the bare networks'
    forward and backward, and what remains without the optimiser. ``peak_mb`` is that of the whole process, or of the
    GPU's tensors.
    """
    init_default_scope(config.get('default_scope', 'mmdepthcp'))
    use_folder(config, folder)
    model = build_model(config, settings, seed).train()
    optimiser = build_optimiser(config, model, settings)
    loader = build_loader(config.train_dataloader, settings.num_workers, seed)
    batches = iter(loader)
    clock = profile_steps(model, optimiser, batches, settings)
    stages, total = clock.medians(settings.warmup), clock.total(settings.warmup)
    compared = compare_with_network(model, optimiser, next(batches), settings)
    step, network = compared['step'].median_s, compared['network'].median_s
    whole = sum(stages.values())
    figures: dict[str, Any] = {f'{stage}_share': seconds / whole for stage, seconds in stages.items()}
    figures.update(step_s=step, network_s=network, network_share=network / step,
                   loss_share=1 - (network + stages['optimiser']) / step)
    if isinstance(model, MonoDepth):
        images = config.train_dataloader.batch_size
        figures.update(images_per_s=images / total.median_s, network_images_per_s=images / network)
    words = dict(config=Path(config.filename).stem, batch=config.train_dataloader.batch_size, **settings.words())
    return Measurement.of(name, words, total, peak_mb=_peak(settings), figures=figures, threads=threads, seed=seed)


def measure_inference(
        name: str, config: Config, folder: Path, settings: StepSettings, threads: int = 1, seed: int = 0,
        ) -> Measurement:
    """Time per image of depth inference, from frames in memory to disparity in memory, beside the bare networks."""
    init_default_scope(config.get('default_scope', 'mmdepthcp'))
    use_folder(config, folder)
    model = build_model(config, settings, seed).eval()
    batch = next(iter(build_loader(config.train_dataloader, 0, seed)))
    inputs = model.data_preprocessor(batch)['inputs']

    @torch.no_grad()
    def infer() -> None:
        with settings.autocast():
            for sample in model.test_step(batch):
                sample.pred_disparity.data.cpu()

    @torch.no_grad()
    def network() -> None:
        with settings.autocast():
            model(inputs, mode='tensor')

    calls = {'infer': infer, 'network': network}
    timings = time_side_by_side(calls, dict.fromkeys(calls, settings.steps), settings.warmup, settings.synchronise)
    images = config.train_dataloader.batch_size
    words = dict(config=Path(config.filename).stem, batch=images, **settings.words())
    timing = timings['infer'].per(images)
    return Measurement.of(
        name, words, timing, peak_mb=_peak(settings), threads=threads, seed=seed, figures=dict(
            images_per_s=1 / timing.median_s, network_images_per_s=images / timings['network'].median_s))


def measure_unsupervised_evaluation(
        config: Config, folder: Path, settings: StepSettings, threads: int = 1, seed: int = 0) -> Measurement:
    """Time per image of the unsupervised segmentation with its metric, and the shares of its stages.

    ``assignment`` is everything between the network's output and the clusters at label size, the clustering of the
    prototypes (once for all images) left to the warm-up.
    """
    init_default_scope(config.get('default_scope', 'mmdepthcp'))
    use_folder(config, folder)
    model = build_model(config, settings, seed).eval()
    loader = build_loader(config.test_dataloader, settings.num_workers, seed)
    batches = iter(loader)
    metric = Evaluator(config.test_evaluator)
    metric.dataset_meta = loader.dataset.metainfo
    clock = StageClock(settings.synchronise)
    clock.watch(model, 'extract_feat', 'network')
    for _ in range(settings.warmup + settings.steps):
        clock.new_step()
        with clock('data'):
            batch = next(batches)
        with clock('assignment'), torch.no_grad(), settings.autocast():
            outputs = model.test_step(batch)
        with clock('metric'):
            metric.process(data_samples=outputs, data_batch=batch)
    start = time.perf_counter()
    metric.evaluate(settings.warmup + settings.steps)
    finish = time.perf_counter() - start
    images = config.test_dataloader.batch_size
    stages, total = clock.medians(settings.warmup), clock.total(settings.warmup).per(images)
    whole = sum(stages.values())
    words = dict(config=Path(config.filename).stem, **settings.words())
    return Measurement.of(
        'unsup_eval', words, total, peak_mb=_peak(settings), threads=threads, seed=seed, figures=dict(
            images_per_s=1 / total.median_s, matching_s=finish,
            **{f'{stage}_share': seconds / whole for stage, seconds in stages.items()}))


def measure_loading(
        config: Config, folder: Path, workers: Sequence[int] = (0, 1, 2), items: int = 16, seed: int = 0,
        ) -> list[Measurement]:
    """Time per training item of the loader, from files to a batch, for several numbers of workers.

    Each loader first fills its queues; the timed items follow one by one. ``speed_up`` is over the first number.
    ``peak_mb`` is the largest worker's memory that it shares with no other process, looked at after every item.
    """
    init_default_scope(config.get('default_scope', 'mmdepthcp'))
    use_folder(config, folder)
    rows: list[Measurement] = []
    for count in workers:
        loader = build_loader(config.train_dataloader, count, seed)
        batches = iter(loader)
        for _ in range(1 + count * (loader.prefetch_factor or 1)):
            next(batches)
        start = last = time.perf_counter()
        seconds, workers_mb = [], []
        for _ in range(items):
            next(batches)
            now = time.perf_counter()
            seconds.append(now - last)
            workers_mb += [private_memory(worker.pid) for worker in getattr(batches, '_workers', ())]
            last = time.perf_counter()
        mean = (last - start) / items
        peak = max(workers_mb) if workers_mb else None
        first = rows[0].figures['mean_s'] if rows else mean
        rows.append(Measurement.of(
            'loading', dict(config=Path(config.filename).stem, batch=config.train_dataloader.batch_size, workers=count),
            Timing.of(seconds), peak_mb=peak, seed=seed,
            figures=dict(mean_s=mean, batches_per_s=1 / mean, speed_up=first / mean)))
        del batches, loader
        gc.collect()
    return rows
