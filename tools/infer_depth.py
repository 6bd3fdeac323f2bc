"""Write 16-bit disparity PNGs for all images of a folder and its sub-folders.

Either with a depth model trained here:

    python tools/infer_depth.py CONFIG CHECKPOINT IMAGE_ROOT OUT

(what crop_bottom cuts off the training images of CONFIG, the network does not see here either; the lowest row above it
is repeated there)

or with a depth-estimation model of Hugging Face:

    python tools/infer_depth.py --hf-model depth-anything/Depth-Anything-V2-Small-hf IMAGE_ROOT OUT

or with any depth network in an ONNX file, whose input and output the options --onnx-... describe:

    python tools/infer_depth.py --onnx FILE IMAGE_ROOT OUT

OUT/<relative path of the image without suffix>.png holds round(65535 x disparity), disparity in 0..1, larger
is closer, in one scale for the whole data set. Images that have their file and have not changed since are skipped, so
an interrupted run is completed by starting it again.
"""

import argparse
import sys
from pathlib import Path

from mmdepthcp.cli.numbers import Size, above, number, whole
from mmdepthcp.cli.tools import add_quiet, errors_in_words, hide_known_noise
from mmdepthcp.config.loading import load_config
from mmdepthcp.config.overrides import add_cfg_options
from mmdepthcp.utils.trees import default_shard, local_device, parse_shard, report_failures


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        usage='%(prog)s [options] CONFIG CHECKPOINT IMAGE_ROOT OUT\n'
              '       %(prog)s [options] --hf-model NAME IMAGE_ROOT OUT\n'
              '       %(prog)s [options] --onnx FILE IMAGE_ROOT OUT')
    parser.add_argument('paths', nargs='+', metavar='PATH', help='[CONFIG CHECKPOINT] IMAGE_ROOT OUT')
    source = parser.add_mutually_exclusive_group()
    source.add_argument('--hf-model', metavar='NAME',
                        help='a depth-estimation model of Hugging Face: its name on the hub or a folder')
    source.add_argument('--onnx', metavar='FILE', help='a depth network in an ONNX file')
    parser.add_argument('--hf-output', choices=['auto', 'inverse', 'metric'], default='auto',
                        help='what that model gives: relative inverse depth or metric depth; default: what '
                             'its config says')
    onnx = parser.add_argument_group('networks in ONNX files')
    onnx.add_argument('--onnx-output', choices=['inverse', 'metric'], default='inverse',
                      help='what the network gives: relative inverse depth (disparity) or metres; default %(default)s')
    onnx.add_argument('--onnx-size', action=Size, type=whole(1), nargs=2, metavar=('W', 'H'),
                      help='size of its input; default: the one that the file states')
    onnx.add_argument('--onnx-mean', type=number, nargs=3, default=(0., 0., 0.), metavar='X',
                      help='what is taken from the channels 0..255; default 0 0 0')
    onnx.add_argument('--onnx-std', type=above(0), nargs=3, default=(255., 255., 255.), metavar='X',
                      help='what they are divided by then; default 255 255 255')
    onnx.add_argument('--onnx-bgr', action='store_true', help='the network sees BGR; default RGB')
    onnx.add_argument('--onnx-result', metavar='NAME', help='the output to take; default the first')
    onnx.add_argument('--onnx-affine', type=number, nargs=2, default=(1., 0.), metavar=('FACTOR', 'OFFSET'),
                      help='depth or disparity = FACTOR * output + OFFSET; default 1 0')
    parser.add_argument('--nearest', type=above(0), default=1., metavar='METRES',
                        help='depth that becomes disparity 1, for metric models; default %(default)s')
    parser.add_argument('--mode', choices=['raw', 'minmax'], default='raw',
                        help='raw: one scale for the data set; minmax: every image stretched to 0..1, for '
                             'other tools')
    parser.add_argument('--flip', action='store_true',
                        help='average with the prediction of the mirrored image')
    parser.add_argument('--size', action=Size, type=whole(1), nargs=2, metavar=('W', 'H'),
                        help='size of the files; default: of each image')
    parser.add_argument('--batch-size', type=whole(1), default=1)
    parser.add_argument('--num-workers', type=whole(0), default=0,
                        help='processes that load images; default %(default)s')
    parser.add_argument('--device', help='default: cuda if there is one, else cpu')
    parser.add_argument('--shard', type=parse_shard, default=None, metavar='I/N',
                        help='do every N-th image from the I-th on (I = 0..N-1); default: by rank under '
                             'torchrun or Slurm')
    add_cfg_options(parser)
    add_quiet(parser)
    args = parser.parse_args()
    is_foreign = bool(args.hf_model or args.onnx)
    if len(args.paths) != (2 if is_foreign else 4):
        parser.error(f'expected {"" if is_foreign else "CONFIG CHECKPOINT "}IMAGE_ROOT OUT')
    if is_foreign and args.flip:
        parser.error('--flip is for models trained here')
    return args


def main() -> int:
    args = parse_args()
    hide_known_noise()
    with errors_in_words(args.quiet):
        from mmdepthcp.preparation.depth_inference import ModelPredictor, infer_tree
        from mmdepthcp.preparation.foreign_depth import HuggingFacePredictor, set_common_scale
        from mmdepthcp.preparation.onnx_depth import OnnxPredictor

        root, out = (Path(path) for path in args.paths[-2:])
        device = local_device(args.device)
        if args.hf_model:
            predictor = HuggingFacePredictor(args.hf_model, device, args.hf_output, args.nearest)
            set_common_scale(predictor, root, out, args.batch_size)
        elif args.onnx:
            predictor = OnnxPredictor(
                args.onnx, args.onnx_output, args.onnx_size, args.onnx_mean, args.onnx_std, args.onnx_bgr,
                args.onnx_result, tuple(args.onnx_affine), args.nearest, device)
            set_common_scale(predictor, root, out, args.batch_size)
        else:
            config = load_config(args.paths[0], args.cfg_options)
            predictor = ModelPredictor(config, args.paths[1], device, args.flip)
        failures, tried = infer_tree(predictor, root, out, args.mode, args.size, args.batch_size,
                                     args.num_workers, args.shard or default_shard())
    return report_failures(failures, tried)


if __name__ == '__main__':
    sys.exit(main())
