"""Backbones for other packages: a slim file in their names, and a report of what fits."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mmdepthcp
from mmdepthcp.apis.resnets import DEEP_STEMS, ResNetKind, parse_resnet, recognise_resnet, rename_stem
from mmdepthcp.apis.transformers import timm_names, timm_transformer
from mmdepthcp.config.text import read_config_text
from mmdepthcp.utils.checkpoint import Fit, compare_weights, model_weights, name_some, read_checkpoint
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import atomic_path, file_sha256
from mmdepthcp.utils.requirements import require

if TYPE_CHECKING:
    from torch import Tensor, nn

State = dict[str, 'Tensor']

TARGETS = ('mmseg', 'mmdet', 'mmpretrain', 'torchvision', 'timm')
BARE = ('torchvision', 'timm')
"""Targets that name the backbone's tensors without a prefix."""

LEAST_SHARE = 0.99
"""Share of the target backbone's tensors that the checkpoint must have."""

LICENCE = 'Code: Apache-2.0. Weights: as the terms of the training data allow.'


@dataclass(frozen=True)
class OtherBackbone:
    """A backbone that is no ResNet, as the config of its training builds it.

    Attributes:
        kind: name of its class.
        settings: its arguments.
    """

    kind: str
    settings: Mapping[str, Any]

    def __str__(self) -> str:
        return self.kind


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
        target: one of :data:`TARGETS`.
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
    content = read_checkpoint(checkpoint)
    parts, left_out = split_parts(model_weights(content, checkpoint))
    found = recognise_resnet(parts['backbone']) or _other_backbone(content)
    if found is None or not parts['backbone']:
        raise InputError(f'{checkpoint}: holds no ResNet of depth 18, 34, 50, 101 or 152 under the prefix backbone., '
                         'and no config that says what else it is')
    wanted = found if model is None else parse_resnet(model)
    try:
        targets = build_target(target, wanted, parts)
    except InputError as error:
        if isinstance(wanted, OtherBackbone) and target in TARGETS:
            raise InputError(f'{checkpoint}: {error}; {_takers(wanted, parts)}') from None
        raise
    fits, exported = {}, {}
    for part, module in targets.items():
        state = parts[part]
        if part == 'backbone':
            state = _in_names_of(target, wanted, module, state)
        fits[part] = compare_weights(module.state_dict(), state)
        prefix = '' if target in BARE else f'{part}.'
        exported.update({f'{prefix}{name}': state[name].detach().clone() for name in fits[part].matched})
    for part in parts.keys() - targets.keys():
        if parts[part]:
            left_out[part] = left_out.get(part, 0) + len(parts[part])
    _check_backbone(fits['backbone'], checkpoint, target, found, wanted)
    meta = dict(describe(content, checkpoint), target=target, backbone=str(wanted))
    if licence is not None:
        meta['licence'] = licence
    with atomic_path(out) as aside:
        with open(aside, 'wb') as file:
            torch.save(dict(state_dict=exported, meta=meta), file)
    return ExportReport(str(wanted), fits, left_out, meta)


def _in_names_of(target: str, kind: ResNetKind | OtherBackbone, module: nn.Module, state: State) -> State:
    if isinstance(kind, ResNetKind):
        return rename_stem(state, target) if target in DEEP_STEMS else state
    return timm_names(state, module) if target == 'timm' else state


def _takers(kind: OtherBackbone, parts: Mapping[str, State]) -> str:
    """What to do about a backbone that a target does not take: others that do."""
    takers = []
    for target in TARGETS:
        with contextlib.suppress(InputError, ImportError):
            module = build_target(target, kind, parts)['backbone']
            state = _in_names_of(target, kind, module, parts['backbone'])
            if compare_weights(module.state_dict(), state).share >= LEAST_SHARE:
                takers.append(target)
    return f'choose {" or ".join(takers)}' if takers else 'no target takes it'


def _check_backbone(
    fit: Fit, checkpoint: str | os.PathLike, target: str, found: ResNetKind | OtherBackbone,
    wanted: ResNetKind | OtherBackbone,
) -> None:
    if fit.share >= LEAST_SHARE:
        return
    reason = ''
    if found != wanted:
        reason = f': the checkpoint holds a {found}, not a {wanted}'
    if isinstance(found, ResNetKind) and isinstance(wanted, ResNetKind) and (
            found.depth == wanted.depth and found.deep_stem != wanted.deep_stem):
        reason += (
            '. The two differ in the stem, which would stay random under pretrained stages. Use the backbone that was '
            f"pretrained (type='ResNet' takes the place of 'ResNetV1c' in a config), or pretrain a {wanted}")
    raise InputError(
        f'{checkpoint}: fills {len(fit.matched)} of {fit.wanted} tensors ({fit.share:.1%}) of the {wanted} of {target}'
        f'{reason}. {fit.faults()}')


def split_parts(weights: Mapping[str, Tensor]) -> tuple[dict[str, State], dict[str, int]]:
    """Split a model's weights into ``backbone`` (in mmseg's names), ``neck`` and ``decode_head``, each without its
    prefix, and count the tensors of the parts that nobody else can use.

    Weights without the prefix ``backbone.`` that look like a ResNet's are a backbone. Where the backbone has one of its
    own, as frozen features do, the parts are those of that network.
    """
    parts: dict[str, State] = dict(backbone={}, neck={}, decode_head={})
    left_out: dict[str, int] = {}
    if 'layer1.0.conv1.weight' in weights:
        parts['backbone'] = dict(weights)
    else:
        for name, tensor in weights.items():
            part, _, rest = name.partition('.')
            if part in parts:
                parts[part][rest] = tensor
            else:
                left_out[part] = left_out.get(part, 0) + 1
    if any(name.startswith('backbone.') for name in parts['backbone']):
        inner, further = split_parts(parts.pop('backbone'))
        outer = {**left_out, **{part: len(state) for part, state in parts.items() if state}}
        return inner, dict(Counter(outer) + Counter(further))
    parts['backbone'] = rename_stem(parts['backbone'], 'mmseg')
    return parts, left_out


def build_target(target: str, kind: ResNetKind | OtherBackbone, parts: Mapping[str, State]) -> dict[str, nn.Module]:
    """The parts of the target's model that a checkpoint can fill, built from the target's own classes.

    Args:
        target: one of :data:`TARGETS`.
        kind: the backbone.
        parts: the checkpoint's, see :func:`split_parts`; a neck and a decoder are built where it has some.

    Raises:
        InputError: the target has no such backbone.
        ImportError: the target's package is missing.
    """
    if target not in TARGETS:
        raise InputError(f'{target}: no such target; choose one of {", ".join(TARGETS)}')
    if target == 'timm':
        _require_timm()
    if isinstance(kind, OtherBackbone):
        return dict(backbone=_own_backbone(target, kind))
    if target == 'torchvision':
        return dict(backbone=_torchvision_resnet(kind))
    if target == 'timm':
        return dict(backbone=_timm_resnet(kind))
    require(f'{target}.models')
    backbone = import_module(f'{target}.models.backbones').ResNet(
        kind.depth, deep_stem=kind.deep_stem, avg_down=kind.avg_down, base_channels=kind.base_channels,
        stem_channels=kind.stem_channels)
    targets = dict(backbone=backbone)
    lateral = parts['neck'].get('lateral_convs.0.conv.weight')
    if lateral is not None and target != 'mmpretrain':
        pyramid = import_module(f'{target}.models.necks').FPN
        targets['neck'] = pyramid(kind.stage_channels, len(lateral), num_outs=4 if target == 'mmseg' else 5)
        decoder = parts['decode_head'].get('scale_heads.0.0.conv.weight')
        if decoder is not None and target == 'mmseg':
            targets['decode_head'] = _mmseg_decoder(len(lateral), len(decoder), parts['decode_head'])
    return targets


def _other_backbone(content: Mapping[str, Any]) -> OtherBackbone | None:
    meta = content.get('meta')
    settings = dict(_training_config(meta.get('cfg') if isinstance(meta, Mapping) else None).get(
        'model', {}).get('backbone') or {})
    while isinstance(settings.get('backbone'), Mapping):
        settings = dict(settings['backbone'])
    settings.pop('init_cfg', None)
    own, kind, settings = _split_type(settings)
    if hasattr(own, 'stock_config'):
        _, kind, settings = _split_type(own.stock_config(settings))
    return OtherBackbone(kind, settings) if kind else None


def _split_type(config: Mapping[str, Any]) -> tuple[Any, str, dict[str, Any]]:
    """The class of this package that a part of a config names, if there is one, its bare name, and its settings."""
    import mmdepthcp.models  # noqa: F401
    from mmdepthcp.registry import MODELS

    settings = dict(config)
    kind = str(settings.pop('type', '')).rpartition('.')[2]
    return MODELS.module_dict.get(kind), kind, settings


def _own_backbone(target: str, kind: OtherBackbone) -> nn.Module:
    """A backbone of an OpenMMLab package by its name there, or timm's that computes the same as MMPretraining's
    transformer; nothing is imported that a checkpoint names.
    """
    if target == 'timm' and kind.kind == 'VisionTransformer':
        return timm_transformer(_own_backbone('mmpretrain', kind), kind.settings)
    if target in BARE:
        raise InputError(f'{target} names the tensors of a {kind} in its own way')
    require(f'{target}.models')
    known = import_module(f'{target}.registry').MODELS.module_dict
    if kind.kind not in known:
        raise InputError(f'{target} has no {kind}')
    try:
        return known[kind.kind](**kind.settings)
    except (TypeError, ValueError, AssertionError, KeyError) as error:
        raise InputError(f'{target} has another {kind} than the checkpoint ({error})') from None


def _mmseg_decoder(in_channels: int, channels: int, state: State) -> nn.Module:
    from mmseg.models.decode_heads import FPNHead

    norm_cfg = dict(type='GN', num_groups=1) if 'scale_heads.0.0.gn.weight' in state else dict(type='BN')
    head = FPNHead(
        in_channels=[in_channels] * 4, in_index=[0, 1, 2, 3], feature_strides=[4, 8, 16, 32], channels=channels,
        num_classes=19, norm_cfg=norm_cfg,
        loss_decode=dict(type='mmseg.CrossEntropyLoss', avg_non_ignore=True))
    del head.conv_seg
    return head


def _torchvision_resnet(kind: ResNetKind) -> nn.Module:
    require('torchvision')
    from torch import nn
    from torchvision import models

    if kind.deep_stem or not kind.full_width:
        raise InputError(f'torchvision has no {kind}; it has plain ResNets of full width, such as ResNet-50')
    model = getattr(models, f'resnet{kind.depth}')(weights=None)
    model.fc = nn.Identity()
    return model


def _require_timm() -> None:
    try:
        import timm  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f'--target timm needs timm to check the names: pip install timm ({error}). timm also reads the file of '
            '--target torchvision, as both name plain ResNets alike') from None


def _timm_resnet(kind: ResNetKind) -> nn.Module:
    import timm

    variant = 'd' if kind.avg_down else 'c' if kind.deep_stem else ''
    name = f'resnet{kind.depth}{variant}'
    if not kind.full_width or name not in timm.list_models(name):
        raise InputError(f'timm has no {kind}; it has ResNets of full width, such as ResNet-50')
    return timm.create_model(name, num_classes=0)


def describe(content: Mapping[str, Any], checkpoint: str | os.PathLike) -> dict[str, Any]:
    """What is known about a checkpoint, in plain types; of an exported file, what it says itself."""
    known = content.get('meta')
    known = known if isinstance(known, Mapping) else {}
    if 'mmdepthcp_version' in known:
        return dict(known)
    config = _training_config(known.get('cfg'))
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


def _training_config(text: Any) -> dict[str, Any]:
    try:
        return read_config_text(text, 'checkpoint') if isinstance(text, str) else {}
    except InputError:  # it only describes the file
        return {}


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
    own, _, settings = _split_type(preprocessor)
    if hasattr(own, 'normalisation'):
        return own.normalisation(settings)
    swaps = preprocessor.get('bgr_to_rgb') or preprocessor.get('to_rgb')
    return dict(
        mean=list(preprocessor.get('mean') or []), std=list(preprocessor.get('std') or []),
        channels='RGB' if swaps else 'BGR')
