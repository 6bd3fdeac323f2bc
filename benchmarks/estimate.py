"""What a data set of another size will cost, from measured figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.markdown import table_row


@dataclass(frozen=True)
class Rates:
    """Measured costs.

    Attributes:
        depth_step_s: device seconds of depth training for each sample.
        inference_s: device seconds of depth inference for each image.
        grouping_s: core seconds for each image.
        item_s: core seconds to load and mix a training item.
        pretrain_step_s: device seconds of a pretraining step of one item.
        disparity_kb, regions_kb: size of the files of an image.
        device: what the device seconds were measured on.
    """

    depth_step_s: float
    inference_s: float
    grouping_s: float
    item_s: float
    pretrain_step_s: float
    disparity_kb: float
    regions_kb: float
    device: str


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        images: images to prepare and to learn from; for depth, as many samples of a frame with its neighbours.
        depth_epochs: epochs of depth training.
        epochs: epochs of pretraining.
        images_per_item: M.
    """

    images: int
    depth_epochs: int = 20
    epochs: int = 25
    images_per_item: int = 8


class Stage(NamedTuple):
    """Cost of a stage: hours of CPU cores and of the device, gigabytes written, and how it is shared out."""

    name: str
    core_hours: float
    device_hours: float
    disk_gb: float
    sharding: str


def estimate(rates: Rates, plan: Plan) -> list[Stage]:
    """Cost of every stage: the measured cost of one sample times the number of samples.

    Device hours assume that the loader keeps up, for which the core hours beside them have to be spent in the same
    time: pretraining needs core_hours / device_hours worker processes for each device. Decoding of images is within
    ``item_s``; for depth it is not counted. Training on many devices is taken as linear; communication is not counted.
    """
    hours = plan.images / 3600
    items = plan.images // plan.images_per_item * plan.epochs
    by_rank = 'torchrun or srun: every rank takes its share of each batch'
    by_shard = 'one process per GPU under torchrun or srun, or --shard I/N: every N-th image'
    return [
        Stage('depth training', 0.0, hours * plan.depth_epochs * rates.depth_step_s, 0.0, by_rank),
        Stage('disparity', 0.0, hours * rates.inference_s, plan.images * rates.disparity_kb / 2**20, by_shard),
        Stage('regions', hours * rates.grouping_s, 0.0, plan.images * rates.regions_kb / 2**20,
              'srun tasks or --shard I/N, and --num-workers processes in each'),
        Stage('pretraining', items * rates.item_s / 3600, items * rates.pretrain_step_s / 3600, 0.0, by_rank),
    ]


def _figures(row: Mapping[str, str]) -> dict[str, str]:
    return dict(part.split('=', 1) for part in row['figures'].split('; ') if '=' in part)


def rates_from_rows(rows: Sequence[Mapping[str, str]]) -> Rates:
    """The costs in a results file; of several rows of a benchmark, the last one on a GPU, else the last one.

    Raises:
        InputError: a benchmark is missing.
    """
    def row(name: str) -> Mapping[str, str]:
        found = [row for row in rows if row['name'] == name]
        if not found:
            raise InputError(f'the results hold no row {name}: run python -m benchmarks {name.split("/")[0]} first')
        return next((row for row in reversed(found) if 'device=cuda' in row['settings']), found[-1])

    step, grouping = row('train_step'), row('grouping')
    serial = [loading for loading in rows if loading['name'] == 'loading' and 'workers=0' in loading['settings']]
    item = serial[-1] if serial else row('copy_paste')
    return Rates(
        depth_step_s=1 / float(_figures(row('depth/train'))['images_per_s']),
        inference_s=float(row('depth/inference')['median_s']),
        grouping_s=float(grouping['median_s']),
        item_s=float(item['median_s']),
        pretrain_step_s=float(_figures(step)['step_s']),
        disparity_kb=float(_figures(grouping)['disparity_kb']),
        regions_kb=float(_figures(grouping)['regions_kb']),
        device=f'{step["machine"]} [{step["settings"]}]')


def as_text(rates: Rates, plan: Plan) -> str:
    """The estimate as a Markdown table."""
    lines = [f'{plan.images} images; device: {rates.device}', '',
             '| stage | core hours | device hours | disk, GB | shared out by |', '| --- | --- | --- | --- | --- |']
    for stage in estimate(rates, plan):
        lines.append(table_row([stage.name, f'{stage.core_hours:.1f}', f'{stage.device_hours:.1f}',
                                f'{stage.disk_gb:.1f}', stage.sharding]))
    return '\n'.join(lines)
