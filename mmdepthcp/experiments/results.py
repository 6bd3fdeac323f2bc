"""Results of a table: the scores of its runs, their means, and the table as text."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping

import pandas as pd

from mmdepthcp.experiments.plans import Cell
from mmdepthcp.experiments.records import FINISHED, state_of
from mmdepthcp.experiments.tables import Table
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.markdown import escape_markdown, table_row
from mmdepthcp.utils.scores import find_score, read_scores

COLUMNS = ['pretraining', 'task', 'score', 'seed', 'fold', 'value', 'unit', 'protocol']
ROUNDING = 1e-3
"""How far the same score may be from itself, after it was written down."""
NOT_DONE, NOT_APPLICABLE, NOT_AVAILABLE = '…', '–', 'n/a'


def gather(table: Table, cells: Iterable[Cell], work_dir: str | os.PathLike) -> pd.DataFrame:
    """The scores of the runs that are finished.

    Returns:
        A row for every score of every run, in the table's unit: ``pretraining``, ``task``, ``score``, ``seed``,
        ``fold``, ``value``, ``unit``, ``protocol``.

    Raises:
        InputError: a file of scores lacks the score that the table names.
    """
    rows = []
    for cell in cells:
        if state_of(work_dir, cell.stage) == FINISHED:
            found = read_scores(cell.scores)
            for score in table.tasks[cell.column].scores:
                if score.optional and all(each.name != score.key for each in found):
                    continue
                measured = find_score(found, score.key, cell.scores)
                rows.append((cell.row, cell.column, score.label, cell.seed, cell.fold, measured.in_unit(score.unit),
                             score.unit, measured.protocol))
    return pd.DataFrame(rows, columns=COLUMNS)


def with_files(table: Table, measured: pd.DataFrame, files: Iterable[str | os.PathLike]) -> pd.DataFrame:
    """Scores together with those that other places have measured of the same table, as :func:`comma_separated` writes
    them; lines of other pretrainings or tasks are left out, and what is there twice counts as it was found first.

    Raises:
        InputError: a file is missing or no such file, none of its lines is of the table, or it says something else
            about a run than another one does.
    """
    run, kept = COLUMNS[:5], measured.assign(source='the work dir')
    for file in files:
        try:
            found = pd.read_csv(file)
        except (OSError, ValueError) as error:
            raise InputError(f'{file}: cannot be read as results ({error}); give a results.csv of compare.py') from None
        if list(found.columns) != COLUMNS:
            raise InputError(f'{file}: has not the columns of a results.csv of compare.py, {", ".join(COLUMNS)}')
        of_table = found['pretraining'].isin(list(table.pretrainings)) & found['task'].isin(list(table.tasks))
        if not of_table.any():
            raise InputError(f'{file}: no line is of a pretraining and a task of {table.path}')
        both = kept.merge(found[of_table], on=run, suffixes=('', '_here'))
        if (differ := both[(both['value'] - both['value_here']).abs() > ROUNDING]).size:
            first = differ.iloc[0]
            raise InputError(
                f'{file}: {first["pretraining"]}, {first["task"]}, seed {first["seed"]}: {first["score"]} is '
                f'{first["value_here"]:g}, but {first["value"]:g} in {first["source"]}; leave one out')
        kept = pd.concat([kept, found[of_table].assign(source=str(file))]).drop_duplicates(run)
    return kept[COLUMNS].reset_index(drop=True)


def _of_seeds(measured: pd.DataFrame, folds: Mapping[str, int]) -> pd.Series:
    """Means over folds of the complete seeds, by pretraining, task, score, seed."""
    of_seed = measured.groupby(['pretraining', 'task', 'score', 'seed'])['value'].agg(['mean', 'count'])
    return of_seed.loc[of_seed['count'] == of_seed.index.get_level_values('task').map(folds), 'mean']


def summarise(measured: pd.DataFrame, folds: Mapping[str, int]) -> pd.DataFrame:
    """Means over seeds of the means over folds.

    Args:
        measured: see :func:`gather`.
        folds: number of folds of each task; a seed that lacks one does not count.

    Returns:
        For each (pretraining, task, score): ``mean``; ``std``, the sample standard deviation, NaN for one seed;
        ``count``, how many seeds are complete.
    """
    return _of_seeds(measured, folds).groupby(['pretraining', 'task', 'score']).agg(['mean', 'std', 'count'])


def differences(measured: pd.DataFrame, row: str, folds: Mapping[str, int]) -> pd.DataFrame:
    """How far pretrainings are above one of them, seed by seed: what seeds have in common takes no part.

    Args:
        measured: see :func:`gather`.
        row: the pretraining that all are compared with.
        folds: see :func:`summarise`.

    Returns:
        For each (pretraining, task, score): ``mean`` of the differences, ``std``, ``count``, how many seeds both have,
        and ``above``, in how many of them the pretraining has more.
    """
    of_seed = _of_seeds(measured, folds).unstack('pretraining')
    others = of_seed.drop(columns=row).sub(of_seed[row], axis=0).melt(ignore_index=False).dropna()
    grouped = others.groupby(['pretraining', 'task', 'score'])['value']
    return grouped.agg(['mean', 'std', 'count']).assign(above=grouped.agg(lambda values: (values > 0).sum()))


def format_summary(found: pd.Series | None) -> str:
    """``21.4 ± 0.8``, without the deviation for one seed; an ellipsis where there is nothing."""
    if found is None:
        return NOT_DONE
    return f'{found["mean"]:.1f}' + ('' if math.isnan(found['std']) else f' ± {found["std"]:.1f}')


def markdown(table: Table, measured: pd.DataFrame, seeds: int, folds: bool = True, note: str = '') -> str:
    """The table in the layout of the paper: pretraining, perhaps what it starts from, what it was trained on, one
    column for each task.

    Args:
        table: what is compared.
        measured: scores found.
        seeds: how many seeds a complete cell has.
        folds: whether a complete cell has all folds of its task.
        note: a last line.
    """
    summary = summarise(measured, folds_of(table, folds))
    starts = any(pretraining.init for pretraining in table.pretrainings.values())
    heads = ['pretraining', *(['init'] if starts else []), 'trained on', *(
        f'{task.label}, {" / ".join(score.label for score in task.scores)}' for task in table.tasks.values())]
    lines = [f'# {escape_markdown(table.title)}', '', table_row(heads), table_row(['---'] * len(heads))]
    incomplete, unavailable = [], []
    for row, pretraining in table.pretrainings.items():
        obstacle = pretraining.obstacle()
        texts = [pretraining.label, *([pretraining.init or NOT_APPLICABLE] if starts else []), pretraining.trained_on]
        short = []
        for column, task in table.tasks.items():
            if column not in table.columns(row):
                texts.append(NOT_APPLICABLE)
            elif obstacle is not None:
                texts.append(NOT_AVAILABLE)
            else:
                found = [look_up(summary, row, column, score.label) for score in task.scores]
                begun = any(item is not None for item in found)
                absent = [begun and item is None and score.optional
                          for item, score in zip(found, task.scores, strict=True)]
                texts.append(' / '.join(NOT_APPLICABLE if lacks else format_summary(item)
                                        for item, lacks in zip(found, absent, strict=True)))
                done = min(0 if item is None else int(item['count'])
                           for item, lacks in zip(found, absent, strict=True) if not lacks)
                if done < seeds:
                    short.append(f'{task.label} {done}')
        if obstacle is not None:
            unavailable.append(f'{pretraining.title}: {obstacle}')
        if short:
            incomplete.append(f'{pretraining.title}: {", ".join(short)}')
        lines.append(table_row(texts))
    lines += ['', f'Mean{" ± sample standard deviation" if seeds > 1 else ""} over {seeds} seed(s).']
    if unavailable:
        lines += ['', 'Not available: ' + escape_markdown('; '.join(unavailable)) + '.']
    if incomplete:
        lines += ['', f'Seeds done where not all {seeds} are: ' + escape_markdown('; '.join(incomplete)) + '.']
    return '\n'.join([*lines, *(['', note] if note else [])]) + '\n'


def markdown_differences(table: Table, measured: pd.DataFrame, row: str, folds: bool = True) -> str:
    """A table of :func:`differences`: mean ± deviation, and in how many of how many seeds the row is above.

    Args:
        table, measured, folds: see :func:`markdown`.
        row: the pretraining that all are compared with.
    """
    found = differences(measured, row, folds_of(table, folds))
    columns = [(column, score.label) for column, task in table.tasks.items() for score in task.scores]
    heads = ['pretraining', *(f'{table.tasks[column].label}, {label}' for column, label in columns)]
    title = escape_markdown(table.pretrainings[row].title)
    lines = [f'Differences from {title} with the same seed, and how many seeds are above it:', '', table_row(heads),
             table_row(['---'] * len(heads))]
    for name, pretraining in table.pretrainings.items():
        items = [look_up(found, name, column, label) for column, label in columns]
        if name != row and any(item is not None for item in items):
            lines.append(table_row([pretraining.title, *(
                NOT_DONE if item is None else
                f'{"+" if item["mean"] > 0 else ""}{format_summary(item)} ({item["above"]:.0f} of {item["count"]:.0f})'
                for item in items)]))
    return '\n'.join(lines) + '\n'


def folds_of(table: Table, folds: bool = True) -> dict[str, int]:
    """How many folds a complete seed of each task has; one where ``folds`` is False."""
    return {name: task.folds if folds else 1 for name, task in table.tasks.items()}


def look_up(summary: pd.DataFrame, row: str, column: str, score: str) -> pd.Series | None:
    """What :func:`summarise` found for a cell, None if nothing."""
    key = (row, column, score)
    return summary.loc[key] if key in summary.index else None


def comma_separated(measured: pd.DataFrame) -> str:
    """One line for every score of every run."""
    return measured.to_csv(index=False, float_format='%.4f', lineterminator='\n')
