"""Write the backbone of a checkpoint as a slim file for another package, and report what fits.

    python tools/export_backbone.py work_dirs/depthcp_cityscapes/epoch_25.pth backbone.pth --target mmdet
    python tools/export_backbone.py work_dirs/depthcp_cityscapes/epoch_25.pth 'resnet_{target}.pth' --target mmseg timm

The file holds 'state_dict' and 'meta' (method, data, commit, normalisation, licence) and can be read with
torch.load(..., weights_only=True). It is written only if at least 99 % of the tensors of the target's backbone are in
the checkpoint. Names start with 'backbone.' for mmseg, mmdet and mmpretrain; for torchvision and timm they have no
prefix.

    python tools/export_backbone.py work_dirs/depthcp_cityscapes/epoch_25.pth backbone.onnx --target onnx

writes a graph from normalised images of any number and size to the maps of the four stages of a ResNet, with the same
facts as metadata. It is compared with torch, and written only if the two agree to 1e-4.
"""

import argparse
import contextlib
import io

from mmdepthcp.apis.export import export_backbone
from mmdepthcp.apis.onnx_export import OPSET, SIZE, export_onnx
from mmdepthcp.apis.targets import TARGETS
from mmdepthcp.cli.numbers import whole
from mmdepthcp.cli.tools import errors_in_words, hide_known_noise


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', metavar='CHECKPOINT', help='of a training, or exported before')
    parser.add_argument('out', metavar='OUT', help="file to write; {target} stands for the package's name")
    parser.add_argument('--target', choices=[*TARGETS, 'onnx'], nargs='+', required=True, metavar='PACKAGE',
                        help=f'packages that are to read the file: {", ".join(TARGETS)}, onnx')
    parser.add_argument('--model', metavar='NAME',
                        help='its backbone, such as ResNet-50 or ResNetV1c-50; default: the kind in the checkpoint')
    parser.add_argument('--licence', metavar='TEXT', help='licence of the weights, noted in the file')
    parser.add_argument('--size', type=whole(32), nargs=2, metavar=('H', 'W'),
                        help=f'onnx: size of the images that it is compared with torch on; default {SIZE[0]} {SIZE[1]}')
    parser.add_argument('--opset', type=whole(11), help=f"onnx: version of ONNX's operators; default {OPSET}")
    args = parser.parse_args()
    if len(args.target) > 1 and '{target}' not in args.out:
        parser.error("several packages need a file each: 'backbone_{target}.pth'")
    if 'onnx' in args.target and args.model:
        parser.error('--model is for the packages; an ONNX file holds the kind of the checkpoint')
    if 'onnx' not in args.target and (args.size or args.opset):
        parser.error('--size and --opset are for --target onnx')
    return args


def main() -> None:
    args = parse_args()
    hide_known_noise()
    with errors_in_words():
        for target in args.target:
            out = args.out.replace('{target}', target)
            with contextlib.redirect_stdout(io.StringIO()):  # what the packages print when they are imported
                if target == 'onnx':
                    report = export_onnx(
                        args.checkpoint, out, tuple(args.size or SIZE), args.opset or OPSET, args.licence)
                else:
                    report = export_backbone(args.checkpoint, out, target, args.model, args.licence)
            print(f'{out}: {report}')


if __name__ == '__main__':
    main()
