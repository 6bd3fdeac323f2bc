"""Gather what the stages of an experiment have left in its work dir: scores, times, loss curves.

Which scores, the stages declare as their ``reports`` (:mod:`mmdepthcp.experiments.building`): of a stage with scores
these are in the first JSON file among its outputs; of a training they are ``iterations``, ``loss_first`` and
``loss_last``.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mmdepthcp.experiments.stages import Stage
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


def logged_keys(train_dir: str | os.PathLike) -> list[str]:
    """Names of all that MMEngine logged in the steps of a training."""
    keys: dict[str, None] = {}
    for log in sorted(Path(train_dir).glob('*/vis_data/scalars.json')):
        for line in log.read_text().splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                record = json.loads(line)
                keys |= dict.fromkeys(record if 'lr' in record else ())
    return list(keys)


def _iterations(train_dir: Path) -> int:
    """Iterations of the latest checkpoint.

    Raises:
        InputError: there is none.
    """
    try:
        return int(read_checkpoint(read_text(train_dir / 'last_checkpoint').strip())['meta']['iter'])
    except (InputError, KeyError, TypeError, ValueError) as error:
        raise InputError(f'{train_dir}: no checkpoint that tells its iterations ({error})') from error


def _seconds(work_dir: Path) -> dict[str, float]:
    records = [read_json(path) for path in (work_dir / 'pipeline').glob('*.json')]
    stages = {record['name']: record['seconds'] for record in records if record['finished']}
    return {'total': round(sum(stages.values()), 3), **stages}


def training_figures(train_dir: Path) -> dict[str, float]:
    """``iterations``, ``loss_first`` and ``loss_last`` of a training, by its checkpoint and its log.

    Raises:
        InputError: one of them is missing.
    """
    iterations, losses = _iterations(train_dir), read_loss_curve(train_dir).losses
    return dict(iterations=iterations, loss_first=losses[0], loss_last=losses[-1])


def _reported(stage: Stage) -> dict[str, float]:
    """What a stage reports, by the keys of the summary.

    Raises:
        InputError: it is not there.
    """
    if stage.trains:
        figures = training_figures(Path(stage.outputs[0]).parent)
        return {key: figures[name] for key, name in stage.reports}
    file = next(output for output in stage.outputs if output.endswith('.json'))
    scores = read_scores(file)
    return {key: find_score(scores, name, file).in_unit(FRACTION) for key, name in stage.reports}


def collect(work_dir: str | os.PathLike, stages: Iterable[Stage]) -> Collected:
    """Gather the scores of an experiment; what is not there is None and named in ``missing``.

    Raises:
        InputError: there is no such folder.
    """
    work_dir = Path(work_dir)
    if not work_dir.is_dir():
        raise InputError(f'{work_dir}: no such work dir')
    missing: list[str] = []
    summary: dict[str, dict[str, Any]] = {'seconds': _seconds(work_dir)}
    for stage in stages:
        found: dict[str, float] = {}
        if stage.reports:
            try:
                found = _reported(stage)
            except InputError as error:
                missing.append(f'{stage.name}: {error}')
        for key, _ in stage.reports:
            section, _, name = key.partition('.')
            summary.setdefault(section, {})[name] = found.get(key)
    return Collected(summary, missing)


def collect_curves(stages: Iterable[Stage]) -> dict[str, LossCurve]:
    """The loss curves of the trainings among the stages that have one, by name."""
    curves = {}
    for stage in stages:
        if stage.trains:
            with contextlib.suppress(InputError):
                curves[stage.name] = read_loss_curve(Path(stage.outputs[0]).parent)
    return curves


def compared(config: Mapping[str, Any], summary: Mapping[str, Mapping[str, float | None]]
             ) -> dict[str, dict[str, float | None]]:
    """The ``comparisons`` of a config, heading → name → value, those of which anything is known."""
    found = {
        heading: {name: summary.get(key.partition('.')[0], {}).get(key.partition('.')[2])
                  for name, key in names.items()} for heading, names in config.get('comparisons', {}).items()}
    return {heading: values for heading, values in found.items() if any(values.values())}


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
