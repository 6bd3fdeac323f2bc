"""Names and kinds of ResNets in OpenMMLab, torchvision and timm.

All of them name the tensors of a plain ResNet alike. They differ in the stem of three 3x3 convolutions, which ResNetV1c
and ResNetV1d have in place of the 7x7 convolution.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from mmdepthcp.utils.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar('T')

BLOCKS = {
    18: (False, (2, 2, 2, 2)),
    34: (False, (3, 4, 6, 3)),
    50: (True, (3, 4, 6, 3)),
    101: (True, (3, 4, 23, 3)),
    152: (True, (3, 8, 36, 3)),
}
"""Whether the blocks are bottlenecks, and how many each stage has, by depth."""

BN_EPS = 1e-5
"""What all of them add to the variance in batch normalisation."""

DEEP_STEMS = {
    'mmseg': ('stem.0', 'stem.1', 'stem.3', 'stem.4', 'stem.6', 'stem.7'),
    'mmpretrain': ('stem.0.conv', 'stem.0.bn', 'stem.1.conv', 'stem.1.bn', 'stem.2.conv', 'stem.2.bn'),
    'timm': ('conv1.0', 'conv1.1', 'conv1.3', 'conv1.4', 'conv1.6', 'bn1'),
}
"""Convolution, normalisation, convolution ... of the deep stem; mmdet names them like mmseg."""


@dataclass(frozen=True)
class ResNetKind:
    """What tells one ResNet from another.

    Attributes:
        depth: 18, 34, 50, 101 or 152.
        deep_stem: three 3x3 convolutions in place of the 7x7 one (ResNetV1c and ResNetV1d).
        avg_down: pooling before the convolution in the shortcuts (ResNetV1d).
        base_channels: channels of the first stage, before a bottleneck's expansion.
        stem_channels: channels of the stem.
    """

    depth: int
    deep_stem: bool = False
    avg_down: bool = False
    base_channels: int = 64
    stem_channels: int = 64

    def __str__(self) -> str:
        variant = 'V1d' if self.avg_down else 'V1c' if self.deep_stem else ''
        width = '' if self.full_width else f' (base_channels={self.base_channels}, stem_channels={self.stem_channels})'
        return f'ResNet{variant}-{self.depth}{width}'

    @property
    def full_width(self) -> bool:
        """Whether the widths are the usual ones."""
        return self.base_channels == self.stem_channels == 64

    @property
    def stage_channels(self) -> list[int]:
        """Channels of the four stages' outputs."""
        expansion = 4 if BLOCKS[self.depth][0] else 1
        return [self.base_channels * expansion * 2 ** stage for stage in range(4)]


def parse_resnet(name: str) -> ResNetKind:
    """The full-width ResNet of a name such as ``'ResNet-50'``, ``'resnet50'`` or ``'ResNetV1c-101'``.

    Raises:
        InputError: no such ResNet.
    """
    parts = re.fullmatch(r'resnet(?:v1([cd]))?-?(\d+)', name, re.IGNORECASE)
    if parts is None or int(parts[2]) not in BLOCKS:
        depths = ', '.join(map(str, BLOCKS))
        raise InputError(f'{name}: no such model; write ResNet-, ResNetV1c- or ResNetV1d- and a depth of {depths}')
    variant = (parts[1] or '').lower()
    return ResNetKind(int(parts[2]), deep_stem=bool(variant), avg_down=variant == 'd')


def recognise_resnet(state: Mapping[str, Tensor]) -> ResNetKind | None:
    """The kind of a ResNet's state dict in mmseg's names; None for anything else."""
    stem = state.get('stem.6.weight', state.get('conv1.weight'))
    counts = []
    for stage in range(1, 5):
        blocks = {name.split('.')[1] for name in state if name.startswith(f'layer{stage}.')}
        counts.append(len(blocks))
    layout = ('layer1.0.conv3.weight' in state, tuple(counts))
    depths = [depth for depth, known in BLOCKS.items() if known == layout]
    if stem is None or not depths or 'layer1.0.conv1.weight' not in state:
        return None
    shortcut = state.get('layer2.0.downsample.1.weight')
    return ResNetKind(
        depths[0], deep_stem='stem.6.weight' in state, avg_down=shortcut is not None and shortcut.ndim == 4,
        base_channels=state['layer1.0.conv1.weight'].shape[0], stem_channels=stem.shape[0])


def widen_stem(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of a plain ResNet for one that is the same but for a stem with more channels, which then gives the
    same maps: what the further channels would give is 0, and the first shortcut leaves them out.

    Args:
        state: of the ResNet as it is.
        wanted: of the one with the wider stem.
    """
    import torch

    widened = dict(state)
    further = wanted['conv1.weight'].shape[0] - state['conv1.weight'].shape[0]
    if not further:
        return widened
    for name in ('conv1.weight', 'bn1.weight', 'bn1.bias', 'bn1.running_mean', 'bn1.running_var'):
        more = torch.ones_like if name.endswith('var') else torch.zeros_like
        widened[name] = torch.cat([state[name], more(wanted[name][-further:])])
    shortcut = 'layer1.0.downsample'
    for name in ('layer1.0.conv1.weight', f'{shortcut}.0.weight'):
        if name in state:
            widened[name] = torch.cat([state[name], torch.zeros_like(wanted[name][:, -further:])], 1)
    if f'{shortcut}.0.weight' not in state:
        kernel = wanted[f'{shortcut}.0.weight']
        widened[f'{shortcut}.0.weight'] = torch.eye(*kernel.shape[:2])[:, :, None, None]
        ones = torch.ones(len(kernel))
        widened.update({
            f'{shortcut}.1.weight': ones * math.sqrt(1 + BN_EPS), f'{shortcut}.1.bias': 0 * ones,
            f'{shortcut}.1.running_mean': 0 * ones, f'{shortcut}.1.running_var': ones,
            f'{shortcut}.1.num_batches_tracked': torch.tensor(0)})
    return widened


def rename_stem(state: Mapping[str, T], style: str) -> dict[str, T]:
    """A ResNet's state dict with the names of its deep stem, if it has one, in the style of another package.

    Args:
        state: by name without prefix, in any of the styles.
        style: key of :data:`DEEP_STEMS`.
    """
    modules = {name.rpartition('.')[0] for name in state}
    for stem in DEEP_STEMS.values():
        if modules.issuperset(stem):
            new_names = dict(zip(stem, DEEP_STEMS[style], strict=True))
            break
    else:
        return dict(state)
    renamed = {}
    for name, value in state.items():
        module, _, leaf = name.rpartition('.')
        renamed[f'{new_names.get(module, module)}.{leaf}'] = value
    return renamed
