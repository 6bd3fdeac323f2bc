"""Measure how fast the parts are, beside their plain versions, and write the figures down.

    python -m benchmarks grouping --json grouping.json
    python -m benchmarks all --csv docs/results/speed.csv

Every benchmark runs on toy streets that it makes itself, or on a folder (--data) with images/, disparity/, regions/,
labels/ (may be missing) and clips/ (folders of video frames with intrinsics.json), files of the same names in each.
Times are wall-clock seconds: leave the machine alone meanwhile. The plain versions are those of benchmarks/plain/.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mmdepthcp.cli.numbers import above, seed, whole
from mmdepthcp.cli.tools import errors_in_words, register_modules
from mmdepthcp.config.loading import load_config
from mmdepthcp.config.overrides import add_cfg_options
from mmdepthcp.utils.code_version import code_commit

if TYPE_CHECKING:
    from mmengine.config import Config

    from benchmarks import Measurement
    from benchmarks.copy_paste import ItemSettings
    from benchmarks.loss import LossSettings
    from benchmarks.training import StepSettings

CORES = os.cpu_count() or 1


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='benchmark', required=True, metavar='BENCHMARK')

    output = argparse.ArgumentParser(add_help=False)
    output.add_argument('--json', type=Path, metavar='FILE', help='write the rows there')
    output.add_argument('--csv', type=Path, metavar='FILE',
                        help='put the rows there, in place of older ones of the same settings and machine')
    common = argparse.ArgumentParser(add_help=False, parents=[output])
    common.add_argument('--data', type=Path, metavar='DIR', help='work on this folder in place of toy streets')
    common.add_argument('--seed', type=seed, default=0)
    common.add_argument('--repeats', type=whole(1), metavar='N', help='timed runs')
    common.add_argument('--warmup', type=whole(0), default=1, metavar='N', help='runs before; default %(default)s')
    plain = argparse.ArgumentParser(add_help=False)
    plain.add_argument('--no-plain', action='store_true', help='leave the plain version out')
    plain.add_argument('--plain-repeats', type=whole(1), default=3, metavar='N',
                       help='its timed runs; default %(default)s')
    one_thread = argparse.ArgumentParser(add_help=False)
    one_thread.add_argument('--threads', type=whole(1), default=1, help='default %(default)s')
    all_threads = argparse.ArgumentParser(add_help=False)
    all_threads.add_argument('--threads', type=whole(1), default=CORES, help='default: all cores (%(default)s)')
    item = argparse.ArgumentParser(add_help=False)
    item.add_argument('--images', type=whole(1), default=8, metavar='M', help='images of an item; default %(default)s')
    item.add_argument('--size', type=whole(1), nargs=2, default=(768, 384), metavar=('W', 'H'), help='default 768 384')
    item.add_argument('--points', type=whole(1), nargs=2, default=(7200, 4000), metavar=('REGION', 'PIXEL'),
                      help='positions per view; default 7200 4000')
    problem = argparse.ArgumentParser(add_help=False)
    problem.add_argument('--samples', type=whole(1), nargs=2, default=(115_200, 110_000), metavar=('REGION', 'PIXEL'),
                         help='default 115200 110000')
    problem.add_argument('--prototypes', type=whole(1), default=1000, help='default %(default)s')
    problem.add_argument('--dims', type=whole(1), default=128, help='default %(default)s')
    network = argparse.ArgumentParser(add_help=False)
    network.add_argument('--config', help='default: the setting of the paper on a GPU, a small one on a CPU')
    network.add_argument('--toy-images', type=whole(1), default=16, metavar='N', help='toy images to make; default 16')
    network.add_argument('--toy-size', type=whole(1), nargs=2, default=(1024, 512), metavar=('W', 'H'),
                         help='of the toy images; default 1024 512')
    add_cfg_options(network)
    device = argparse.ArgumentParser(add_help=False)
    device.add_argument('--device', default='cpu', help='default %(default)s')
    device.add_argument('--num-workers', type=whole(0), default=min(CORES, 8),
                        help='of the loader; default %(default)s')
    device.add_argument('--amp', action='store_true', help='mixed precision')
    device.add_argument('--channels-last', action=argparse.BooleanOptionalAction,
                        help="memory format of the weights; default: the model's own")
    device.add_argument('--compile', action='store_true', help='compile the networks with torch.compile')

    def add(name: str, words: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=words, description=words, parents=[*parents])

    parts = add('grouping', 'depth regions of an image, beside the plain version', common, plain, one_thread)
    parts.add_argument('--size', type=whole(1), nargs=2, default=(1024, 512), metavar=('W', 'H'),
                       help='default 1024 512')
    parts.add_argument('--superpixels', type=whole(1), default=10000, help='default %(default)s')
    parts.add_argument('--images', type=whole(1), default=4, help='images that take turns; default %(default)s')
    parts.add_argument('--processes', type=whole(1), nargs='*', default=[1, 2], metavar='N',
                       help='scaling over so many processes; default 1 2')
    parts.add_argument('--tasks', type=whole(1), default=32, metavar='N', help='images for them; default %(default)s')
    add('copy_paste', 'mixed views and matches of an item, beside the plain version', common, plain, one_thread, item)
    parts = add('loss', 'swapped prediction forward and backward, beside the plain version', common, plain, all_threads,
                problem)
    parts.add_argument('--device', default='cpu', help='default %(default)s')
    parts.add_argument('--half', action='store_true', help='features in half precision')
    add('depth', 'training and inference of depth, beside the bare networks', common, all_threads, network, device)
    add('train_step', 'a step of pretraining, beside the bare network', common, all_threads, network, device)
    add('unsup_eval', 'unsupervised segmentation with its metric', common, all_threads, network, device)
    parts = add('loading', 'training items from files, for several numbers of workers', common, one_thread, network)
    parts.add_argument('--workers', type=whole(0), nargs='+', default=[0, 1, 2], metavar='N', help='default 0 1 2')
    parts = add('depthg', 'farthest points, hidden positives, neighbours, a step on kept features, the random field',
                common, one_thread)
    parts.add_argument('--plain-repeats', type=whole(1), default=3, metavar='N',
                       help='timed runs of the plain versions; default %(default)s')
    parts.add_argument('--images', type=whole(1), default=20_000, metavar='N',
                       help='items of the neighbour search; default %(default)s')
    parts = add('pixpro', 'depth of cells, pairs with their loss beside a step, memory', common, one_thread)
    parts.add_argument('--plain-repeats', type=whole(1), default=3, metavar='N',
                       help='timed runs of the plain version and of whole steps; default %(default)s')
    parts.add_argument('--stride', type=int, choices=[8, 16, 32], default=32,
                       help='of the level that is compared; default %(default)s')
    parts = add('semi', 'a step with a mean teacher and mixed images, beside two supervised ones', common, one_thread)
    parts.add_argument('--config', default='configs/semi/depthmix_toy.py', help='default %(default)s')
    parts.add_argument('--images', type=whole(1), default=4, metavar='N',
                       help='with labels, and as many without; default %(default)s')
    parts.add_argument('--size', type=whole(32), nargs=2, default=(192, 96), metavar=('W', 'H'), help='default 192 96')
    add_cfg_options(parts)
    parts = add('select', 'images to label, features given, beside the whole matrix of distances', common, one_thread)
    parts.add_argument('--plain-repeats', type=whole(1), default=3, metavar='N',
                       help='timed runs of the plain version; default %(default)s')
    parts.add_argument('--images', type=whole(400), default=10_000, metavar='N', help='default %(default)s')
    parts = add('growth', 'time and memory against sizes', common, one_thread, item, problem)
    parts.add_argument('--factors', type=above(0), nargs='+', default=[0.25, 0.5, 1, 2], metavar='X',
                       help='times the standard sizes; default 0.25 0.5 1 2')
    parts.add_argument('--series', nargs='+', metavar='NAME', help='only these, such as grouping or loss/samples')
    parts = add('all', 'every benchmark with its default settings, each in its own process', output)
    parts.add_argument('--device', default='cpu', help='of the networks and the loss; default %(default)s')
    parts = add('estimate', 'what larger data sets will cost, from the figures in a results file')
    parts.add_argument('results', type=Path, metavar='CSV')
    parts.add_argument('--images', type=whole(1), nargs='+', default=[150_000, 1_000_000], metavar='N',
                       help='default 150000 1000000')
    return parser.parse_args()


def toy_or_given(stack: ExitStack, args: argparse.Namespace, num_images: int, size: Sequence[int]) -> Path:
    """The folder to work on, until the stack is closed."""
    from benchmarks.measuring import set_threads
    from benchmarks.streets import street_folder

    set_threads(args.threads)
    width, height = size
    return stack.enter_context(street_folder(args.data, num_images, (width, height), args.seed))


def item_settings(args: argparse.Namespace) -> ItemSettings:
    from benchmarks.copy_paste import ItemSettings

    return ItemSettings(args.images, tuple(args.size), region_points=args.points[0], pixel_points=args.points[1])


def loss_settings(args: argparse.Namespace) -> LossSettings:
    register_modules()
    from benchmarks.loss import LossSettings
    from benchmarks.measuring import set_threads

    set_threads(args.threads)
    # memory is measured in fresh processes: one imports what all need
    multiprocessing.set_forkserver_preload(['benchmarks.growth'])
    return LossSettings(args.samples[0], args.samples[1], prototypes=args.prototypes, dims=args.dims)


def step_settings(args: argparse.Namespace, steps: int) -> StepSettings:
    from benchmarks.training import StepSettings

    return StepSettings(args.device, args.amp, args.channels_last, args.compile, args.num_workers,
                        args.repeats or steps, args.warmup)


def network_config(args: argparse.Namespace, paper: str, small: str) -> Config:
    """The config that was asked for, with everything registered that it may name."""
    register_modules()
    on_gpu = getattr(args, 'device', 'cpu') != 'cpu'
    return load_config(args.config or (paper if on_gpu else small), args.cfg_options)


def depthcp_config(args: argparse.Namespace) -> Config:
    return network_config(args, 'configs/depthcp_cityscapes.py', 'configs/depthcp_toy.py')


def grouping(args: argparse.Namespace, stack: ExitStack) -> list[Measurement]:
    from benchmarks.grouping import measure_grouping, measure_scaling

    folder, size = toy_or_given(stack, args, args.images, args.size), tuple(args.size)
    rows = measure_grouping(folder, size, args.superpixels, args.images, args.repeats or 20, args.warmup,
                            not args.no_plain, args.seed)
    if args.processes:
        rows += measure_scaling(folder, size, args.superpixels, args.images, args.processes, args.tasks, seed=args.seed)
    return rows


def copy_paste(args: argparse.Namespace, stack: ExitStack) -> list[Measurement]:
    from benchmarks.copy_paste import measure_copy_paste

    folder = toy_or_given(stack, args, args.images, args.size)
    return measure_copy_paste(folder, item_settings(args), args.repeats or 20, args.warmup, not args.no_plain,
                              args.plain_repeats, args.seed)


def loss(args: argparse.Namespace, stack: ExitStack) -> list[Measurement]:
    settings = replace(loss_settings(args), half=args.half, device=args.device)
    from benchmarks.loss import measure_loss

    return measure_loss(settings, args.repeats or 10, args.warmup, not args.no_plain, args.plain_repeats, args.threads,
                        args.seed)


def growth(args: argparse.Namespace, stack: ExitStack) -> list[Measurement]:
    settings = loss_settings(args)
    from benchmarks.growth import SERIES, measure_growth

    folder = toy_or_given(stack, args, round(max(args.factors) * args.images), args.size)
    return measure_growth(folder, item_settings(args), settings, args.factors, args.repeats or 5, args.threads,
                          args.seed, args.series or SERIES)


def depth(args: argparse.Namespace, stack: ExitStack) -> list[Measurement]:
    config = network_config(args, 'configs/monodepth/monodepth_r18_cityscapes.py', 'configs/monodepth/monodepth_toy.py')
    from benchmarks.training import measure_inference, measure_step

    folder, settings = toy_or_given(stack, args, args.toy_images, args.toy_size), step_settings(args, 20)
    return [measure_step('depth/train', config, folder, settings, args.threads, args.seed),
            measure_inference('depth/inference', config, folder, settings, args.threads, args.seed)]


def train_step(args: argparse.Namespace, stack: ExitStack) -> list[Measurement]:
    config = depthcp_config(args)
    from benchmarks.training import measure_step

    folder = toy_or_given(stack, args, args.toy_images, args.toy_size)
    return [measure_step('train_step', config, folder, step_settings(args, 20), args.threads, args.seed)]


def unsup_eval(args: argparse.Namespace, stack: ExitStack) -> list[Measurement]:
    config = depthcp_config(args)
    from benchmarks.training import measure_unsupervised_evaluation

    folder = toy_or_given(stack, args, args.toy_images, args.toy_size)
    return [measure_unsupervised_evaluation(config, folder, step_settings(args, 50), args.threads, args.seed)]


def loading(args: argparse.Namespace, stack: ExitStack) -> list[Measurement]:
    config = load_config(args.config or 'configs/depthcp_cityscapes.py', args.cfg_options)
    register_modules()
    from benchmarks.training import measure_loading

    folder = toy_or_given(stack, args, args.toy_images, args.toy_size)
    return measure_loading(config, folder, args.workers, args.repeats or 16, args.seed)


def depthg(args: argparse.Namespace, stack: ExitStack) -> list[Measurement]:
    register_modules()
    from benchmarks.depthg import DepthGSettings, measure_depthg
    from benchmarks.measuring import set_threads

    set_threads(args.threads)
    return measure_depthg(DepthGSettings(images=args.images), args.repeats or 10, args.warmup, args.plain_repeats,
                          args.threads, args.seed)


def pixpro(args: argparse.Namespace, stack: ExitStack) -> list[Measurement]:
    register_modules()
    from benchmarks.measuring import set_threads
    from benchmarks.pixpro import PixProSettings, measure_pixpro

    set_threads(args.threads)
    return measure_pixpro(PixProSettings(stride=args.stride), args.repeats or 10, args.warmup, args.plain_repeats,
                          args.threads, args.seed)


def semi(args: argparse.Namespace, stack: ExitStack) -> list[Measurement]:
    register_modules()
    from benchmarks.measuring import set_threads
    from benchmarks.semi import SemiSettings, measure_semi

    set_threads(args.threads)
    width, height = args.size
    return measure_semi(load_config(args.config, args.cfg_options), SemiSettings(args.images, (height, width)),
                        args.repeats or 10, args.warmup, args.threads, args.seed)


def select(args: argparse.Namespace, stack: ExitStack) -> list[Measurement]:
    register_modules()
    from benchmarks.measuring import set_threads
    from benchmarks.selection import SelectionSettings, measure_selection

    set_threads(args.threads)
    return measure_selection(SelectionSettings(args.images), args.repeats or 10, args.warmup, args.plain_repeats,
                             args.threads, args.seed)


BENCHMARKS = dict(grouping=grouping, copy_paste=copy_paste, loss=loss, depth=depth, train_step=train_step,
                  unsup_eval=unsup_eval, loading=loading, growth=growth, depthg=depthg, pixpro=pixpro, semi=semi,
                  select=select)


def run_all(args: argparse.Namespace) -> int:
    """Run every benchmark in a process of its own; go on after one that fails."""
    from benchmarks.measuring import read_rows
    from mmdepthcp.utils.errors import InputError
    from mmdepthcp.utils.fileio import write_json

    if not args.csv:
        raise InputError('all: name the file for the rows with --csv')
    failed = []
    for name in BENCHMARKS:
        print(f'== {name}', flush=True)
        words = [sys.executable, '-m', 'benchmarks', name, '--csv', str(args.csv)]
        if args.device != 'cpu' and name in ('loss', 'depth', 'train_step', 'unsup_eval'):
            words += ['--device', args.device]
            words += ['--amp', '--channels-last'] if name in ('depth', 'train_step') else []
        if subprocess.run(words).returncode:
            failed.append(name)
    if args.json:
        write_json(args.json, read_rows(args.csv))
    if failed:
        print(f'failed: {", ".join(failed)}', file=sys.stderr)
    return int(bool(failed))


def main() -> int:
    args = parse_args()
    with errors_in_words():
        if args.benchmark == 'all':
            return run_all(args)
        if args.benchmark == 'estimate':
            from benchmarks.estimate import Plan, as_text, rates_from_rows
            from benchmarks.measuring import read_rows

            rates = rates_from_rows(read_rows(args.results))
            print('\n\n'.join(as_text(rates, Plan(images)) for images in args.images))
            return 0

        from benchmarks.measuring import as_table, describe_machine, write_rows
        from mmdepthcp.utils.fileio import write_json

        commit, machine = code_commit(7), describe_machine(getattr(args, 'device', 'cpu'))
        with ExitStack() as stack:
            rows = [replace(row, commit=commit, machine=machine) for row in BENCHMARKS[args.benchmark](args, stack)]
        print(as_table(rows))
        if args.json:
            write_json(args.json, [vars(row) for row in rows])
        if args.csv:
            write_rows(rows, args.csv)
    return 0


if __name__ == '__main__':
    sys.exit(main())
