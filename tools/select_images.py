"""Choose the images of a folder that are worth labels:

    python tools/select_images.py CONFIG CHECKPOINT IMAGES OUTPUT --budget 100 --student STUDENT_CONFIG

CONFIG and CHECKPOINT are those of a depth network (tools/train.py, configs/monodepth); its features tell how far images
are from each other, its disparity is what the student (configs/selection) learns. The methods:

    both        far from what is chosen, and difficult for a student that learnt depth from what is chosen
    diversity   far from what is chosen, in one round; needs no student. CONFIG may be of any network with a backbone
    difficulty  difficult for the student; the first round is random
    entropy     CONFIG and CHECKPOINT are of a segmentor of MMSegmentation: the images of which it is least sure, in one
                round
    random      for comparison; without CONFIG and CHECKPOINT

OUTPUT/selection.json holds the images in their order, with round, distance and error. OUTPUT/selected_N.txt lists the
first N of them, one file for each round, to be used as ann_file. OUTPUT/selection.html shows them, for those who label.
An interrupted selection goes on when it is started again, within a training of the student too; several processes
(torchrun, Slurm, --shard) share features and errors, the first trains.
"""

import argparse
import sys
from pathlib import Path

from mmdepthcp.cli.numbers import above, seed, whole
from mmdepthcp.cli.tools import add_quiet, errors_in_words, hide_known_noise
from mmdepthcp.config.loading import load_config
from mmdepthcp.config.overrides import add_cfg_options
from mmdepthcp.utils.trees import default_shard, local_device, parse_shard

METHODS = ('both', 'diversity', 'difficulty', 'random', 'entropy')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        usage='%(prog)s [options] --budget N CONFIG CHECKPOINT IMAGES OUTPUT\n'
              '       %(prog)s [options] --budget N --method random IMAGES OUTPUT')
    parser.add_argument('paths', nargs='+', metavar='PATH', help='[CONFIG CHECKPOINT] IMAGES OUTPUT')
    parser.add_argument('--budget', type=whole(1), required=True, metavar='N',
                        help='how many images to choose, beside those that have labels')
    parser.add_argument('--method', choices=METHODS, default='both', help='default %(default)s')
    parser.add_argument('--rounds', type=whole(1), nargs='+', default=[], metavar='N',
                        help='how many are chosen after each round; default: 25 50 100 200 372 744, up to the budget')
    parser.add_argument('--seed', type=seed, default=0, help='of the first images and of the students; default 0')
    parser.add_argument('--labelled', metavar='LIST',
                        help='text file of images that have labels, one a line, relative to IMAGES; they count as '
                             'chosen')
    parser.add_argument('--among', metavar='LIST',
                        help='text file of the images to choose from; default: all of IMAGES')
    parser.add_argument('--student', metavar='CONFIG', help='config of the student, such as those in configs/selection')
    parser.add_argument('--student-options', nargs='+', action='extend', metavar='KEY=VALUE', default=[],
                        help='override settings of that config')
    parser.add_argument('--disparity', type=Path, metavar='DIR',
                        help='disparity that the student learns, of all images, as tools/infer_depth.py writes it; '
                             'default: that of the network')
    parser.add_argument('--error-weight', type=above(0), default=1000., metavar='X',
                        help='how much the error of the student counts beside distances, of --method both; default '
                             '%(default)g')
    parser.add_argument('--features', metavar='NAME',
                        help='decoder0 .. decoder4 of depth networks (default decoder3), backbone (default of others), '
                             'neck or decode_head')
    parser.add_argument('--grid', type=whole(1), nargs=2, default=(4, 8), metavar=('ROWS', 'COLUMNS'),
                        help='features are averaged over the cells of this grid; default 4 8')
    parser.add_argument('--batch-size', type=whole(1), default=1, help='images at once; default %(default)s')
    parser.add_argument('--num-workers', type=whole(0), default=0,
                        help='processes that load images; default %(default)s')
    parser.add_argument('--device', help='default: cuda if there is one, else cpu; the student learns on cuda if there '
                                         'is one')
    parser.add_argument('--shard', type=parse_shard, default=None, metavar='I/N',
                        help='do every N-th part from the I-th on (I = 0..N-1); default: by rank under torchrun or '
                             'Slurm')
    add_cfg_options(parser)
    add_quiet(parser)
    args = parser.parse_args()
    if len(args.paths) != (2 if args.method == 'random' else 4):
        parser.error(f'expected {"" if args.method == "random" else "CONFIG CHECKPOINT "}IMAGES OUTPUT')
    if args.method in ('both', 'difficulty') and not args.student:
        parser.error(f'--method {args.method} needs --student, a config such as those in configs/selection; '
                     '--method diversity does without')
    return args


def main() -> int:
    args = parse_args()
    hide_known_noise()
    with errors_in_words(args.quiet):
        from mmdepthcp.cli.tools import register_modules

        register_modules()
        from mmdepthcp.preparation.depth_inference import ModelPredictor
        from mmdepthcp.preparation.depth_students import DepthStudents
        from mmdepthcp.preparation.frozen_networks import EntropyNetwork, FeatureNetwork
        from mmdepthcp.preparation.selection import Candidates, ImageSelection, Plan

        plan = Plan(args.method, args.budget, tuple(args.rounds), args.seed, args.error_weight)
        images, out = (Path(path) for path in args.paths[-2:])
        others = [folder for folder in (out, args.disparity) if folder]
        candidates = Candidates.find(images, args.among, args.labelled, others)
        common = dict(device=local_device(args.device), batch_size=args.batch_size, num_workers=args.num_workers)
        config = None if args.method == 'random' else load_config(args.paths[0], args.cfg_options)
        network = students = None
        if args.method == 'entropy':
            network = EntropyNetwork(config, args.paths[1], **common)
        elif args.method in ('both', 'diversity'):
            network = FeatureNetwork(config, args.paths[1], source=args.features, grid=args.grid, **common)
        if args.method in ('both', 'difficulty'):
            teacher = args.disparity or ModelPredictor(config, args.paths[1], common['device'])
            students = DepthStudents(load_config(args.student, args.student_options), candidates.root, candidates.names,
                                     teacher, args.seed, **common)
        selection = ImageSelection(candidates, out, plan, network, students)
        if selection.run(args.shard or default_shard()):
            print(f'{selection.summary()}\n{out / "selection.html"} shows them')
        else:
            print(f'{out}: parts of other shards are missing; once they have run, run this command again')
    return 0


if __name__ == '__main__':
    sys.exit(main())
