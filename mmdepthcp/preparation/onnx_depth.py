"""Depth networks in ONNX files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from mmdepthcp.preparation.foreign_depth import ForeignPredictor
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import file_sha256
from mmdepthcp.utils.images import read_image


class OnnxPredictor(ForeignPredictor):
    """A depth network in an ONNX file with one input (B, 3, H, W) of float32 and an output (B, 1, H', W')
    or (B, H', W').

    The input is (image - mean) / std of RGB values 0..255, as MMEngine's data preprocessors define it, resized to the
    network's size with the image's shape given up. What it gives is factor * output + offset.

    Args:
        path: The file.
        output: ``'inverse'``, relative inverse depth (disparity), or ``'metric'``, metres.
        size: (width, height) of the input, multiples of what the network asks for; default: the one that the file
            states.
        mean, std: Of the three channels, in 0..255; the defaults give values 0..1.
        bgr: Whether the network sees BGR.
        result: Name of the output; default: the first.
        affine: (factor, offset).
        nearest: Metres that become disparity 1, for metric depth.
        device: ``'cpu'`` or ``'cuda'``, which takes onnxruntime-gpu.

    Raises:
        ImportError: onnxruntime is not installed.
        InputError: the file is missing or no such network, or the size is missing or another than the file's.
    """

    def __init__(self, path: str | os.PathLike, output: str = 'inverse', size: tuple[int, int] | None = None,
                 mean: Sequence[float] = (0., 0., 0.), std: Sequence[float] = (255., 255., 255.), bgr: bool = False,
                 result: str | None = None, affine: tuple[float, float] = (1., 0.), nearest: float = 1.,
                 device: str = 'cpu') -> None:
        try:
            import onnxruntime
        except ImportError:
            raise ImportError('--onnx needs onnxruntime: pip install onnxruntime') from None
        if not Path(path).is_file():
            raise InputError(f'{path}: no such ONNX file')
        known = onnxruntime.get_available_providers()
        wanted = ['CUDAExecutionProvider'] * device.startswith('cuda') + ['CPUExecutionProvider']
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        try:
            self.session = onnxruntime.InferenceSession(
                os.fspath(path), options, [name for name in wanted if name in known])
        except Exception as error:  # onnxruntime has a class of its own for each fault of a file
            raise InputError(f'{path}: cannot be loaded as an ONNX network: {error}') from None
        inputs, outputs = self.session.get_inputs(), self.session.get_outputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type != 'tensor(float)':
            raise InputError(f'{path}: expected one input (B, 3, H, W) of float32, got '
                             f'{", ".join(f"{item.name} {item.shape} {item.type}" for item in inputs)}')
        names = [item.name for item in outputs]
        if result is not None and result not in names:
            raise InputError(f'{path}: has no output {result!r}; there are {", ".join(names)}')
        self.input, self.result = inputs[0].name, result or names[0]
        batch, _, height, width = inputs[0].shape
        self.is_single = batch == 1
        fixed = (width, height) if isinstance(width, int) and isinstance(height, int) else None
        if fixed and size and size != fixed:
            raise InputError(f'{path}: its input is {width}x{height}, another size than {size[0]}x{size[1]}')
        chosen = fixed or size
        if chosen is None:
            raise InputError(f'{path}: takes images of any size; say which: --onnx-size WIDTH HEIGHT')
        self.size = chosen
        self.mean, self.std = (np.asarray(values, np.float32) for values in (mean, std))
        self.bgr, self.affine = bgr, affine
        super().__init__(output, nearest, dict(
            source=Path(path).name, checkpoint_sha256=file_sha256(path), input_size=list(self.size), mean=list(mean),
            std=list(std), bgr=bgr, result=self.result, affine=list(affine)))

    def prepare(self, path: Path) -> tuple[np.ndarray, tuple[int, int]]:
        image = read_image(path)
        pixels = cv2.resize(image if self.bgr else image[..., ::-1], self.size, interpolation=cv2.INTER_AREA)
        return ((pixels - self.mean) / self.std).transpose(2, 0, 1), image.shape[:2]

    def raw(self, items: Sequence[Any]) -> list[np.ndarray]:
        parts = [[item] for item in items] if self.is_single else [items]
        factor, offset = self.affine
        results = []
        for part in parts:
            pixels = np.stack([pixels for pixels, _ in part]).astype(np.float32)
            maps, = self.session.run([self.result], {self.input: pixels})
            if maps.ndim < 3 or maps.size != len(part) * maps.shape[-2] * maps.shape[-1]:
                raise InputError(f'output {self.result!r} of the ONNX network has the shape {maps.shape}, expected '
                                 f'({len(part)}, 1, H, W); name another: --onnx-result NAME')
            for values, (_, (height, width)) in zip(maps.reshape(len(part), *maps.shape[-2:]), part, strict=True):
                values = factor * values.astype(np.float32) + offset
                results.append(cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR))
        return results
