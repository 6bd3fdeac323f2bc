"""Take the frames of videos that are worth learning from:

    python tools/dataset_converters/video_frames.py VIDEOS... OUT
    python tools/dataset_converters/video_frames.py drive.mp4 more_videos/ data/own --fps 10 --fov 70

VIDEOS are video files (MP4, MOV, AVI, MKV and whatever else FFmpeg reads), folders of frames, and folders that hold
such, in any mixture. OUT/frames has a folder for every shot. Frames that stand still or are black are left out, the
own bonnet is cut off. OUT/frames.json says what was done, OUT/frames.jpg shows it: look at it first.

An interrupted run goes on with the video where it stopped when it is started again, and does those anew that have
changed. The exit code is 0 if there are frames, and 1 if there are none, or if a video could not be used; the others
are done all the same. docs/own_video.md has the rest.
"""

import argparse
import sys
from pathlib import Path

from mmdepthcp.cli.numbers import above, whole
from mmdepthcp.cli.tools import errors_in_words


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('videos', nargs='+', type=Path, metavar='VIDEOS', help='files and folders')
    parser.add_argument('out', type=Path, metavar='OUT', help='folder to write to')
    parser.add_argument('--fps', type=above(0), default=10., metavar='N',
                        help='about how many frames a second to take; default %(default)g')
    parser.add_argument('--fov', type=above(0), metavar='DEGREES',
                        help='horizontal field of view of all cameras; default: what intrinsics.json, EXIF or the '
                             "notes of phones tell, else the focal length stays unknown")
    parser.add_argument('--max-side', type=whole(32), default=1280, metavar='PIXELS',
                        help='longest side of the frames; default %(default)s')
    parser.add_argument('--folder-fps', type=above(0), metavar='N',
                        help='frames a second of the folders of frames; default: as --fps')
    parser.add_argument('--quiet', action='store_true', help='show no progress')
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    with errors_in_words():
        from mmdepthcp.videos import extract_frames

        record = extract_frames(args.videos, args.out, fps=args.fps, fov=args.fov, max_side=args.max_side,
                                folder_fps=args.folder_fps, quiet=args.quiet)
        totals = record['totals']
        frames = totals['frames']
        print(f"{frames['kept']} frames in {totals['shots']} shots of {totals['sources']} videos; left out: "
              f"{frames['still']} that stand still, {frames['black']} black, {frames['short']} in shots too short, "
              f"about {frames['lost']} lost; focal length known for {totals['intrinsics']} videos\n"
              f"{args.out / 'frames.jpg'} shows them, {args.out / 'frames.json'} says what was done")
    return int(totals['problems'] > 0 or totals['shots'] == 0)


if __name__ == '__main__':
    sys.exit(main())
