"""What this machine does in which time: some seconds of the very trainings that are to be planned."""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmdepthcp.apis.resnets import ResNetKind
from mmdepthcp.experiments.running import LAST_LINES
from mmdepthcp.experiments.video_configs import GROUPING, Labels, Setup, depth_config, finetune_config, pretrain_config
from mmdepthcp.experiments.video_plan import GROUPS, usual_network, view_sizes
from mmdepthcp.experiments.video_tasks import Cost, Footage, Machine, Measured, Plan, Size, Task, power_of_two
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import atomic_path
from mmdepthcp.utils.machine import GIB, gpus, usable_cores
from mmdepthcp.utils.resources import find_shipped

SAMPLE = 6
"""Frames that are measured with."""
FARTHER = 4
"""How many times as many pixels the second size has that is measured."""


def this_machine() -> Machine:
    """The computer at work, with the GPUs that may be used."""
    found = gpus()
    return Machine(usable_cores(), len(found), min((gpu.total for gpu in found), default=0) / GIB)


def sizes_to_measure(sizes: Sequence[Size]) -> list[Size]:
    """The smallest size, and the next that has about four times as many pixels; one where there is only one."""
    first = sizes[0]
    others = [size for size in sizes if size[0] * size[1] <= FARTHER * first[0] * first[1] * 1.1]
    return list(dict.fromkeys([first, others[-1]]))


def measure(frames: Sequence[Path], footage: Footage, task: Task, labels: Labels | None = None,
            predictor: Callable[[], Any] | None = None, say: Callable[[str], None] = print,
            started_in: float | None = None) -> Measured:
    """Time the parts of what is to be done on a few frames.

    Args:
        frames: successive frames of one shot; the first 6 are used.
        footage: what they are of.
        task: what is asked for.
        labels: labelled images, if there are any.
        predictor: makes the :class:`~mmdepthcp.preparation.depth_inference.DepthPredictor` that disparity is to come
            from, where that is not learnt here.
        say: told what is measured.
        started_in: seconds that this command took to start; where they are not known, a command is run.

    Raises:
        InputError: there are fewer than 3 frames.
    """
    if len(frames) < 3:
        raise InputError(f'{frames[0].parent if frames else "no folder"}: {len(frames)} frames; depth and pretraining '
                         'need three successive ones at the least')
    machine = this_machine()
    sizes = sizes_to_measure(view_sizes(footage.size))
    with tempfile.TemporaryDirectory(prefix='mmdepthcp-') as folder, _silence():
        bench = _Bench(Path(folder), frames[:SAMPLE], task, machine, labels)
        costs: dict[str, Cost] = {}
        if 'regions' in task.commands:
            say('measuring: cutting regions')
            costs['regions'] = Cost.through({size: bench.regions(size) for size in sizes})
        if predictor is not None and 'disparity' in task.commands:
            say('measuring: disparity')
            costs['disparity'] = Cost(bench.seconds_of(predictor()))
        for name in ('depth', 'pretrain', 'finetune'):
            if name in task.commands:
                say(f'measuring: {name}')
                costs.update(bench.training(name, sizes))
        if started_in is None:
            say('measuring: a command from start to end')
            started_in = bench.seconds_of_a_command(sizes[0])
    return Measured(machine, started_in, **costs)


@contextmanager
def _silence() -> Iterator[None]:
    """Leave out what trainings say as they begin."""
    from mmengine.logging import MMLogger

    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def _scope(name: str) -> Iterator[None]:
    from mmengine.registry import DefaultScope

    with DefaultScope.overwrite_default_scope(name):
        yield


def _best_of(action: Callable[[], Any], times: int = 2) -> float:
    """Seconds of the fastest of several runs."""
    def once() -> float:
        begin = time.perf_counter()
        action()
        return time.perf_counter() - begin

    return min(once() for _ in range(times))


class _Bench:
    """A few frames with made-up disparity and regions, on which trainings run for some steps."""

    def __init__(self, folder: Path, frames: Sequence[Path], task: Task, machine: Machine,
                 labels: Labels | None) -> None:
        from mmdepthcp.cli.tools import register_modules

        register_modules()
        self.folder, self.task, self.machine, self.labels = folder, task, machine, labels
        self.names = [f'clip/{number:06d}{frame.suffix}' for number, frame in enumerate(frames)]
        for name, frame in zip(self.names, frames, strict=True):
            target = folder / 'frames' / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(frame.resolve())
        lists = folder / 'lists'
        lists.mkdir()
        for name in ('depth_train', 'depth_check'):
            (lists / f'{name}.txt').write_text('\n'.join(self.names[1:-1]) + '\n')
        self._write_disparity()

    def _write_disparity(self) -> None:
        import numpy as np

        from mmdepthcp.utils.images import image_size, write_disparity

        width, height = image_size(self.folder / 'frames' / self.names[0])
        rows = np.linspace(0.05, 0.9, height, dtype=np.float32)[:, None].repeat(width, 1)
        for name in self.names:
            write_disparity(self.folder / 'disparity' / Path(name).with_suffix('.png'), rows)

    def plan(self, size: Size) -> Plan:
        """A plan that makes the configs to be measured."""
        network: ResNetKind = self.task.network or usual_network(self.machine)
        gpu = bool(self.machine.gpus)
        group = power_of_two(min(GROUPS.get(self.task.method, (8, 32))[gpu], len(self.names)))
        labelled = max(1, min(8, self.task.labelled))
        return Plan(network, size, 1, len(self.names), 1, min(4, len(self.names) - 2), 1, group, 10, 1, 32,
                    labelled, 10, False, 0, 1)

    def setup(self, size: Size) -> Setup:
        return Setup(
            self.plan(size), replace(self.task, depth='own'), self.folder, self.folder / 'frames',
            self.folder / 'disparity', (1.0, 1.5, 0.5, 0.5), False, labels=self.labels)

    def regions(self, size: Size) -> float:
        """Seconds for the regions of one image, which are left for pretraining."""
        from mmdepthcp.preparation.region_grouping import RegionGrouper, parse_params
        from mmdepthcp.utils.images import write_regions

        grouper = RegionGrouper(self.folder / 'frames', self.folder / 'disparity', parse_params(GROUPING),
                                (1.0, 1.5, 0.5, 0.5), scale=size)

        def cut(name: str) -> None:
            write_regions(self.folder / 'regions' / Path(name).with_suffix('.png'), grouper(Path(name)))

        for name in self.names:
            if not (self.folder / 'regions' / Path(name).with_suffix('.png')).exists():
                cut(name)
        return _best_of(lambda: cut(self.names[0]), 1)

    def seconds_of(self, predictor: Any) -> float:
        """Seconds for the disparity of one image."""
        path = self.folder / 'frames' / self.names[0]
        return _best_of(lambda: predictor.predict([predictor.prepare(path)]))

    def _config(self, name: str, size: Size) -> Any:
        from mmdepthcp.config.loading import load_config

        text = dict(depth=depth_config, pretrain=pretrain_config, finetune=finetune_config)[name](self.setup(size))
        path = self.folder / f'{name}_{size[0]}.py'
        with atomic_path(path) as aside:
            aside.write_text(text)
        config = load_config(path)
        for part in ('backbone', 'neck', 'decode_head'):
            if part in config.model:
                config.model[part].pop('init_cfg', None)
        return config

    def seconds_of_a_command(self, size: Size) -> float:
        """Seconds of a training of one iteration, from the start of its command to its end.

        Raises:
            InputError: it fails; the message ends with what it says.
        """
        config = self._config('pretrain', size)
        length = 'max_epochs' if 'max_epochs' in config.train_cfg else 'max_iters'
        begin = time.perf_counter()
        done = subprocess.run(
            [sys.executable, str(find_shipped('tools/train.py')), config.filename, '--work-dir',
             str(self.folder / 'command'), '--cfg-options', f'train_cfg.{length}=1', 'model.backbone.init_cfg=None'],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace')
        if done.returncode:
            raise InputError('a training of one iteration, to measure with, failed; it ends with\n'
                             + '\n'.join(done.stdout.splitlines()[-LAST_LINES:]))
        return time.perf_counter() - begin

    def training(self, name: str, sizes: Sequence[Size]) -> Mapping[str, Cost]:
        """The cost of one sample of a training; of depth also that of the disparity of an image."""
        import torch
        from mmengine.logging import MessageHub
        from mmengine.optim import build_optim_wrapper
        from mmengine.registry import MODELS
        from mmengine.runner import Runner

        from mmdepthcp.utils.trees import local_device

        device = local_device()
        config = self._config(name, sizes[0])
        steps: dict[Size, float] = {}
        infers: dict[Size, float] = {}
        memory = 0.
        with _scope(config.default_scope):
            MessageHub.get_current_instance().update_info('max_iters', 1000)  # a runner's, which momentum goes by
            model = MODELS.build(config.model).to(device)
            optimiser = build_optim_wrapper(model, config.optim_wrapper)
            for size in sizes:
                config = self._config(name, size)
                loader = Runner.build_dataloader(config.train_dataloader, seed=0)
                count = min(loader.batch_size, len(loader.dataset))
                samples = count * (config.train_dataloader.dataset.get('num_images') or 1)
                batch = loader.collate_fn([loader.dataset[0, 0, index] for index in range(count)])
                load = _best_of(lambda: loader.dataset[0, 0, 0], 1) / (samples / count)  # noqa: B023
                model.train()
                if device != 'cpu':
                    torch.cuda.reset_peak_memory_stats()
                times = 1 if device == 'cpu' and steps else 2  # the first size has warmed it up
                step = _best_of(lambda: self._step(model, batch, optimiser, device), times) / samples  # noqa: B023
                steps[size] = _together(step, load, self.machine)
                if device != 'cpu':
                    memory = torch.cuda.max_memory_allocated() / GIB / (samples * size[0] * size[1] / 1e6)
                if name == 'depth':
                    infers[size] = self._disparity(model, config)
        found = {name: Cost.through(steps, memory)}
        if name == 'depth' and 'disparity' in self.task.commands:
            found['disparity'] = Cost.through(infers)
        return found

    def _step(self, model: Any, batch: Any, optimiser: Any, device: str) -> None:
        import torch

        model.train_step(batch, optimiser)
        if device != 'cpu':
            torch.cuda.synchronize()

    def _disparity(self, model: Any, config: Any) -> float:
        """Seconds to predict the disparity of an image and write it."""
        import torch
        from mmengine.dataset import Compose, pseudo_collate

        from mmdepthcp.utils.images import write_disparity

        prepare = Compose(config.test_pipeline)
        path = str(self.folder / 'frames' / self.names[0])

        def infer() -> None:
            item = prepare(dict(img_path=path, frame_paths=[path], offsets=[0], crop_bottom=0))
            with torch.no_grad():
                sample, = model.eval().test_step(pseudo_collate([item]))
            write_disparity(self.folder / 'inferred.png', sample.pred_disparity.data.squeeze(0).float().cpu().numpy())

        return _best_of(infer)


def _together(step: float, load: float, machine: Machine) -> float:
    """Seconds for a sample that is loaded while others are learnt from; without a GPU both share the cores."""
    workers = max(1, min(8, machine.cores // (2 * max(machine.gpus, 1))))
    return max(step, load / workers) if machine.gpus else step + load / machine.cores
