"""Compare pretrainings: run a declared table of {pretraining} x {task} x {seed} and write it down.

The table is a config file such as configs/tables/toy.py. What is finished is not run again; interrupt with Ctrl-C, the
same command goes on from there. A run that fails stops only what builds on it, and is named at the end. Into the work
dir go results.csv, results.md, results.png and, in pipeline/, the log of every run.

Many GPUs: each gets its own runs, so that the scores do not depend on their number:

    torchrun --nproc_per_node 8 tools/compare.py TABLE.py
    srun -n 8 --gpus-per-task 1 python tools/compare.py TABLE.py
"""

import argparse
import os
import sys
from pathlib import Path

from mmdepthcp.cli.numbers import seed
from mmdepthcp.cli.tools import checked_work_dir, errors_in_words, hide_known_noise
from mmdepthcp.utils.trees import default_shard, parse_shard

RANK_VARIABLES = (
    'RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'LOCAL_WORLD_SIZE', 'GROUP_RANK', 'MASTER_ADDR', 'MASTER_PORT', 'SLURM_PROCID',
    'SLURM_STEP_NUM_TASKS', 'SLURM_LOCALID')


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
    parser.add_argument('--shard', type=parse_shard, metavar='I/N',
                        help='do every N-th pair of pretraining and seed from the I-th on (I = 0..N-1); default: by '
                             'rank under torchrun or srun')
    return parser.parse_args()


def take_own_gpu() -> None:
    """Leave this process of torchrun one GPU (srun has done so), and let its runs not believe that they are one job."""
    local = os.environ.get('LOCAL_RANK')
    visible = os.environ.get('CUDA_VISIBLE_DEVICES')
    if local is not None:
        devices = visible.split(',') if visible else [str(index) for index in range(int(local) + 1)]
        os.environ['CUDA_VISIBLE_DEVICES'] = devices[int(local) % len(devices)]
    for name in RANK_VARIABLES:
        os.environ.pop(name, None)


def keep_only(table, args: argparse.Namespace):
    """The table with the rows, tasks and seeds asked for."""
    import dataclasses

    from mmdepthcp.utils.errors import InputError

    for asked, known in ((args.rows, table.pretrainings), (args.tasks, table.tasks), (args.seeds, table.seeds)):
        if unknown := [str(name) for name in asked or () if name not in known]:
            raise InputError(f'{table.path}: {", ".join(unknown)} unknown; there are {", ".join(map(str, known))}')
    tasks = {name: task for name, task in table.tasks.items() if name in (args.tasks or table.tasks)}
    pretrainings = {
        name: row if row.tasks is None else dataclasses.replace(row, tasks=tuple(t for t in row.tasks if t in tasks))
        for name, row in table.pretrainings.items() if name in (args.rows or table.pretrainings)}
    return dataclasses.replace(table, tasks=tasks, pretrainings=pretrainings, seeds=tuple(args.seeds or table.seeds))


def write_report(table, work_dir: Path, smoke: bool) -> None:
    """Write the whole table, whatever part of it was run here."""
    from mmdepthcp.experiments.comparison import Planner, bar_plot, comma_separated, gather, markdown
    from mmdepthcp.utils.fileio import atomic_path

    folds = not smoke
    plan = Planner(table, work_dir, smoke).plan()
    measured = gather(table, plan.cells, work_dir)
    text = markdown(table, measured, 1 if smoke else len(table.seeds), folds, about(plan, work_dir))
    for name, content in (('results.csv', comma_separated(measured)), ('results.md', text)):
        with atomic_path(work_dir / name) as aside:
            aside.write_text(content)
    bar_plot(table, measured, work_dir / 'results.png', folds)
    print(f'\n{text}\n{work_dir}/results.md, results.csv, results.png')


def about(plan, work_dir: Path) -> str:
    """Failed stages, commits and machine, for the table."""
    import torch

    from mmdepthcp.experiments.pipeline import FAILED, commits_of, state_of
    from mmdepthcp.utils.markdown import escape_markdown

    failed = [stage.name for stage in plan.stages if state_of(work_dir, stage) == FAILED]
    machine = torch.cuda.get_device_name() if torch.cuda.is_available() else f'{os.cpu_count()} CPU cores, no GPU'
    commits = ', '.join(commits_of(work_dir, plan.stages)) or 'none'
    return (f'Failed: {escape_markdown(", ".join(failed))}.\n\n' if failed else '') + (
        f'Commits of the runs: {commits}. Table written with torch {torch.__version__} on {machine}.')


def main() -> int:
    args = parse_args()
    hide_known_noise()
    with errors_in_words():
        from mmdepthcp.experiments.comparison import Planner, read_table
        from mmdepthcp.experiments.pipeline import run_stages, state_of, wait_for
        from mmdepthcp.utils.processes import claim, is_claimed

        table = read_table(args.table)
        wanted = keep_only(table, args)
        work_dir = checked_work_dir(args.work_dir or Path('work_dirs/tables', Path(args.table).stem))
        work_dir = Path(work_dir, 'smoke') if args.smoke else Path(work_dir)
        index, count = args.shard or default_shard()
        stops_others = 'TORCHELASTIC_RUN_ID' in os.environ
        take_own_gpu()
        plan = Planner(wanted, work_dir, args.smoke).plan()
        if args.list:
            for stage in plan.stages:
                print(f'{stage.name:<40}{state_of(work_dir, stage):<13}{stage.text}')
            return 0
        failures = {}
        if not args.report:
            own = [stage for group in plan.groups[index::count] for stage in group]
            try:
                with claim(work_dir, (index, count)):
                    if index > 0:
                        failures = wait_for(
                            work_dir,
                            [stage for stage in plan.prepare if any(stage in other.upstream for other in own)],
                            lambda: is_claimed(work_dir, (0, count)))
                    else:
                        own = [*plan.prepare, *own]
                    failures = run_stages(work_dir, own, keep_going=True, failed=failures)
            except KeyboardInterrupt:
                print('\ninterrupted; the same command goes on from here', file=sys.stderr)
                return 130
        write_report(table, work_dir, args.smoke)
    for name, error in failures.items():
        print(f'FAILED {name}: {error}', file=sys.stderr)
    # torchrun ends all processes as soon as one of them fails
    return int(bool(failures) and not stops_others)


if __name__ == '__main__':
    sys.exit(main())
