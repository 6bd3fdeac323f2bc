"""What to learn from video within a time: size of the views, network, epochs, from what this machine has been measured
to do. Everything here is a function of numbers; nothing is measured or written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from mmdepthcp.apis.resnets import ResNetKind
from mmdepthcp.experiments.video_tasks import (
    NETWORKS,
    Footage,
    Machine,
    Measured,
    Plan,
    Size,
    Task,
    power_of_two,
    tell_time,
)
from mmdepthcp.utils.errors import InputError

SIDE = 32
"""Sides of views are multiples of this, so that networks with stride 32 see whole cells."""
LARGEST = 768 * 384
"""Pixels of the largest view, the paper's."""
ASPECT_TOLERANCE = 0.1
"""How far the shape of a view may be from that of the frames."""

CUSHION = 0.05
"""Share of the time that is kept for what measurements of seconds do not see."""
MOST_PREPARATION = 0.3
"""Share of the time that disparity and regions may take; where all frames would take longer, every n-th is used."""
LEAST = dict(depth=60, pretrain=40, finetune=40)
"""Iterations below which a training is not worth starting."""
WANTED = dict(depth=800, pretrain=400, finetune=200)
"""Iterations that come before larger views."""
SHARES = dict(depth=0.4, pretrain=0.4, finetune=0.2)
"""Of the time that is left for training."""
MOST_EPOCHS = 200
MOST_FINETUNING = 8000
LEAST_PASSES = 3
"""How often a training sees each of its frames at the least; where time does not suffice, every n-th is used."""
MEMORY_SHARE = 0.8
"""Of a GPU's memory that a training may be planned to take."""

GROUPS = dict(depthcp=(4, 8))
"""Images at once on processors and on a GPU, where it is not 8 and 32."""

COMMANDS_OF_REPORT = 2
"""How many starts of a command drawing the report takes."""


def view_sizes(image_size: Size, largest: int = LARGEST) -> list[Size]:
    """Sizes with sides that are multiples of 32 in about the shape of an image, from small to large.

    Args:
        image_size: (width, height).
        largest: most pixels. No size is larger than the image either, but there always is one.

    Example:
        >>> view_sizes((960, 540))[:3]
        [(160, 96), (224, 128), (288, 160)]
    """
    width, height = image_size
    shapes = []
    for rows in range(2, max(2, round(height / SIDE)) + 1):
        columns = max(2, round(rows * width / height))
        shapes.append((columns * SIDE, rows * SIDE, abs(math.log(columns * height / (rows * width)))))
    fitting = [shape for shape in shapes if shape[2] <= ASPECT_TOLERANCE and shape[0] * shape[1] <= largest]
    chosen = fitting or [min(shapes[:3], key=lambda shape: shape[2])]
    return [(columns, rows) for columns, rows, _ in chosen]


def usual_network(machine: Machine) -> ResNetKind:
    """A ResNet-50 for GPUs, a ResNet-18 of half width for processors."""
    return NETWORKS['r50' if machine.gpus else 'r18_small']


def number_of_prototypes(images: int, machine: Machine) -> int:
    """A power of two that grows with the images: enough samples fill every prototype."""
    most = 512 if machine.gpus else 128
    return min(max(2 ** round(math.log2(max(images, 1) / 8)), 32), most)


def plan(measured: Measured, footage: Footage, budget: float, task: Task, spent: float = 0.) -> Plan:
    """Choose settings so that all stages end within a time.

    The largest views are taken at which every training has the iterations of :data:`WANTED`, else the smallest ones;
    every training gets those of :data:`LEAST` and its share of the time that is left. Disparity and regions take no
    more than 30 % of the time. Random weights are fine-tuned beside where both trainings then still get their least.

    Args:
        measured: what the machine does in which time.
        footage: the frames.
        budget: seconds for all.
        task: what is asked for.
        spent: seconds of these that are gone.

    Raises:
        InputError: the time does not suffice; the message says which does.
    """
    network = task.network or usual_network(measured.machine)
    layouts = [_Layout(measured, footage, budget, task, network, size, spent) for size in view_sizes(footage.size)]
    layouts = [layouts[0], *(layout for layout in layouts[1:] if layout.fits_memory)]
    able = [layout for layout in layouts if layout.rest >= 0]
    if not able:
        least = min(layout.least for layout in layouts)
        raise InputError(
            f'a budget of {tell_time(budget)} is too small for {footage.frames} frames on this machine '
            f'({measured.machine}): the stages alone, with the fewest iterations, take {tell_time(least)}; give '
            f'--budget {math.ceil(least / 60)}m or more')
    generous = [layout for layout in able if layout.is_generous]
    return max(generous, key=lambda layout: layout.pixels).made() if generous else able[0].made()


class _Layout:
    """What the time gives at one size of views."""

    def __init__(self, measured: Measured, footage: Footage, budget: float, task: Task, network: ResNetKind,
                 size: Size, spent: float) -> None:
        self.measured, self.footage, self.task, self.network, self.size = measured, footage, task, network, size
        self.budget, self.spent = budget, spent
        self.pixels = size[0] * size[1]
        machine = measured.machine
        self.processes = max(machine.gpus, 1)
        self.group = power_of_two(
            min(GROUPS.get(task.method, (8, 32))[bool(machine.gpus)], max(2, footage.frames // 2)))
        self.depth_batch = min(8 if machine.gpus else 4, max(1, footage.frames // 3))
        self.finetune_batch = max(1, min(8, task.labelled))
        self.trainings = [name for name in LEAST if name in task.commands]
        self.cost = dict(
            depth=measured.depth.at(size) * self.depth_batch, pretrain=measured.pretrain.at(size) * self.group,
            finetune=measured.finetune.at(size) * self.finetune_batch)
        self.preparation = dict(
            disparity=measured.disparity.at(size) / self.processes, regions=measured.regions.at(size) / machine.cores)
        each = sum(seconds for name, seconds in self.preparation.items() if name in task.commands)
        self._use(footage.frames if each <= 0 else int(MOST_PREPARATION * budget / each))
        self.compares = bool(task.labelled)
        self._spread()
        seen = self.iterations['pretrain'] * self.group * self.processes
        if seen < LEAST_PASSES * self.images:
            self._use(seen // LEAST_PASSES)
            self._spread()
        if self.compares and self.rest < 0:
            self.compares = False
            self._spread()

    def _use(self, most: int) -> None:
        """Pretrain on so many frames at the most, but on two groups at the least."""
        self.image_step = max(1, math.ceil(self.footage.frames / max(most, 2 * self.group)))
        self.images = math.ceil(self.footage.frames / self.image_step)

    def _spread(self) -> None:
        self.fixed = self._fixed()
        self.times = dict.fromkeys(self.trainings, 1) | ({'finetune': 2} if self.compares else {})
        least = sum(LEAST[name] * self.cost[name] * self.times[name] for name in self.trainings)
        self.rest = self.budget * (1 - CUSHION) - self.spent - sum(self.fixed.values()) - least
        self.least = (self.spent + sum(self.fixed.values()) + least) / (1 - CUSHION)
        shares = {name: SHARES[name] for name in self.trainings}
        self.iterations = {}
        for name in self.trainings:
            part = max(self.rest, 0) * shares[name] / sum(shares.values())
            more = part / (self.cost[name] * self.times[name]) if self.cost[name] else WANTED[name]
            self.iterations[name] = LEAST[name] + int(more)

    def _fixed(self) -> dict[str, float]:
        """Seconds of every stage that no number of iterations changes."""
        seconds = {}
        for name in self.task.commands:
            if name.startswith('random') and not self.compares:
                continue
            seconds[name] = self.measured.start
            seconds[name] += self.images * self.preparation.get(name, 0.)
            if name.endswith('_score'):  # without the way back
                seconds[name] += self.task.tested * self.measured.finetune.at(self.size) / 2
        seconds['report'] *= COMMANDS_OF_REPORT
        return seconds

    @property
    def fits_memory(self) -> bool:
        machine = self.measured.machine
        samples = dict(depth=self.depth_batch, pretrain=self.group, finetune=self.finetune_batch)
        return not machine.gpus or all(
            getattr(self.measured, name).memory * samples[name] * self.pixels / 1e6 <= MEMORY_SHARE * machine.gpu_memory
            for name in self.trainings)

    @property
    def is_generous(self) -> bool:
        return all(self.iterations[name] >= WANTED[name] for name in self.trainings)

    def made(self) -> Plan:
        """The plan."""
        frames, iterations = self.footage.frames, self.iterations
        depth_iterations = iterations.get('depth', 0)
        seen = depth_iterations * self.depth_batch * self.processes
        depth_step = max(1, math.ceil(LEAST_PASSES * frames / seen)) if seen else 1
        per_epoch = max(1, frames // depth_step // (self.depth_batch * self.processes))
        depth_epochs = min(max(1, depth_iterations // per_epoch), MOST_EPOCHS)
        of_images = max(1, self.images // (self.group * self.processes))
        pretrain_epochs = min(max(1, iterations['pretrain'] // of_images), MOST_EPOCHS)
        finetune_iterations = min(iterations.get('finetune', 0), MOST_FINETUNING)
        lengths = dict(depth=depth_epochs * per_epoch, pretrain=pretrain_epochs * of_images,
                       finetune=finetune_iterations, random=finetune_iterations)
        seconds = {name: fixed + lengths.get(name, 0) * self.cost.get('finetune' if name == 'random' else name, 0.)
                   for name, fixed in self.fixed.items()}
        machine = self.measured.machine
        return Plan(
            self.network, self.size, self.image_step, self.images, depth_step, self.depth_batch,
            depth_epochs if 'depth' in self.trainings else 0, self.group, pretrain_epochs * of_images,
            pretrain_epochs, number_of_prototypes(self.images, machine), self.finetune_batch, finetune_iterations,
            self.compares, max(1, min(8, machine.cores // (2 * self.processes))), self.processes, seconds,
            self.budget, self.spent)


def describe_plan(made: Plan, footage: Footage, machine: Machine, task: Task) -> str:
    """A plan in words and a table, for people."""
    width, height = made.view_size
    lines = [
        f'{footage.frames} frames of {footage.size[0]}x{footage.size[1]} in {footage.clips} '
        f'shot{"s" * (footage.clips != 1)}; {machine}',
        f'views of {width}x{height}, {made.network}, {task.method}'
        + (f' with {made.prototypes} prototypes' if task.method in ('depthcp', 'swav') else ''),
    ]
    if made.image_step > 1:
        lines.append(f'one frame in {made.image_step} is pretrained on, {made.images} in all')
    if made.depth_step > 1 and made.depth_epochs:
        lines.append(f'depth is learnt from one frame in {made.depth_step} and its neighbours')
    if task.labelled:
        lines.append(f'{task.labelled} labelled images to learn from, {task.tested} to score on'
                     + ('' if made.compares else '; no time to fine-tune random weights beside, so the report cannot '
                                                 'tell what pretraining was worth'))
    notes = dict(
        depth=f'{made.depth_epochs} epochs, batches of {made.depth_batch}',
        disparity=f'{made.images} images', regions=f'{made.images} images',
        pretrain=f'{made.pretrain_epochs} epochs, {made.pretrain_iterations} iterations of {made.group} images',
        finetune=f'{made.finetune_iterations} iterations of {made.finetune_batch} images',
        random=f'{made.finetune_iterations} iterations of {made.finetune_batch} images')
    return '\n'.join([*lines, *_rows(made, notes)])


def _rows(made: Plan, notes: Mapping[str, str]) -> Iterable[str]:
    rows: Sequence[tuple[str, float]] = [('frames, measurement', made.spent), *made.seconds.items()]
    for name, seconds in rows:
        yield (f'  {name:<20}{tell_time(seconds):>12}{seconds / made.budget:>6.0%}   {notes.get(name, "")}').rstrip()
    yield f'  {"in all":<20}{tell_time(made.spent + made.total):>12}   of {tell_time(made.budget)}'
