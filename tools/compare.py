"""Compare pretrainings: run a declared table of {pretraining} x {task} x {seed} and write it down.

The table is a config file such as configs/tables/toy.py. What is finished is not run again; interrupt with Ctrl-C, the
same command goes on from there. A run that fails stops only what builds on it, and is named at the end. Into the work
dir go results.csv, results.md, results.png and, in pipeline/, the log of every run.

A table can be measured in parts, such as one seed a machine: --seeds 0 on one, --seeds 1 on another, and
--report --results with the results.csv of both.

Every run is one process, so that the scores do not depend on how many go at once: --jobs 8 on a machine with 8 GPUs,
--launcher slurm --jobs 40 on a cluster.
"""

import argparse
import os
import sys
from pathlib import Path

from mmdepthcp.cli.numbers import seed
from mmdepthcp.cli.stage_options import add_stage_options, launcher_words
from mmdepthcp.cli.tools import add_quiet, checked_work_dir, errors_in_words, hide_known_noise


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('table', metavar='TABLE.py')
    parser.add_argument('--work-dir', help='where everything goes; default work_dirs/tables/<name of the table>')
    parser.add_argument('--smoke', action='store_true',
                        help='two iterations and two images for every cell, one seed, in <work dir>/smoke')
    parser.add_argument('--rows', nargs='+', metavar='NAME', help='run these pretrainings only')
    parser.add_argument('--tasks', nargs='+', metavar='NAME', help='run these tasks only')
    parser.add_argument('--seeds', nargs='+', type=seed, metavar='SEED', help='run these seeds only')
    parser.add_argument('--list', action='store_true', help='show the stages and their state, run nothing')
    parser.add_argument('--report', action='store_true', help='write the table of what is finished, run nothing')
    parser.add_argument('--results', nargs='+', metavar='CSV', default=[],
                        help='take in what was measured elsewhere, results.csv of the same table: other seeds, or rows')
    parser.add_argument('--against', metavar='NAME',
                        help='add how far all pretrainings are above this one, seed by seed')
    add_stage_options(parser)
    add_quiet(parser)
    return parser.parse_args()


def keep_only(table, args: argparse.Namespace):
    """The table with the rows, tasks and seeds asked for."""
    import dataclasses

    from mmdepthcp.utils.errors import InputError

    against = [args.against] if args.against else []
    for asked, known in ((args.rows, table.pretrainings), (against, table.pretrainings), (args.tasks, table.tasks),
                         (args.seeds, table.seeds)):
        if unknown := [str(name) for name in asked or () if name not in known]:
            raise InputError(f'{table.path}: {", ".join(unknown)} unknown; there are {", ".join(map(str, known))}')
    tasks = {name: task for name, task in table.tasks.items() if name in (args.tasks or table.tasks)}
    pretrainings = {
        name: row if row.tasks is None else dataclasses.replace(row, tasks=tuple(t for t in row.tasks if t in tasks))
        for name, row in table.pretrainings.items() if name in (args.rows or table.pretrainings)}
    return dataclasses.replace(table, tasks=tasks, pretrainings=pretrainings, seeds=tuple(args.seeds or table.seeds))


def write_report(table, wanted, work_dir: Path, args: argparse.Namespace) -> None:
    """Write the whole table, whatever part of it was run here; the wanted part where the rest cannot be planned."""
    from mmdepthcp.experiments.drawing import bar_plot
    from mmdepthcp.experiments.plans import Planner
    from mmdepthcp.experiments.results import comma_separated, gather, markdown, markdown_differences, with_files
    from mmdepthcp.utils.errors import InputError
    from mmdepthcp.utils.fileio import atomic_path

    folds = not args.smoke
    try:
        plan = Planner(table, work_dir, args.smoke).plan()
    except InputError as error:
        print(f'The table holds what was asked for alone: {error}', file=sys.stderr)
        table, plan = wanted, Planner(wanted, work_dir, args.smoke).plan()
    measured = with_files(table, gather(table, plan.cells, work_dir), args.results)
    text = markdown(table, measured, 1 if args.smoke else len(table.seeds), folds, about(plan, work_dir))
    if args.against in measured['pretraining'].values:
        text += f'\n{markdown_differences(table, measured, args.against, folds)}'
    for name, content in (('results.csv', comma_separated(measured)), ('results.md', text)):
        with atomic_path(work_dir / name) as aside:
            aside.write_text(content)
    bar_plot(table, measured, work_dir / 'results.png', folds)
    print(f'\n{text}\n{work_dir}/results.md, results.csv, results.png')


def about(plan, work_dir: Path) -> str:
    """Failed stages, commits and machine, for the table."""
    import torch

    from mmdepthcp.experiments.records import FAILED, commits_of, state_of
    from mmdepthcp.utils.markdown import escape_markdown

    failed = [stage.name for stage in plan.stages if state_of(work_dir, stage) == FAILED]
    machine = torch.cuda.get_device_name() if torch.cuda.is_available() else f'{os.cpu_count()} CPU cores, no GPU'
    commits = ', '.join(commits_of(work_dir, plan.stages)) or 'none'
    return (f'Failed: {escape_markdown(", ".join(failed))}.\n\n' if failed else '') + (
        f'Commits of the runs: {commits}. Table written with torch {torch.__version__} on {machine}.')


def main() -> int:
    args = parse_args()
    hide_known_noise()
    with errors_in_words(args.quiet):
        from mmdepthcp.experiments.engine import run_stages
        from mmdepthcp.experiments.plans import Planner
        from mmdepthcp.experiments.records import state_of
        from mmdepthcp.experiments.tables import read_table
        from mmdepthcp.utils.processes import claim

        table = read_table(args.table)
        wanted = keep_only(table, args)
        work_dir = checked_work_dir(args.work_dir or Path('work_dirs/tables', Path(args.table).stem))
        work_dir = Path(work_dir, 'smoke') if args.smoke else Path(work_dir)
        plan = Planner(wanted, work_dir, args.smoke).plan()
        if args.list:
            for stage in plan.stages:
                print(f'{stage.name:<40}{state_of(work_dir, stage):<13}{stage.text}')
            return 0
        failures = {}
        if not args.report:
            with claim(work_dir):
                failures = run_stages(
                    work_dir, plan.stages, keep_going=True, jobs=args.jobs, launcher=launcher_words(args))
        write_report(table, wanted, work_dir, args)
    for name, error in failures.items():
        print(f'FAILED {name}: {error}', file=sys.stderr)
    return int(bool(failures))


if __name__ == '__main__':
    sys.exit(main())
