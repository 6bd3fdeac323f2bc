"""One HTML file that shows an experiment: numbers, curves, pictures. It needs no other file and no network."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure as Canvas

from mmdepthcp.experiments.summary import LossCurve, format_value
from mmdepthcp.experiments.verdicts import Verdict
from mmdepthcp.utils.fileio import atomic_path, write_json
from mmdepthcp.utils.processes import claim

JPEG_QUALITY = 92
SHOWN_WIDTH = 1000
MAIN, OTHER, SOFT = '#3d80c8', '#98a2ae', '#7d8590'
"""Colours that can be seen on a light and on a dark page."""
LOOK: Any = {
    'svg.hashsalt': 'report', 'svg.fonttype': 'none', 'font.size': 8, 'text.color': SOFT,
    'axes.labelcolor': SOFT, 'axes.edgecolor': SOFT,
    'xtick.color': SOFT, 'ytick.color': SOFT, 'axes.spines.top': False, 'axes.spines.right': False}


@dataclass
class Figure:
    """Pictures under one caption.

    Attributes:
        caption: what they show.
        pictures: (H, W, 3) uint8, BGR.
    """

    caption: str
    pictures: Sequence[np.ndarray]


@dataclass
class Report:
    """What a report shows.

    Attributes:
        title: its headline.
        summary: sections of named numbers, as in summary.json.
        curves: name → loss curve.
        comparisons: heading → name → value (or None); the others are compared with the first.
        figures: heading → figures.
        missing: sentences about what was not found.
        verdicts: judgements of the stages.
    """

    title: str
    summary: Mapping[str, Mapping[str, float | None]]
    curves: Mapping[str, LossCurve] = field(default_factory=dict)
    comparisons: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    figures: Mapping[str, Sequence[Figure]] = field(default_factory=dict)
    missing: Sequence[str] = ()
    verdicts: Sequence[Verdict] = ()


def write_report(work_dir: Path, report: Report) -> None:
    """Write ``summary.json``, ``report.html`` and, where there are any, ``verdicts.json``.

    Raises:
        InputError: another process has the folder.
    """
    page = render_report(report)
    with claim(work_dir):
        write_json(work_dir / 'summary.json', report.summary)
        if report.verdicts:
            write_json(work_dir / 'verdicts.json', [verdict._asdict() for verdict in report.verdicts])
        with atomic_path(work_dir / 'report.html') as aside:
            aside.write_text(page, encoding='utf-8')


def _svg(canvas: Canvas) -> Markup:
    content = io.StringIO()
    canvas.savefig(content, format='svg', transparent=True, metadata={'Date': None})
    return Markup(content.getvalue()[content.getvalue().index('<svg'):])


def line_chart(curve: LossCurve) -> Markup:
    """A loss curve as SVG."""
    with rc_context(LOOK):
        canvas = Canvas(figsize=(4.6, 2.2), layout='constrained')
        axes = canvas.subplots()
        axes.plot(curve.iterations, curve.losses, color=MAIN, marker='' if len(curve.losses) > 1 else '.')
        axes.set_xlabel('iteration', loc='right')
        return _svg(canvas)


def bar_chart(values: Mapping[str, float | None]) -> Markup:
    """Horizontal bars as SVG, the first in the main colour, with their values; a dash for None."""
    with rc_context(LOOK):
        canvas = Canvas(figsize=(4.6, 0.3 + 0.3 * len(values)), layout='constrained')
        axes = canvas.subplots()
        lengths = [value or 0 for value in values.values()]
        bars = axes.barh(list(values), lengths, color=[MAIN, *[OTHER] * (len(values) - 1)])
        axes.bar_label(bars, list(map(format_value, values.values())), padding=4)
        axes.set_xlim(0, 1.15 * max(*lengths, 0) or 1)
        axes.set_xticks([])
        axes.spines['bottom'].set_visible(False)
        axes.invert_yaxis()
        return _svg(canvas)


def embed(picture: np.ndarray) -> Markup:
    """A BGR picture as an <img> that carries its data; a small one is shown enlarged."""
    done, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise ValueError(f'a picture of shape {picture.shape} and type {picture.dtype} cannot be encoded')
    text = base64.b64encode(data.tobytes()).decode()
    shown = picture.shape[1] * max(1, round(SHOWN_WIDTH / picture.shape[1]))
    return Markup('<img src="data:image/jpeg;base64,{}" width="{}" alt="">').format(text, shown)


def render_report(report: Report) -> str:
    """The report as one HTML document."""
    environment = Environment(
        loader=PackageLoader('mmdepthcp.experiments'), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters.update(number=format_value, bars=bar_chart, line=line_chart, embed=embed)
    return environment.get_template('report.html').render(report=report)
