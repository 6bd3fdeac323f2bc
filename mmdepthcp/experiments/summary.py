"""Gather what the stages of an experiment have left in its work dir: scores, times, loss curves.

Files read, all optional: ``pipeline/<stage>.json`` (times), ``depth_metrics.json``, ``regions_learnt.json``,
``regions_exact.json``, ``unsup.json``, ``unsup_random.json``, ``unsup_colour_position.json``, and MMEngine's
``<stage>/<time>/vis_data/scalars.json`` of the training stages ``depth`` and ``pretrain``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mmdepthcp.utils.checkpoint import read_checkpoint
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import read_json, read_text
from mmdepthcp.utils.scores import FRACTION, find_score, read_scores


class LossCurve(NamedTuple):
    """Loss over training.

    Attributes:
        iterations: (N,) iteration numbers, ascending.
        losses: (N,) loss at each.
    """

    iterations: tuple[int, ...]
    losses: tuple[float, ...]


class Collected(NamedTuple):
    """What was found in a work dir.

    Attributes:
        summary: the nested scores; None where nothing was found.
        missing: a sentence for each part that was not found.
    """

    summary: dict[str, Any]
    missing: list[str]


def read_loss_curve(train_dir: str | os.PathLike, key: str = 'loss') -> LossCurve:
    """The curve that MMEngine logged in a training's work dir; a resumed run replaces what it repeats.

    Raises:
        InputError: the folder holds no such log.
    """
    logs = sorted(Path(train_dir).glob('*/vis_data/scalars.json'))
    points: dict[int, float] = {}
    for log in logs:
        run: dict[int, float] = {}
        for line in log.read_text().splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            if key in record and 'lr' in record:
                run[int(record['step'])] = float(record[key])
        if run:
            points = {step: loss for step, loss in points.items() if step < min(run)} | run
    if not points:
        raise InputError(f'{train_dir}: no logged {key} (*/vis_data/scalars.json)')
    steps = sorted(points)
    return LossCurve(tuple(steps), tuple(points[step] for step in steps))


def _iterations(train_dir: Path) -> int:
    """Iterations of the latest checkpoint.

    Raises:
        InputError: there is none.
    """
    try:
        return int(read_checkpoint(read_text(train_dir / 'last_checkpoint').strip())['meta']['iter'])
    except (InputError, KeyError, TypeError, ValueError) as error:
        raise InputError(f'{train_dir}: no checkpoint that tells its iterations ({error})') from error


WANTED: dict[str, dict[str, tuple[str, str]]] = {
    'depth': {
        'abs_rel': ('depth_metrics.json', 'abs_rel'),
        'abs_rel_constant': ('depth_metrics.json', 'abs_rel_constant'),
        'a1': ('depth_metrics.json', 'a1'),
    },
    'regions': {
        'count_mean': ('regions_learnt.json', 'count_mean'),
        'oracle_miou': ('regions_learnt.json', 'oracle_miou'),
        'oracle_miou_exact_depth': ('regions_exact.json', 'oracle_miou'),
    },
    'unsup': {
        'acc': ('unsup.json', 'Acc'),
        'miou': ('unsup.json', 'mIoU'),
        'miou_random_init': ('unsup_random.json', 'mIoU'),
        'miou_colour_position': ('unsup_colour_position.json', 'mIoU'),
    },
}
"""Where each score comes from: section → name → file and its name there."""


def _seconds(work_dir: Path) -> dict[str, float]:
    stamps = [read_json(path) for path in (work_dir / 'pipeline').glob('*.json')]
    stages = {stamp['name']: stamp['seconds'] for stamp in stamps if stamp['finished']}
    return {'total': round(sum(stages.values()), 3), **stages}


def collect(work_dir: str | os.PathLike) -> Collected:
    """Gather the scores of an experiment; what is not there is None and named in ``missing``.

    Raises:
        InputError: there is no such folder.
    """
    work_dir = Path(work_dir)
    if not work_dir.is_dir():
        raise InputError(f'{work_dir}: no such work dir')
    missing: list[str] = []
    summary: dict[str, Any] = {'seconds': _seconds(work_dir)}
    for section, wanted in WANTED.items():
        summary[section] = dict.fromkeys(wanted)
        for name, (file, score) in wanted.items():
            path = work_dir / file
            try:
                summary[section][name] = find_score(read_scores(path), score, path).in_unit(FRACTION)
            except InputError as error:
                missing.append(f'{section}.{name}: {error}')
    summary['pretrain'] = dict.fromkeys(('iterations', 'loss_first', 'loss_last'))
    try:
        summary['pretrain']['iterations'] = _iterations(work_dir / 'pretrain')
        losses = read_loss_curve(work_dir / 'pretrain').losses
        summary['pretrain'].update(loss_first=losses[0], loss_last=losses[-1])
    except InputError as error:
        missing.append(f'pretrain: {error}')
    order = ('seconds', 'depth', 'regions', 'pretrain', 'unsup')
    return Collected({section: summary[section] for section in order}, missing)


def format_value(value: float | None) -> str:
    """A number for people; a dash for None."""
    if value is None:
        return '–'
    if float(value).is_integer() and abs(value) >= 1:
        return f'{value:.0f}'
    return f'{value:.1f}' if abs(value) >= 100 else f'{value:.4g}'


def table(summary: Mapping[str, Mapping[str, float | None]]) -> str:
    """The summary as a text table: section, name, value."""
    rows = [(section, name, format_value(value))
            for section, values in summary.items() for name, value in values.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    rule = '-' * (sum(widths) + 4)
    lines = [rule]
    before = rows[0][0]
    for section, name, text in rows:
        if section != before:
            lines.append(rule)
        lines.append(f'{section if section != before or len(lines) == 1 else "":<{widths[0]}}  '
                     f'{name:<{widths[1]}}  {text:>{widths[2]}}')
        before = section
    return '\n'.join([*lines, rule])
