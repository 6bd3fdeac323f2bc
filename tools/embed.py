"""Write the features of images by the backbone of a trained model.

    python tools/embed.py IMAGES CHECKPOINT OUT --layer decode_head
    python tools/embed.py IMAGES CHECKPOINT OUT.npy --pooled

Dense features go into OUT/<image without suffix>.npy, (C, h, w) each, beside features.json; pooled ones into one file
(N, C), with the names of the rows in OUT.json. An interrupted run of dense features goes on.
"""

import argparse

from mmdepthcp.cli.numbers import whole
from mmdepthcp.cli.tools import add_quiet, errors_in_words


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('images', metavar='IMAGES', help='a file or a folder')
    parser.add_argument('checkpoint', metavar='CHECKPOINT')
    parser.add_argument('out', metavar='OUT')
    parser.add_argument('--layer', default='stage4',
                        help='stage1 .. stage4, backbone, neck, decode_head, or of depth networks decoder0 .. '
                             'decoder4; default %(default)s')
    parser.add_argument('--pooled', action='store_true', help='one vector for an image')
    parser.add_argument('--config', metavar='FILE', help='of the training; default: the one in the checkpoint')
    parser.add_argument('--batch-size', type=whole(1), default=1)
    parser.add_argument('--num-workers', '--workers', type=whole(0), default=0)
    parser.add_argument('--device', help='default: cuda if there is one, else cpu')
    add_quiet(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with errors_in_words(args.quiet):
        from mmdepthcp.preparation.embedding import embed

        embed(args.images, args.checkpoint, args.pooled, args.out, args.layer, args.batch_size, args.num_workers,
              args.device, args.config, show_progress=not args.quiet)


if __name__ == '__main__':
    main()
