"""Vision transformers of MMPretraining under the names of timm."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mmdepthcp.utils.errors import InputError

if TYPE_CHECKING:
    from mmpretrain.models import VisionTransformer
    from torch import Tensor, nn

COMMON = frozenset('''
    arch img_size patch_size in_channels out_indices out_type drop_rate drop_path_rate qkv_bias frozen_stages
    interpolate_mode layer_scale_init_value
'''.split())
"""Settings of MMPretraining's transformer that timm's has too, or that change no features of images."""


def timm_transformer(model: VisionTransformer, settings: Mapping[str, Any]) -> nn.Module:
    """timm's transformer that computes the same, with random weights.

    Args:
        model: MMPretraining's.
        settings: its arguments.

    Raises:
        InputError: it has settings that timm's has in another way.
    """
    from timm.models.vision_transformer import VisionTransformer as TimmTransformer

    usual = inspect.signature(type(model)).parameters
    if others := sorted(name for name in settings.keys() - COMMON if settings[name] != usual[name].default):
        raise InputError(f'timm may compute something else than a VisionTransformer with {", ".join(others)}')
    projection, arch, attention = model.patch_embed.projection, model.arch_settings, model.layers[0].attn
    return TimmTransformer(
        img_size=model.img_size, patch_size=projection.kernel_size, in_chans=projection.in_channels, num_classes=0,
        embed_dim=model.embed_dims, depth=model.num_layers, num_heads=arch['num_heads'],
        mlp_ratio=arch['feedforward_channels'] / model.embed_dims, qkv_bias=attention.qkv.bias is not None,
        init_values=1e-5 if hasattr(attention.gamma1, 'weight') else None)


def timm_names(state: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Weights of MMPretraining's transformer under the names of timm's; what that lacks keeps its name.

    Args:
        state: weights by name.
        model: timm's.
    """
    from mmdepthcp.models.backbones.dino_vit import mmpretrain_names

    names = {next(iter(mmpretrain_names({name: tensor}))): name for name, tensor in model.state_dict().items()}
    return {names.get(name, name): tensor for name, tensor in state.items()}
