"""How the similarities of features and of codes are distributed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

BINS = 80
TITLES = {'self': 'an image with itself', 'neighbour': 'with a neighbour', 'negative': 'with another image'}


def draw_similarities(found: Mapping[str, tuple[np.ndarray, np.ndarray]], shifts: Mapping[str, float]) -> np.ndarray:
    """Histograms side by side, one for each kind of pair: (H, W, 3) uint8, RGB.

    Args:
        found: correlations of features and of codes, each (N,), by kind of pair.
        shifts: what the loss takes off the former, by kind of pair.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(found), 3), layout='constrained')
    canvas = FigureCanvasAgg(figure)
    for axes, (name, pair) in zip(np.atleast_1d(figure.subplots(1, len(found))), found.items(), strict=True):
        ends = min(-1., *(values.min() for values in pair)), max(1., *(values.max() for values in pair))
        for values, label in zip(pair, ('features', 'codes'), strict=True):
            axes.hist(values, BINS, ends, density=True, histtype='step', label=label)
        axes.axvline(shifts[name], color='grey', linestyle=':', label='shift b')
        axes.set(title=TITLES.get(name, name), xlabel='correlation', yticks=[])
        axes.legend(fontsize='small')
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
