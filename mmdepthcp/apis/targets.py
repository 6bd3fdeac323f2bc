"""The models of other packages that a checkpoint's backbone can fill, and the checkpoint in their names."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mmdepthcp.apis.resnets import DEEP_STEMS, ResNetKind, parse_resnet, recognise_resnet, rename_stem, widen_stem
from mmdepthcp.apis.transformers import timm_names, timm_transformer
from mmdepthcp.config.text import read_config_text
from mmdepthcp.utils.checkpoint import Fit, compare_weights, model_weights, read_checkpoint
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.requirements import installed_version, require

if TYPE_CHECKING:
    from torch import Tensor, nn

State = dict[str, 'Tensor']

TARGETS = ('mmseg', 'mmdet', 'mmpretrain', 'torchvision', 'timm')
BARE = ('torchvision', 'timm')
"""Targets that name the backbone's tensors without a prefix."""

TIMM_STEM = 64
"""Channels of the stem of timm's plain ResNets, whatever the width of their stages."""

LEAST_SHARE = 0.99
"""Share of the target backbone's tensors that the checkpoint must have."""

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
class Source:
    """A checkpoint with a backbone.

    Attributes:
        path: its file.
        content: what the file holds.
        parts: weights of ``backbone``, ``neck`` and ``decode_head``, see :func:`split_parts`.
        left_out: how many tensors its other parts have.
        kind: of the backbone.
    """

    path: str | os.PathLike
    content: Mapping[str, Any]
    parts: dict[str, State]
    left_out: dict[str, int]
    kind: ResNetKind | OtherBackbone


@dataclass(frozen=True)
class Filled:
    """A target's model and the weights for it.

    Attributes:
        kind: of its backbone.
        modules: its parts, still with random weights.
        states: the checkpoint's weights for them, in the target's names.
        fits: how they fit.
    """

    kind: ResNetKind | OtherBackbone
    modules: dict[str, nn.Module]
    states: dict[str, State]
    fits: dict[str, Fit]


def open_source(checkpoint: str | os.PathLike) -> Source:
    """Read a checkpoint and find its backbone.

    Raises:
        InputError: it is unusable, or holds no backbone that is known.
    """
    content = read_checkpoint(checkpoint)
    parts, left_out = split_parts(model_weights(content, checkpoint))
    kind = recognise_resnet(parts['backbone']) or _other_backbone(content)
    if kind is None or not parts['backbone']:
        raise InputError(f'{checkpoint}: holds no ResNet of depth 18, 34, 50, 101 or 152 under the prefix backbone., '
                         'and no config that says what else it is')
    return Source(checkpoint, content, parts, left_out, kind)


def fill_target(source: Source, target: str, model: str | None = None) -> Filled:
    """The target's model that a checkpoint fills.

    Args:
        source: the checkpoint.
        target: one of :data:`TARGETS`.
        model: the target's backbone, such as ``'ResNet-50'``; by default the kind that the checkpoint holds.

    Raises:
        InputError: the target has no such model (the message says which have), or less than :data:`LEAST_SHARE` of its
            backbone's tensors are in the checkpoint.
        ImportError: the target's package is missing; the message says what to do.
    """
    kind = source.kind if model is None else parse_resnet(model)
    try:
        modules = build_target(target, kind, source.parts)
    except InputError as error:
        if target in TARGETS and model is None:
            raise InputError(f'{source.path}: {error}; {_takers(kind, source.parts)}') from None
        raise
    states = {part: source.parts[part] for part in modules}
    states['backbone'] = in_names_of(target, kind, modules['backbone'], states['backbone'])
    fits = {part: compare_weights(module.state_dict(), states[part]) for part, module in modules.items()}
    _check_backbone(fits['backbone'], source.path, target, source.kind, kind)
    return Filled(kind, modules, states, fits)


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
        ImportError: the target's package is missing; for a ResNet in mmdet's names mmseg does as well.
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
    package = 'mmseg' if target == 'mmdet' and installed_version('mmdet') is None else target  # both name tensors alike
    require(f'{package}.models')
    backbone = import_module(f'{package}.models.backbones').ResNet(
        kind.depth, deep_stem=kind.deep_stem, avg_down=kind.avg_down, base_channels=kind.base_channels,
        stem_channels=kind.stem_channels)
    targets = dict(backbone=backbone)
    lateral = parts['neck'].get('lateral_convs.0.conv.weight')
    if lateral is not None and target != 'mmpretrain':
        pyramid = import_module(f'{package}.models.necks').FPN
        targets['neck'] = pyramid(kind.stage_channels, len(lateral), num_outs=4 if target == 'mmseg' else 5)
        decoder = parts['decode_head'].get('scale_heads.0.0.conv.weight')
        if decoder is not None and target == 'mmseg':
            targets['decode_head'] = _mmseg_decoder(len(lateral), len(decoder), parts['decode_head'])
    return targets


def training_config(content: Mapping[str, Any]) -> dict[str, Any]:
    """The config in a checkpoint, as data; empty where there is none that can be read."""
    meta = content.get('meta')
    text = meta.get('cfg') if isinstance(meta, Mapping) else None
    try:
        return read_config_text(text, 'checkpoint') if isinstance(text, str) else {}
    except InputError:  # it only describes the file
        return {}


def backbone_settings(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the config in a checkpoint says about the backbone; of frozen features, about the network within."""
    settings = dict(training_config(content).get('model', {}).get('backbone') or {})
    while isinstance(settings.get('backbone'), Mapping):
        settings = dict(settings['backbone'])
    settings.pop('init_cfg', None)
    return settings


def _other_backbone(content: Mapping[str, Any]) -> OtherBackbone | None:
    own, kind, settings = split_type(backbone_settings(content))
    if hasattr(own, 'stock_config'):
        _, kind, settings = split_type(own.stock_config(settings))
    return OtherBackbone(kind, settings) if kind else None


def split_type(config: Mapping[str, Any]) -> tuple[Any, str, dict[str, Any]]:
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
    if name not in timm.list_models(name) or kind.stem_channels > TIMM_STEM:
        raise InputError(f'timm has no {kind}; it has others, such as ResNet-50')
    settings: dict[str, Any] = {}
    if kind.base_channels != TIMM_STEM:
        settings['channels'] = tuple(kind.base_channels * 2 ** stage for stage in range(4))
    if kind.deep_stem and kind.stem_channels != TIMM_STEM:
        settings['stem_width'] = kind.stem_channels // 2
    return timm.create_model(name, num_classes=0, **settings)


def in_names_of(target: str, kind: ResNetKind | OtherBackbone, module: nn.Module, state: State) -> State:
    if isinstance(kind, ResNetKind):
        renamed = rename_stem(state, target) if target in DEEP_STEMS else state
        return widen_stem(renamed, module.state_dict()) if target == 'timm' and not kind.deep_stem else renamed
    return timm_names(state, module) if target == 'timm' else state


def _takers(kind: ResNetKind | OtherBackbone, parts: Mapping[str, State]) -> str:
    """What to do about a backbone that a target does not take: others that do."""
    takers = []
    for target in TARGETS:
        with contextlib.suppress(InputError, ImportError):
            module = build_target(target, kind, parts)['backbone']
            state = in_names_of(target, kind, module, parts['backbone'])
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
