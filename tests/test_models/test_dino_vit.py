from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmdepthcp.engine.hooks import PretrainedCheckHook
from mmdepthcp.models.backbones import DINOViT
from mmdepthcp.utils.errors import InputError

WIDTH, DEPTH, HEADS, PATCH, SIDE = 24, 3, 2, 4, 32
ARCH = dict(embed_dims=WIDTH, num_layers=DEPTH, num_heads=HEADS, feedforward_channels=4 * WIDTH)


def trunk(**settings):
    return DINOViT(arch=ARCH, img_size=SIDE, patch_size=PATCH, **settings).eval()


def images(height=SIDE, width=SIDE):
    return torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(1))


def shaken(model):
    """No weight keeps a value, such as 0 or 1, that would hide that it is not used."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def timm_vit(**settings):
    from timm.models.vision_transformer import VisionTransformer

    return shaken(VisionTransformer(**{
        **dict(img_size=SIDE, patch_size=PATCH, embed_dim=WIDTH, depth=DEPTH, num_heads=HEADS, num_classes=0),
        **settings}))


def loaded(tmp_path, state, prefix=None, **settings):
    torch.save(state, tmp_path / 'weights.pth')
    model = trunk(
        init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'weights.pth'), prefix=prefix), **settings)
    model.init_weights()
    return model


def as_map(tokens, size=(SIDE // PATCH, SIDE // PATCH)):
    return tokens.mT.unflatten(2, size)


def dino(state, x, offset=0.1):
    """A vision transformer as DINO (Caron et al., ICCV 2021) has it, written down plainly."""
    weight = {name: tensor.double() for name, tensor in state.items()}

    def linear(name, tokens):
        return tokens @ weight[f'{name}.weight'].T + weight[f'{name}.bias']

    def norm(name, tokens):
        return F.layer_norm(tokens, (WIDTH,), weight[f'{name}.weight'], weight[f'{name}.bias'], 1e-6)

    patches = F.conv2d(x.double(), weight['patch_embed.proj.weight'], weight['patch_embed.proj.bias'], PATCH)
    size, grid = patches.shape[-2:], round((weight['pos_embed'].shape[1] - 1) ** 0.5)
    positions = weight['pos_embed'][:, 1:]
    if size != (grid, grid):
        positions = F.interpolate(
            as_map(positions, (grid, grid)), mode='bicubic',
            scale_factor=[(side + offset) / grid for side in size]).flatten(2).mT
    first = (weight['cls_token'] + weight['pos_embed'][:, :1]).expand(len(x), -1, -1)
    tokens = torch.cat([first, patches.flatten(2).mT + positions], 1)
    for block in (f'blocks.{number}' for number in range(DEPTH)):
        query, key, value = linear(f'{block}.attn.qkv', norm(f'{block}.norm1', tokens)).chunk(3, -1)
        heads, attention = [], []
        for part in range(HEADS):
            own = slice(part * WIDTH // HEADS, (part + 1) * WIDTH // HEADS)
            attention.append((query[..., own] @ key[..., own].mT / (WIDTH // HEADS) ** 0.5).softmax(-1))
            heads.append(attention[-1] @ value[..., own])
        tokens = tokens + linear(f'{block}.attn.proj', torch.cat(heads, -1))
        hidden = linear(f'{block}.mlp.fc1', norm(f'{block}.norm2', tokens))
        tokens = tokens + linear(f'{block}.mlp.fc2', F.gelu(hidden))
    return as_map(norm('norm', tokens)[:, 1:], size), torch.stack(attention, 1)[:, :, 1:, 1:]


def test_weights_with_names_of_dino_and_timm_give_what_they_give(tmp_path):
    reference = timm_vit()
    model = loaded(tmp_path, reference.state_dict())
    PretrainedCheckHook().check(nn.ModuleDict(dict(backbone=model)))
    (found,), attention = model.maps_and_attention(images())
    expected = as_map(reference.forward_features(images())[:, 1:])
    plain, plain_attention = dino(reference.state_dict(), images())
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(found.double(), plain, atol=1e-4, rtol=0)
    torch.testing.assert_close(attention.double(), plain_attention, atol=1e-5, rtol=0)
    assert torch.equal(found, model(images())[0])


def test_other_sizes_are_dinos_with_its_way_to_resize_positions_alone(tmp_path):
    state = timm_vit().state_dict()
    larger = images(44, 48)
    plain, _ = dino(state, larger)
    legacy, = loaded(tmp_path, state, legacy_pos_resize=True)(larger)
    ours, = loaded(tmp_path, state)(larger)
    torch.testing.assert_close(legacy.double(), plain, atol=1e-4, rtol=0)
    assert (ours - plain).norm() / plain.norm() > 1e-3
    exact, _ = dino(state, larger, offset=0.)
    torch.testing.assert_close(ours.double(), exact, atol=1e-4, rtol=0)


def test_weights_of_another_grid_are_resized_when_they_are_read(tmp_path):
    from timm.models.vision_transformer import VisionTransformer

    other = shaken(VisionTransformer(img_size=24, patch_size=PATCH, embed_dim=WIDTH, depth=DEPTH, num_heads=HEADS,
                                     num_classes=0))
    model = loaded(tmp_path, other.state_dict(), legacy_pos_resize=True)
    PretrainedCheckHook(min_share=1.).check(nn.ModuleDict(dict(backbone=model)))
    plain, _ = dino(other.state_dict(), images())
    torch.testing.assert_close(model(images())[0].double(), plain, atol=1e-4, rtol=0)


@pytest.mark.parametrize('prefix', ['', 'vit.'])
def test_weights_with_names_of_hugging_faces_vit(tmp_path, prefix):
    from transformers import ViTConfig, ViTModel

    reference = shaken(ViTModel(ViTConfig(
        hidden_size=WIDTH, num_hidden_layers=DEPTH, num_attention_heads=HEADS, intermediate_size=4 * WIDTH,
        image_size=SIDE, patch_size=PATCH, layer_norm_eps=1e-6), add_pooling_layer=False))
    state = {prefix + name: tensor for name, tensor in reference.state_dict().items()}
    model = loaded(tmp_path, state)
    PretrainedCheckHook(min_share=1.).check(nn.ModuleDict(dict(backbone=model)))
    expected = as_map(reference(images()).last_hidden_state[:, 1:])
    torch.testing.assert_close(model(images())[0], expected, atol=1e-4, rtol=0)


def test_weights_of_dinov2(tmp_path):
    from transformers import Dinov2Config, Dinov2Model

    reference = shaken(Dinov2Model(Dinov2Config(
        hidden_size=WIDTH, num_hidden_layers=DEPTH, num_attention_heads=HEADS, mlp_ratio=4, image_size=SIDE,
        patch_size=PATCH, layer_norm_eps=1e-6)))
    model = loaded(tmp_path, reference.state_dict(), layer_scale_init_value=1.)
    PretrainedCheckHook(min_share=1.).check(nn.ModuleDict(dict(backbone=model)))
    expected = as_map(reference(images()).last_hidden_state[:, 1:])
    torch.testing.assert_close(model(images())[0], expected, atol=1e-4, rtol=0)

    scaled = timm_vit(init_values=1.)
    model = loaded(tmp_path, scaled.state_dict(), layer_scale_init_value=1.)
    PretrainedCheckHook(min_share=1.).check(nn.ModuleDict(dict(backbone=model)))
    torch.testing.assert_close(model(images())[0], as_map(scaled.forward_features(images())[:, 1:]), atol=1e-4, rtol=0)


def test_the_teacher_of_a_whole_training_and_half_precision(tmp_path):
    reference = timm_vit()
    half = {f'backbone.{name}': tensor.half() for name, tensor in reference.state_dict().items()}
    model = loaded(tmp_path, dict(teacher=half, epoch=3), prefix='backbone.')
    PretrainedCheckHook(min_share=1.).check(nn.ModuleDict(dict(backbone=model)))
    rounded = reference.half().float().forward_features(images())[:, 1:]
    torch.testing.assert_close(model(images())[0], as_map(rounded), atol=1e-4, rtol=0)


def test_blocks_below_the_last_come_without_the_final_norm(tmp_path):
    reference = timm_vit()
    maps = loaded(tmp_path, reference.state_dict(), out_indices=(0, 2))(images())
    expected = reference.get_intermediate_layers(images(), n=[0, 2], reshape=True)
    torch.testing.assert_close(maps[0], expected[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(maps[1], as_map(reference.forward_features(images())[:, 1:]), atol=1e-4, rtol=0)


def test_weights_that_do_not_fit_are_refused(tmp_path):
    deeper = {name.replace('blocks.2.', 'blocks.7.'): tensor for name, tensor in timm_vit().state_dict().items()}
    with pytest.raises(InputError, match='other or more blocks: set arch'):
        PretrainedCheckHook().check(nn.ModuleDict(dict(backbone=loaded(tmp_path, deeper))))
    with pytest.raises(InputError, match='register tokens'):
        loaded(tmp_path, dict(timm_vit().state_dict(), reg_token=torch.zeros(1, 4, WIDTH)))
    with pytest.raises(InputError, match='49 position embeddings are no class token and a square grid; set img_size'):
        loaded(tmp_path, timm_vit(img_size=(24, 32)).state_dict())


@pytest.mark.parametrize(('other', 'settings', 'complaint'), [
    (dict(patch_size=2 * PATCH), {}, r'patches of another size: set patch_size \(patch_embed\.projection\.weight'),
    (dict(init_values=1.), {}, r'.*set layer_scale_init_value \(1\.0 for DINOv2\) \(layers\.0\.attn\.gamma1\.weight'),
    ({}, dict(layer_scale_init_value=1.), r'.*leave layer_scale_init_value out \(layers\.0\.attn\.gamma1'),
    (dict(depth=DEPTH + 2), {}, rf'other or more blocks: set arch \(layers\.{DEPTH}\.'),
    (dict(embed_dim=2 * WIDTH), {}, r'another width: set arch \(cls_token \(1, 1, 48\) instead of \(1, 1, 24\)'),
], ids=['patch', 'scaled', 'not scaled', 'more blocks', 'wider'])
def test_weights_of_another_transformer_are_refused_though_most_fit(tmp_path, other, settings, complaint):
    state = timm_vit(**other).state_dict()
    with pytest.raises(InputError, match=f'those of another transformer: {complaint}'):
        PretrainedCheckHook().check(nn.ModuleDict(dict(backbone=loaded(tmp_path, state, **settings))))


def test_heads_and_wrappers_are_no_other_transformer(tmp_path):
    state = {f'module.backbone.{name}': tensor for name, tensor in timm_vit(init_values=1.).state_dict().items()}
    state['module.head.mlp.0.weight'] = state['module.backbone.mask_token'] = torch.zeros(3)
    model = loaded(tmp_path, dict(teacher=state), prefix='backbone.', layer_scale_init_value=1.)
    PretrainedCheckHook(min_share=1.).check(nn.ModuleDict(dict(backbone=model)))
    assert torch.equal(model.layers[0].attn.qkv.weight, state['module.backbone.blocks.0.attn.qkv.weight'])


def test_checkpoints_of_its_own_are_read_as_they_are(tmp_path):
    model = shaken(trunk())
    again = trunk()
    again.load_state_dict(model.state_dict())
    assert torch.equal(again(images())[0], model(images())[0])


def test_images_that_no_patches_fill_are_resized_to_those_they_do():
    model, odd = shaken(trunk()), images(35, 29)
    fitting = F.interpolate(odd, (36, 28), mode='bilinear', align_corners=False)
    assert torch.equal(model(odd)[0], model(fitting)[0]) and model(odd)[0].shape[-2:] == (9, 7)
