"""One HTML file that shows an experiment: numbers, curves, pictures. It needs no other file and no network."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from math import floor, log10

import cv2
import numpy as np

from mmdepthcp.experiments.summary import LossCurve, format_value

JPEG_QUALITY = 92
SHOWN_WIDTH = 1000

STYLE = '''
:root { color-scheme: light dark; --page: #fbfbfa; --card: #ffffff; --ink: #1f2328; --soft: #656d76; --line: #d8dee4;
  --series: #2f6fb5; --muted: #b6bec8; }
@media (prefers-color-scheme: dark) { :root { --page: #101214; --card: #181b1f; --ink: #e6e8ea; --soft: #9aa4ae;
  --line: #30363d; --series: #6aa9e9; --muted: #57606a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; }
p { max-width: 46rem; } .soft, figcaption { color: var(--soft); }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.1rem; }
.card h3 { margin: 0 0 .5rem; font-size: .95rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .92rem; }
td { padding: .2rem 0; border-top: 1px solid var(--line); } tr:first-child td { border-top: 0; }
td + td { text-align: right; padding-left: 1rem; }
figure { margin: 0 0 1.5rem; } figcaption { font-size: .92rem; margin-bottom: .4rem; max-width: 46rem; }
img { display: block; max-width: 100%; height: auto; margin-bottom: .5rem; border-radius: 4px; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--soft); font-size: 12px; }
.axis { stroke: var(--line); stroke-width: 1; } .curve { fill: none; stroke: var(--series); stroke-width: 2; }
.reference { stroke: var(--muted); stroke-width: 1.5; stroke-dasharray: 5 4; }
.bar { fill: var(--muted); } .bar.main { fill: var(--series); } svg text.value { fill: var(--ink); }
ul.missing { color: var(--soft); }
'''


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
        bars: heading → name → value (or None); the first bar of a chart is the one that the others are compared with.
        figures: heading → figures.
        missing: sentences about what was not found.
    """

    title: str
    summary: Mapping[str, Mapping[str, float | None]]
    curves: Mapping[str, LossCurve] = field(default_factory=dict)
    bars: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    figures: Mapping[str, Sequence[Figure]] = field(default_factory=dict)
    missing: Sequence[str] = ()


def ticks(low: float, high: float, number: int = 5) -> list[float]:
    """About ``number`` round values from ``low`` to ``high``."""
    if high <= low:
        return [low]
    raw = (high - low) / number
    power = 10.0 ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first = int(np.ceil(low / step - 1e-9))
    last = int(np.floor(high / step + 1e-9))
    return [round(index * step, 12) for index in range(first, last + 1)]


def line_chart(curve: LossCurve, name: str) -> str:
    """A loss curve as SVG, with axes."""
    width, height, left, top, bottom = 560, 260, 56, 12, 34
    x_low, x_high = curve.iterations[0], max(curve.iterations[-1], curve.iterations[0] + 1)
    y_low, y_high = min(curve.losses), max(curve.losses)
    margin = 0.08 * (y_high - y_low) or 0.5
    y_low, y_high = y_low - margin, y_high + margin

    def x(value: float) -> float:
        return left + (value - x_low) / (x_high - x_low) * (width - left - 12)

    def y(value: float) -> float:
        return height - bottom - (value - y_low) / (y_high - y_low) * (height - top - bottom)

    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(name)}">']
    for value in ticks(y_low, y_high):
        parts.append(f'<line class="axis" x1="{left}" x2="{width - 12}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
                     f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in ticks(x_low, x_high):
        parts.append(f'<text x="{x(value):.1f}" y="{height - bottom + 18}" text-anchor="middle">{value:g}</text>')
    points = ' '.join(
        f'{x(step):.1f},{y(loss):.1f}' for step, loss in zip(curve.iterations, curve.losses, strict=True))
    parts.append(f'<polyline class="curve" points="{points}"><title>{escape(name)}: {curve.losses[0]:.4g} → '
                 f'{curve.losses[-1]:.4g}</title></polyline>')
    parts.append(f'<text x="{width - 12}" y="{height - 2}" text-anchor="end">iteration</text></svg>')
    return ''.join(parts)


def bar_chart(values: Mapping[str, float | None]) -> str:
    """Horizontal bars as SVG, the first in the main colour."""
    width, row, left, right = 560, 34, 170, 60
    highest = max((value for value in values.values() if value is not None), default=0) or 1
    parts = [f'<svg viewBox="0 0 {width} {row * len(values)}" role="img">']
    for number, (name, value) in enumerate(values.items()):
        middle = row * number + row / 2
        length = (value or 0) / highest * (width - left - right)
        kind = 'bar main' if number == 0 else 'bar'
        parts.append(f'<text x="{left - 10}" y="{middle + 4}" text-anchor="end">{escape(name)}</text>'
                     f'<rect class="{kind}" x="{left}" y="{middle - 9}" width="{length:.1f}" height="18" rx="3"/>'
                     f'<text class="value" x="{left + length + 8:.1f}" y="{middle + 4}">{format_value(value)}</text>')
    return ''.join(parts) + '</svg>'


def embed(picture: np.ndarray) -> str:
    """A BGR picture as an <img> that carries its data; a small one is shown enlarged."""
    done, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise ValueError(f'a picture of shape {picture.shape} and type {picture.dtype} cannot be encoded')
    text = base64.b64encode(data.tobytes()).decode()
    shown = picture.shape[1] * max(1, round(SHOWN_WIDTH / picture.shape[1]))
    return f'<img src="data:image/jpeg;base64,{text}" width="{shown}" alt="">'


def render_report(report: Report) -> str:
    """The report as one HTML document."""
    parts = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<title>{escape(report.title)}</title><style>{STYLE}</style></head><body><main>',
        f'<h1>{escape(report.title)}</h1>']
    if report.missing:
        items = ''.join(f'<li>{escape(sentence)}</li>' for sentence in report.missing)
        parts.append(f'<p class="soft">Not found:</p><ul class="missing">{items}</ul>')
    parts.append('<h2>Numbers</h2><div class="cards">')
    for section, values in report.summary.items():
        rows = ''.join(f'<tr><td>{escape(name)}</td><td>{format_value(value)}</td></tr>'
                       for name, value in values.items())
        parts.append(f'<div class="card"><h3>{escape(section)}</h3><table>{rows}</table></div>')
    parts.append('</div>')
    if report.bars:
        parts.append('<h2>Compared</h2><div class="cards">')
        parts += [f'<div class="card"><h3>{escape(name)}</h3>{bar_chart(values)}</div>'
                  for name, values in report.bars.items()]
        parts.append('</div>')
    if report.curves:
        parts.append('<h2>Training</h2><div class="cards">')
        parts += [f'<div class="card"><h3>{escape(name)}</h3>{line_chart(curve, name)}</div>'
                  for name, curve in report.curves.items()]
        parts.append('</div>')
    for heading, figures in report.figures.items():
        parts.append(f'<h2>{escape(heading)}</h2>')
        for figure in figures:
            pictures = ''.join(embed(picture) for picture in figure.pictures)
            parts.append(f'<figure><figcaption>{escape(figure.caption)}</figcaption>{pictures}</figure>')
    parts.append('</main></body></html>\n')
    return ''.join(parts)
