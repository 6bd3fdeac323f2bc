"""Vision transformers with weights of DINO and its kin, as dense features."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmpretrain.models import VisionTransformer
from mmpretrain.models.utils import resize_pos_embed
from torch import Tensor

from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError

LEGACY_OFFSET = 0.1
OWNERS = ('vit.', 'deit.', 'dinov2.')
"""What models of transformers with a head put in front of the names of the trunk."""
QUERY_KEY_VALUE = re.compile(r'(.*)\.attention\.attention\.(query|key|value)\.(weight|bias)')
RENAMED = tuple((re.compile(pattern), name) for pattern, name in (
    (r'^embeddings\.cls_token$', 'cls_token'),
    (r'^embeddings\.position_embeddings$', 'pos_embed'),
    (r'^embeddings\.patch_embeddings\.projection\.', 'patch_embed.projection.'),
    (r'^patch_embed\.proj\.', 'patch_embed.projection.'),
    (r'^(layernorm|norm)\.', 'ln1.'),
    (r'^(blocks|encoder\.layer)\.', 'layers.'),
    (r'\.(norm1|layernorm_before)\.', '.ln1.'),
    (r'\.(norm2|layernorm_after)\.', '.ln2.'),
    (r'\.attention\.output\.dense\.', '.attn.proj.'),
    (r'\.(mlp\.fc1|intermediate\.dense)\.', '.ffn.layers.0.0.'),
    (r'\.(mlp\.fc2|output\.dense)\.', '.ffn.layers.1.'),
    (r'\.(ls1\.gamma|layer_scale1\.lambda1)$', '.attn.gamma1.weight'),
    (r'\.(ls2\.gamma|layer_scale2\.lambda1)$', '.ffn.gamma2.weight')))


def mmpretrain_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a vision transformer under the names of MMPretraining.

    Args:
        state: weights under the names of DINO and timm (``blocks.0.attn.qkv.weight``), of Hugging Face's ViT, DeiT and
            Dinov2 (``encoder.layer.0.attention.attention.query.weight``) or of MMPretraining. Names that none of these
            knows are left as they are.

    Raises:
        InputError: they are those of a transformer with register tokens.
    """
    found: dict[str, Tensor] = {}
    split: dict[str, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        owner = next((owner for owner in OWNERS if name.startswith(owner)), '')
        name = name.removeprefix(owner)
        if name in ('register_tokens', 'reg_token', 'embeddings.register_tokens'):
            raise InputError(f'{name}: these are weights of a transformer with register tokens, which DINOViT has not; '
                             'take those of one without')
        if part := QUERY_KEY_VALUE.fullmatch(name):
            split.setdefault(f'{part[1]}.attn.qkv.{part[3]}', {})[part[2]] = tensor
        else:
            found[name] = tensor
    for name, parts in split.items():
        if len(parts) == 3:
            found[name] = torch.cat([parts[key] for key in ('query', 'key', 'value')])
    for pattern, name in RENAMED:
        found = {pattern.sub(name, old): tensor for old, tensor in found.items()}
    return found


def legacy_positions(positions: Tensor, source: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Position embeddings (1, 1 + h·w, C) of a grid ``source`` for another one, as DINO's code enlarges them.

    It tells the bicubic interpolation the factor (size + 0.1) / source, not the size: a step between samples that is a
    little too small.
    """
    (height, width), channels = source, positions.shape[-1]
    grid = positions[:, 1:].reshape(1, height, width, channels).permute(0, 3, 1, 2)
    factors = [(new + LEGACY_OFFSET) / old for new, old in zip(size, source, strict=True)]
    resized = F.interpolate(grid.float(), scale_factor=factors, mode='bicubic').to(grid.dtype)
    return torch.cat([positions[:, :1], resized.flatten(2).mT], 1)


def _with_lists(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """MMPretraining changes ``out_indices`` in place."""
    return {name: list(value) if name == 'out_indices' and isinstance(value, Sequence) else value
            for name, value in kwargs.items()}


@MODELS.register_module()
class DINOViT(VisionTransformer):
    """MMPretraining's ``VisionTransformer`` as the trunk of dense features: the patch tokens as maps.

    Weights (``init_cfg=dict(type='Pretrained', checkpoint=FILE)``) may have the names of DINO, timm, Hugging Face or
    MMPretraining, see :func:`mmpretrain_names`. Images whose sides are no multiples of the patch are resized to the
    nearest that are.

    Args:
        arch: 'deit-small' is ViT-S, 'deit-base' ViT-B; or see mmpretrain.
        img_size: of the images the weights belong to, in pixels: their grid of position embeddings. Images of other
            sizes get them resized.
        patch_size: 8, 14 or 16.
        legacy_pos_resize: resize them as DINO's code does (:func:`legacy_positions`), for published checkpoints of
            STEGO and DepthG.
        kwargs: arguments of mmpretrain's, such as ``out_indices`` (blocks, from 0 on; the last by default, after the
            final norm) and ``layer_scale_init_value`` (not 0 for DINOv2).
    """

    def __init__(self, arch: str | dict = 'deit-small', img_size: int | tuple[int, int] = 224, patch_size: int = 8,
                 legacy_pos_resize: bool = False, **kwargs: Any) -> None:
        super().__init__(arch=arch, img_size=img_size, patch_size=patch_size, out_type='featmap',
                         **_with_lists(kwargs))
        self.legacy_pos_resize = legacy_pos_resize

    @classmethod
    def stock_config(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Config of MMPretraining's own transformer that takes the same weights.

        Args:
            settings: arguments of this class.
        """
        call = inspect.signature(cls).bind(**settings)
        call.apply_defaults()
        kwargs = _with_lists(call.arguments.pop('kwargs'))
        del call.arguments['legacy_pos_resize']
        return dict(type='VisionTransformer', out_type='featmap', **call.arguments, **kwargs)

    def adapt_weights(self, state: Mapping[str, Tensor], prefix: str = '') -> dict[str, Tensor]:
        """Weights under the names of this module, with position embeddings of its grid, as they are loaded.

        Args:
            state: weights by name.
            prefix: what the names of this module's weights start with.

        Raises:
            InputError: the embeddings are of no square grid, and not of this one's size.
        """
        own = mmpretrain_names({
            name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)})
        if (positions := own.get('pos_embed')) is not None and positions.shape[1] != self.pos_embed.shape[1]:
            side = round((positions.shape[1] - 1) ** 0.5)
            if side ** 2 != positions.shape[1] - 1:
                raise InputError(f'pos_embed: {positions.shape[1]} position embeddings are no class token and a square '
                                 'grid; set img_size of the backbone to that of the images the weights belong to')
            own['pos_embed'] = self._resized(positions, (side, side), tuple(self.patch_resolution))
        return {**{name: tensor for name, tensor in state.items() if not name.startswith(prefix)},
                **{prefix + name: tensor for name, tensor in own.items()}}

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args: Any) -> None:
        adapted = self.adapt_weights(state_dict, prefix)
        state_dict.clear()
        state_dict.update(adapted)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _resized(self, positions: Tensor, source: tuple[int, int], size: tuple[int, int]) -> Tensor:
        if source == size:
            return positions
        if self.legacy_pos_resize:
            return legacy_positions(positions, source, size)
        return resize_pos_embed(positions, source, size, self.interpolate_mode, self.num_extra_tokens)

    def train(self, mode: bool = True) -> DINOViT:
        """Set training mode and return self, which MMPretraining's version does not."""
        super().train(mode)
        return self

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps (B, C, H / patch, W / patch) of images (B, 3, H, W), one for each of ``out_indices``."""
        return self._run(images)[0]

    def maps_and_attention(self, images: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """What :meth:`forward` gives, and the attention (B, heads, N, N) among the N patches in the last block."""
        maps, tokens = self._run(images)
        block = self.layers[-1]
        heads = block.attn.num_heads
        query, key, _ = block.attn.qkv(block.ln1(tokens)).unflatten(2, (3, heads, -1)).permute(2, 0, 3, 1, 4)
        attention = (query @ key.mT / query.shape[-1] ** 0.5).softmax(-1)
        return maps, attention[:, :, 1:, 1:]

    def _run(self, images: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """The maps, and the tokens that enter the last block."""
        patch = self.patch_embed.projection.kernel_size
        fitting = [max(1, round(side / step)) * step for side, step in zip(images.shape[-2:], patch, strict=True)]
        if fitting != list(images.shape[-2:]):
            images = F.interpolate(images, fitting, mode='bilinear', align_corners=False)
        patches, size = self.patch_embed(images)
        tokens = torch.cat([self.cls_token.expand(len(images), -1, -1), patches], 1)
        tokens = tokens + self._resized(self.pos_embed, tuple(self.patch_resolution), tuple(size))
        tokens = self.pre_norm(self.drop_after_pos(tokens))
        maps, entering = [], tokens
        for number, block in enumerate(self.layers):
            entering, tokens = tokens, block(tokens)
            last = number == len(self.layers) - 1
            if number in self.out_indices:
                maps.append(self._format_output(self.ln1(tokens) if last and self.final_norm else tokens, size))
        return tuple(maps), entering
