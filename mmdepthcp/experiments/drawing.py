"""Results of a table as a picture."""

from __future__ import annotations

import math
import os

import pandas as pd

from mmdepthcp.experiments.results import folds_of, look_up, summarise
from mmdepthcp.experiments.tables import Table
from mmdepthcp.utils.fileio import atomic_path


def bar_plot(table: Table, measured: pd.DataFrame, path: str | os.PathLike, folds: bool = True) -> None:
    """Draw one panel for each score of each task, with one bar and its deviation for each pretraining.

    Args:
        table: what is compared.
        measured: scores found, see :func:`mmdepthcp.experiments.results.gather`.
        path: the file.
        folds: whether a complete seed has all folds of its task.
    """
    from matplotlib.figure import Figure

    summary = summarise(measured, folds_of(table, folds))
    panels = [(column, task, score) for column, task in table.tasks.items() for score in task.scores]
    figure = Figure(figsize=(2 + 2.6 * len(panels), 1.2 + 0.34 * len(table.pretrainings)), layout='constrained')
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    labels = [item.title for item in table.pretrainings.values()]
    for axis, (column, task, score) in zip(axes, panels, strict=True):
        for position, row in enumerate(table.pretrainings):
            found = look_up(summary, row, column, score.label)
            if found is not None:
                error = None if math.isnan(found['std']) else found['std']
                axis.barh(position, found['mean'], xerr=error, color='#2f6fb5', capsize=3)
        axis.set_yticks(range(len(labels)), labels)
        axis.set_xlabel(f'{task.label}\n{score.label}')
        axis.spines[['top', 'right']].set_visible(False)
    axes[0].invert_yaxis()
    with atomic_path(path) as aside:
        figure.savefig(aside, dpi=120)
