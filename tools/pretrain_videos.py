"""From street video to a pretrained segmentation backbone, and a report on how it went.

    python tools/pretrain_videos.py drive1.mp4 drive2.mov OUT --budget 6h
    python tools/pretrain_videos.py drive1.mp4 OUT --labels DIR --budget 30m

VIDEOS are video files and folders of frames, of a camera that moves through streets. Frames are taken out, this machine
is measured for about ten seconds, settings that fit the time are written to OUT/config.py (and OUT/depth.py,
OUT/finetune.py), and their stages are run: depth, disparity, regions, pretraining, export, fine-tuning where there are
labels, report. Interrupt it when you like: the same command goes on. On several GPUs every training uses all of them.
"""

import argparse
import sys

from mmdepthcp.cli.numbers import above, seed, whole
from mmdepthcp.cli.tools import errors_in_words, register_modules

METHODS = ('depthcp', 'depth_pixpro', 'pixpro', 'swav', 'densecl')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('videos', nargs='+', metavar='VIDEOS', help='video files and folders of frames')
    parser.add_argument('out', metavar='OUT', help='folder for everything')
    parser.add_argument('--budget', default='1h', metavar='TIME',
                        help='time for everything, such as 30m, 6h, 1h30m; default %(default)s')
    parser.add_argument('--labels', metavar='DIR',
                        help='DIR/images and DIR/labels: masks of class indices named like the images, 255 for none; '
                             'optional DIR/classes.txt, DIR/train.txt, DIR/val.txt. Fine-tunes and scores at the end')
    parser.add_argument('--ignore-index', type=whole(0, 254), metavar='N',
                        help='value of unlabelled pixels in the masks, beside 255')
    parser.add_argument('--method', choices=METHODS, default='depthcp', help='default %(default)s')
    parser.add_argument('--depth', default='own', metavar='SOURCE',
                        help='own: learnt from the video (default); checkpoint:FILE of a depth training of this '
                             'package; hf:NAME, a model of Hugging Face; disparity:DIR, 16-bit PNGs named like the '
                             'frames')
    parser.add_argument('--init', metavar='CHECKPOINT', help='a ResNet that the encoder starts from')
    parser.add_argument('--network', choices=['auto', 'r18_small', 'r18', 'r50'], default='auto',
                        help='default: r50 on a GPU, r18_small (half width) without, or what --init holds')
    parser.add_argument('--fps', type=above(0), default=10., help='frames a second to take; default %(default)g')
    parser.add_argument('--fov', type=above(0), metavar='DEGREES',
                        help='horizontal field of view of the camera; default: what the files say, else learnt')
    parser.add_argument('--seed', type=seed, default=0, help='of all trainings; default %(default)s')
    parser.add_argument('--dry-run', action='store_true',
                        help='measure, print the plan with its times, write nothing')
    parser.add_argument('--anew', action='store_true',
                        help='plan anew in a folder that was planned otherwise; what still fits is kept')
    parser.add_argument('--quiet', action='store_true', help='print where the results are, and nothing else')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with errors_in_words():
        register_modules()

        from mmdepthcp.experiments.running import StageError
        from mmdepthcp.experiments.video_pretraining import pretrain
        from mmdepthcp.utils.machine import seconds_since_start

        try:
            pretrain(**vars(args), started_in=seconds_since_start())
        except StageError as error:
            sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
