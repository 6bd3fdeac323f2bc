"""Backbones as ONNX files, checked against torch."""

from __future__ import annotations

import inspect
import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmdepthcp.apis.backbones import backbone_of
from mmdepthcp.apis.export import describe
from mmdepthcp.apis.resnets import ResNetKind
from mmdepthcp.apis.targets import open_source
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import atomic_path

if TYPE_CHECKING:
    from torch import nn

STAGES = ('stage1', 'stage2', 'stage3', 'stage4')
TOLERANCE = 1e-4
SIZE = (224, 448)
OPSET = 17
"""The newest that PyTorch 2.1 writes."""


@dataclass(frozen=True)
class OnnxReport:
    """What was written.

    Attributes:
        model: the backbone in words.
        opset: version of ONNX's operators.
        difference: largest difference of a value from torch's, over the largest value of its stage where that is above
            1.
        channels: of the four stages.
        meta: what the file says about itself.
    """

    model: str
    opset: int
    difference: float
    channels: tuple[int, ...]
    meta: dict[str, Any]

    def __str__(self) -> str:
        stages = ', '.join(f'{name} ({count} channels)' for name, count in zip(STAGES, self.channels, strict=True))
        return (f'onnx, {self.model}, opset {self.opset}\n  outputs: {stages}\n'
                f'  differs from torch by {self.difference:.1e} at most (allowed: {TOLERANCE:.0e})')


def export_onnx(
    checkpoint: str | os.PathLike,
    out: str | os.PathLike,
    size: tuple[int, int] = SIZE,
    opset: int = OPSET,
    licence: str | None = None,
) -> OnnxReport:
    """Write the backbone of a checkpoint as an ONNX file, and compare what ONNX Runtime makes of it with torch.

    The graph takes ``images``, (B, 3, H, W) float32, normalised, of any number and size, and gives ``stage1`` ..
    ``stage4``, the maps of the four stages at 1/4, 1/8, 1/16 and 1/32 of the size. The file's metadata say mean and
    standard deviation (of values in 0..255), order of the channels, method, data, commit, licence and source.

    Written by torch's exporter that traces (``dynamo=False``), which torch 2.1 and 2.11 both have, without onnxscript.

    Args:
        checkpoint: with a ResNet of any width, see :func:`mmdepthcp.export_backbone`.
        out: file to write.
        size: (height, width) of the images that it is traced and compared with; half of it is compared too.
        opset: version of ONNX's operators.
        licence: what the metadata say about the licence, see :func:`mmdepthcp.export_backbone`.

    Raises:
        InputError: the checkpoint is unusable or holds no ResNet, torch does not write this opset, or the two differ by
            more than 1e-4; nothing is written then.
        ImportError: a package is missing; the message says what to do.
    """
    onnx, runtime = _packages()
    if Path(out).exists() and Path(out).samefile(checkpoint):
        raise InputError(f'{out}: is the checkpoint itself; write to another file')
    source = open_source(checkpoint)
    kind = source.kind
    if not isinstance(kind, ResNetKind):
        raise InputError(f'{checkpoint}: holds a {kind}; ONNX files are made of ResNets')
    backbone = backbone_of(source, 'mmpretrain')
    meta = dict(describe(source.content, checkpoint), target='onnx', backbone=str(kind))
    if licence is not None:
        meta['licence'] = licence
    with atomic_path(out) as aside:
        _trace(backbone, aside, size, opset)
        graph = onnx.load(str(aside))
        for key, value in meta.items():
            entry = graph.metadata_props.add()
            entry.key, entry.value = key, value if isinstance(value, str) else json.dumps(value)
        onnx.checker.check_model(graph)
        onnx.save(graph, str(aside))
        difference = _difference(backbone, runtime, aside, size)
        if not difference <= TOLERANCE:
            raise InputError(f'{checkpoint}: what ONNX Runtime makes of it differs from torch by {difference:.1e}, '
                             f'more than {TOLERANCE:.0e}; try another --opset')
    return OnnxReport(str(kind), opset, difference, tuple(kind.stage_channels), meta)


def _packages() -> tuple[Any, Any]:
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise ImportError(f"--target onnx needs onnx and onnxruntime: pip install onnx onnxruntime, or pip install -e "
                          f"'.[onnx]' in a clone ({error})") from None
    return onnx, onnxruntime


def _trace(backbone: nn.Module, path: Path, size: tuple[int, int], opset: int) -> None:
    import torch

    axes = {name: {0: 'batch', 2: f'{name}_height', 3: f'{name}_width'} for name in ('images', *STAGES)}
    own = dict(dynamo=False) if 'dynamo' in inspect.signature(torch.onnx.export).parameters else {}
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            torch.onnx.export(
                backbone, (torch.zeros(2, 3, *size),), str(path), input_names=['images'], output_names=list(STAGES),
                dynamic_axes=axes, opset_version=opset, **own)
        except (ValueError, RuntimeError) as error:
            raise InputError(f'--opset {opset}: torch {torch.__version__} does not write it '
                             f'({str(error).splitlines()[0]})') from None


def _difference(backbone: nn.Module, runtime: Any, path: Path, size: tuple[int, int]) -> float:
    """Largest difference of ONNX Runtime's maps from torch's, see :class:`OnnxReport`."""
    import torch

    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = runtime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
    generator = torch.Generator().manual_seed(0)
    height, width = size
    worst = 0.
    for shape in ((1, 3, height, width), (2, 3, max(32, height // 2), max(32, width // 2))):
        images = torch.randn(shape, generator=generator)
        with torch.no_grad():
            expected = backbone(images)
        found = session.run(list(STAGES), {'images': images.numpy()})
        for own, other in zip(expected, found, strict=True):
            apart = (own - torch.from_numpy(other)).abs().max() / own.abs().max().clamp(min=1)
            worst = max(worst, float(apart))
    return worst
