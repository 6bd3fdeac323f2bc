"""Backbones for other packages: a slim file in their names, and a report of what fits."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mmdepthcp
from mmdepthcp.apis.targets import (
    BARE,
    fill_target,
    open_source,
    split_type,
    training_config,
)
from mmdepthcp.utils.checkpoint import Fit, name_some
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import atomic_path, file_sha256

LICENCE = 'Code: Apache-2.0. Weights: as the terms of the training data allow.'


@dataclass(frozen=True)
class ExportReport:
    """What was exported.

    Attributes:
        model: the target's backbone in words.
        fits: of every exported part (``backbone``, ``neck``, ``decode_head``), how it fits the target's.
        left_out: how many tensors of the checkpoint's other parts were left out.
        meta: what the file says about itself.
    """

    model: str
    fits: dict[str, Fit]
    left_out: dict[str, int]
    meta: dict[str, Any]

    def __str__(self) -> str:
        lines = [f'{self.meta["target"]}, {self.model}']
        for part, fit in self.fits.items():
            line = f'  {part}: {len(fit.matched)} of {fit.wanted} tensors matched'
            for what, names in (('missing', fit.missing), ('of another shape', fit.other_shape),
                                ('unexpected, left out', fit.unexpected)):
                line += f'; {what}: {name_some(names)}' if names else ''
            lines.append(line)
        if self.left_out:
            lines.append('  left out: ' + ', '.join(f'{part} ({count})' for part, count in self.left_out.items()))
        return '\n'.join(lines)


def export_backbone(
    checkpoint: str | os.PathLike,
    out: str | os.PathLike,
    target: str,
    model: str | None = None,
    licence: str | None = None,
) -> ExportReport:
    """Write the backbone of a checkpoint, with neck and decoder where the target takes them, in the target's names.

    The file holds ``state_dict`` and ``meta`` (method, data, commit, normalisation, licence, ...) and can be read with
    ``torch.load(..., weights_only=True)``. Exporting an exported file again, for the same target or another, keeps
    what ``meta`` says.

    Args:
        checkpoint: a runner's checkpoint, a state dict, of a wrapped or averaged model or not, or an exported file,
            with a ResNet as backbone, or any other that the target builds by the config in the checkpoint; of frozen
            features, the network within. A ``DINOViT`` becomes MMPretraining's or timm's ``VisionTransformer``.
        out: file to write.
        target: one of :data:`mmdepthcp.apis.targets.TARGETS`.
        model: the target's backbone, such as ``'ResNet-50'`` or ``'ResNetV1c-50'``; by default the kind that the
            checkpoint holds.
        licence: what ``meta`` says about the licence; by default what the checkpoint says, or else that it depends on
            the data.

    Raises:
        InputError: the checkpoint is unusable or holds no backbone that is known, the target has no such model, or
            fewer than 99 % of its backbone's tensors are in the checkpoint.
        ImportError: the target's package is missing; the message says what to do.
    """
    import torch

    if Path(out).exists() and Path(out).samefile(checkpoint):
        raise InputError(f'{out}: is the checkpoint itself; write to another file')
    source = open_source(checkpoint)
    filled = fill_target(source, target, model)
    exported = {}
    for part, fit in filled.fits.items():
        prefix = '' if target in BARE else f'{part}.'
        exported.update({f'{prefix}{name}': filled.states[part][name].detach().clone() for name in fit.matched})
    left_out = dict(source.left_out)
    for part in source.parts.keys() - filled.modules.keys():
        if source.parts[part]:
            left_out[part] = left_out.get(part, 0) + len(source.parts[part])
    meta = dict(describe(source.content, checkpoint), target=target, backbone=str(filled.kind))
    if licence is not None:
        meta['licence'] = licence
    with atomic_path(out) as aside:
        with open(aside, 'wb') as file:
            torch.save(dict(state_dict=exported, meta=meta), file)
    return ExportReport(str(filled.kind), filled.fits, left_out, meta)


def describe(content: Mapping[str, Any], checkpoint: str | os.PathLike) -> dict[str, Any]:
    """What is known about a checkpoint, in plain types; of an exported file, what it says itself."""
    known = content.get('meta')
    known = known if isinstance(known, Mapping) else {}
    if 'mmdepthcp_version' in known:
        return dict(known)
    config = training_config(content)
    preprocessor = config.get('model', {}).get('data_preprocessor') or config.get('data_preprocessor')
    return dict(
        mmdepthcp_version=mmdepthcp.__version__,
        method=config.get('model', {}).get('type', 'unknown'),
        data=list(_data_sets(config.get('train_dataloader', {}))),
        commit=config.get('code', {}).get('commit', 'unknown'),
        seed=known.get('seed'),
        epochs=known.get('epoch'),
        iterations=known.get('iter'),
        averaged='ema_state_dict' in content,
        normalisation=_normalisation(preprocessor) if preprocessor else 'unknown',
        licence=LICENCE,
        source=dict(file=Path(checkpoint).name, sha256=file_sha256(checkpoint)))


def _data_sets(node: Any) -> Iterator[str]:
    """``'<type>: <folder>'`` of every data set in a part of a config."""
    if isinstance(node, Mapping):
        prefix = node.get('data_prefix')
        if 'type' in node and isinstance(prefix, Mapping):
            yield f'{node["type"]}: {os.path.join(node.get("data_root") or "", prefix.get("img_path") or "")}'
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for child in node:
            yield from _data_sets(child)


def _normalisation(preprocessor: Mapping[str, Any]) -> dict[str, Any]:
    """Mean and deviation of the three channels, of images in 0..255, and the order of the channels."""
    own, _, settings = split_type(preprocessor)
    if hasattr(own, 'normalisation'):
        return own.normalisation(settings)
    swaps = preprocessor.get('bgr_to_rgb') or preprocessor.get('to_rgb')
    return dict(
        mean=list(preprocessor.get('mean') or []), std=list(preprocessor.get('std') or []),
        channels='RGB' if swaps else 'BGR')
