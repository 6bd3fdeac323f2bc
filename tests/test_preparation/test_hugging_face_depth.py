"""Depth models of Hugging Face: tiny random ones of every family, and what their processors do to a prediction."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from mmdepthcp.preparation.depth_inference import infer_tree
from mmdepthcp.preparation.foreign_depth import OWN_POST_PROCESSING, HuggingFacePredictor, set_common_scale
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import read_json
from mmdepthcp.utils.images import read_disparity, read_image

SIZES = {'a/1.png': (40, 60), 'a/2.jpg': (40, 60), 'b/3.png': (64, 96)}


@pytest.fixture
def images(tmp_path):
    """Bright below, dark above, with noise; of two sizes and kinds."""
    rng = np.random.default_rng(0)
    for name, size in SIZES.items():
        path = tmp_path / 'images' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = np.linspace(0, 200, size[0])[:, None, None] + rng.integers(0, 55, (*size, 3))
        cv2.imwrite(str(path), image.astype(np.uint8))
    return tmp_path / 'images'


def _dinov2(transformers, **changes):
    settings = dict(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, mlp_ratio=1, image_size=28, patch_size=14)
    return transformers.Dinov2Config(**{**settings, **changes})


def _anything(transformers, kind='DepthAnything', **changes):
    backbone = _dinov2(transformers, out_indices=[1, 2, 3, 4], reshape_hidden_states=False, apply_layernorm=True)
    return getattr(transformers, f'{kind}Config')(
        backbone_config=backbone, patch_size=14, reassemble_hidden_size=16, neck_hidden_sizes=[8] * 4,
        fusion_hidden_size=8, head_hidden_size=8, **changes)


def _dpt(transformers):
    return transformers.DPTConfig(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=16, image_size=32, patch_size=16,
        backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8] * 4, fusion_hidden_size=8, is_hybrid=False)


def _glpn(transformers):
    return transformers.GLPNConfig(
        depths=[1] * 4, hidden_sizes=[8] * 4, num_attention_heads=[1] * 4, decoder_hidden_size=8, mlp_ratios=[1] * 4)


def _zoedepth(transformers):
    backbone = transformers.BeitConfig(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=16, image_size=32, patch_size=16,
        out_features=['stage1', 'stage2', 'stage3', 'stage4'], reshape_hidden_states=False)
    return transformers.ZoeDepthConfig(
        backbone_config=backbone, backbone_hidden_size=16, neck_hidden_sizes=[8] * 4, fusion_hidden_size=8,
        bottleneck_features=8, bin_embedding_dim=8, num_relative_features=8, num_attractors=[2, 1, 1, 1],
        bin_configurations=[dict(n_bins=4, min_depth=.5, max_depth=10., name='street')])


def _depth_pro(transformers):
    backbones = {f'{part}_model_config': _dinov2(transformers, image_size=32, patch_size=8)
                 for part in ('image', 'patch', 'fov')}
    return transformers.DepthProConfig(
        fusion_hidden_size=8, patch_size=32, intermediate_hook_ids=[2, 0], intermediate_feature_dims=[8, 8],
        scaled_images_ratios=[.5, 1.], scaled_images_overlap_ratios=[0., .5], scaled_images_feature_dims=[8, 8],
        merge_padding_value=1, use_fov_model=True, num_fov_head_layers=1, **backbones)


FAMILIES = {
    # name: (config, image processor, its settings, what the model gives)
    'dpt': (_dpt, 'DPT', dict(size=dict(height=32, width=32)), 'inverse'),
    'glpn': (_glpn, 'GLPN', {}, 'metric'),
    'depth_anything': (_anything, 'DPT', dict(size=dict(height=28, width=42)), 'inverse'),
    'depth_anything_metric': (
        lambda transformers: _anything(transformers, depth_estimation_type='metric', max_depth=20), 'DPT',
        dict(size=dict(height=28, width=42)), 'metric'),
    'prompt_depth_anything': (
        lambda transformers: _anything(
            transformers, 'PromptDepthAnything', depth_estimation_type='metric', max_depth=20), 'PromptDepthAnything',
        dict(size=dict(height=28, width=42)), 'metric'),
    'zoedepth': (_zoedepth, 'ZoeDepth', dict(size=dict(height=64, width=96)), 'metric'),
    'depth_pro': (_depth_pro, 'DepthPro', dict(size=dict(height=64, width=64)), 'metric'),
}


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
    """Makes a random model of a family and saves it and its processor; gives the folder."""
    transformers = pytest.importorskip('transformers')
    root = tmp_path_factory.mktemp('models')

    def save(family: str) -> Path:
        config, processor, settings, _ = FAMILIES[family]
        kind = f'{processor}ImageProcessor'
        if not hasattr(transformers, kind):
            pytest.skip(f'this transformers has no {kind}')
        if family in OWN_POST_PROCESSING and not hasattr(
                getattr(transformers, kind), 'post_process_depth_estimation'):
            pytest.skip(f'the {kind} of this transformers does not say what to do with predictions')
        folder = root / family
        if not folder.exists():
            torch.manual_seed(0)
            model = transformers.AutoModelForDepthEstimation.from_config(config(transformers))
            for weights in model.parameters():
                if weights.ndim > 1:
                    torch.nn.init.normal_(weights, std=.2)
            if family == 'depth_pro':  # degrees
                [layer for layer in model.fov_model.modules() if isinstance(layer, torch.nn.Conv2d)][-1].bias.data += 60
            if FAMILIES[family][3] == 'inverse':
                [layer for layer in model.head.modules() if isinstance(layer, torch.nn.Conv2d)][-1].bias.data += .5
            model.save_pretrained(folder)
            getattr(transformers, kind)(**settings).save_pretrained(folder)
        return folder

    return save


def test_every_family_is_here():
    auto = pytest.importorskip('transformers.models.auto.modeling_auto')
    known = {name.removesuffix('_metric') for name in FAMILIES}
    assert set(auto.MODEL_FOR_DEPTH_ESTIMATION_MAPPING_NAMES) <= known


@pytest.mark.parametrize('family', FAMILIES)
def test_disparity_is_made_of_what_the_processor_says(saved, images, tmp_path, family):
    predictor = HuggingFacePredictor(str(saved(family)), 'cpu', nearest=.5)
    if not hasattr(predictor.processor, 'post_process_depth_estimation'):
        pytest.skip('this transformers only resizes here')
    assert predictor.output == FAMILIES[family][3]
    set_common_scale(predictor, images, tmp_path / 'out')
    assert infer_tree(predictor, images, tmp_path / 'out', batch_size=3) == ([], 3)
    for name, size in SIZES.items():
        pixels = predictor.processor(images=read_image(images / name)[..., ::-1].copy(), return_tensors='pt')
        with torch.no_grad():
            outputs = predictor.model(**pixels)
        sizes = dict(source_sizes=[size]) if family == 'zoedepth' else {}
        found, = predictor.processor.post_process_depth_estimation(outputs, target_sizes=[size], **sizes)
        values = found['predicted_depth'].numpy()
        expected = np.minimum(.5 / values, 1) if predictor.output == 'metric' else (values / predictor.scale).clip(0, 1)
        disparity = read_disparity(tmp_path / 'out' / Path(name).with_suffix('.png'))
        assert disparity.shape == size and 0 < disparity.mean() < 1
        np.testing.assert_allclose(disparity, expected, atol=2e-5)


class Brightness(torch.nn.Module):
    """Says that bright is close: what it predicts is 1 / (1 − brightness / 2) metres, or for Depth Pro, whose field of
    view of 90 degrees doubles it, half of the inverse of that.
    """

    def __init__(self, config, processor) -> None:
        super().__init__()
        self.config = config
        self.mean, self.std = (getattr(processor, key, None) for key in ('image_mean', 'image_std'))

    def forward(self, pixels):
        grey = pixels if self.mean is None else (
            pixels * torch.tensor(self.std)[:, None, None] + torch.tensor(self.mean)[:, None, None])
        disparity = 1 - grey.mean(1) / 2
        if self.config.model_type == 'depth_pro':
            return SimpleNamespace(predicted_depth=disparity / 2, field_of_view=torch.full((len(pixels),), 90.))
        return SimpleNamespace(predicted_depth=1 / disparity)


@pytest.mark.parametrize('family', [name for name, family in FAMILIES.items() if family[3] == 'metric'])
@pytest.mark.parametrize('size', [(96, 192), (200, 100)])
def test_predictions_lie_over_the_image(saved, tmp_path, family, size):
    predictor = HuggingFacePredictor(str(saved(family)), 'cpu', nearest=.5)
    predictor.model = Brightness(predictor.model.config, predictor.processor)
    rows, columns = np.mgrid[:size[0], :size[1]]
    wave = 128 + 60 * np.sin(rows * 6.28 / size[0]) * np.cos(columns * 6.28 / size[1])
    cv2.imwrite(str(tmp_path / 'wave.png'), np.repeat(wave[..., None], 3, 2).astype(np.uint8))
    found, = predictor.predict([predictor.prepare(tmp_path / 'wave.png')])
    truth = (1 - wave / 255 / 2) / 2
    inner = (slice(8, -8), slice(8, -8))
    assert np.abs(found - truth)[inner].max() < .02


def test_resizing_makes_no_near_thing_infinitely_far(saved):
    predictor = HuggingFacePredictor(str(saved('depth_anything_metric')), 'cpu')
    depth = torch.full((1, 28, 42), 80.)
    depth[:, :, :10] = 1
    found, = predictor._post_process(SimpleNamespace(predicted_depth=depth), [(56, 84)])
    assert found.min() > 0 and found[:, :16].max() < 2


def test_hugging_face_inverse_depth_has_one_scale(saved, images, tmp_path):
    predictor = HuggingFacePredictor(str(saved('depth_anything')), 'cpu')
    assert predictor.output == 'inverse'
    out = tmp_path / 'out'
    set_common_scale(predictor, images, out)
    raw = predictor.raw([predictor.prepare(images / name) for name in ('a/1.png', 'a/2.jpg', 'b/3.png')])
    assert [values.shape for values in raw] == list(SIZES.values())
    scale = max(np.percentile(values, 99.9) for values in raw)
    assert predictor.scale == pytest.approx(scale)
    assert infer_tree(predictor, images, out, batch_size=3) == ([], 3)
    for name, values in zip(('a/1', 'a/2', 'b/3'), raw, strict=True):
        expected = np.maximum((values / scale).clip(0, 1), 1e-6)
        np.testing.assert_allclose(read_disparity(out / f'{name}.png'), expected, atol=1e-4)


def test_another_model_under_the_same_name_is_told(saved, images, tmp_path):
    folder = tmp_path / 'model'
    shutil.copytree(saved('depth_anything'), folder)
    predictor = HuggingFacePredictor(str(folder), 'cpu')
    set_common_scale(predictor, images, tmp_path / 'out')
    infer_tree(predictor, images, tmp_path / 'out')
    predictor.model.head.conv3.bias.data += 1
    predictor.model.save_pretrained(folder)
    other = HuggingFacePredictor(str(folder), 'cpu')
    set_common_scale(other, images, tmp_path / 'out')
    assert other.scale > predictor.scale
    with pytest.raises(InputError, match='revision was'):
        infer_tree(other, images, tmp_path / 'out')


def test_old_processors_are_told(saved, monkeypatch):
    transformers = pytest.importorskip('transformers')
    for kind in ('ZoeDepthImageProcessor', 'ZoeDepthImageProcessorFast'):
        if kind in dir(transformers):
            monkeypatch.delattr(getattr(transformers, kind), 'post_process_depth_estimation', raising=False)
    folder = saved('depth_anything').parent / 'old'
    transformers.AutoModelForDepthEstimation.from_config(FAMILIES['zoedepth'][0](transformers)).save_pretrained(folder)
    transformers.ZoeDepthImageProcessor().save_pretrained(folder)
    with pytest.raises(ImportError, match=r'transformers>=4\.47'):
        HuggingFacePredictor(str(folder), 'cpu')


def test_hugging_face_restart_keeps_the_scale(saved, images, tmp_path):
    predictor = HuggingFacePredictor(str(saved('depth_anything')), 'cpu')
    set_common_scale(predictor, images, tmp_path / 'out')
    infer_tree(predictor, images, tmp_path / 'out')
    cv2.imwrite(str(images / 'new.png'), np.full((8, 16, 3), 255, np.uint8))
    again = HuggingFacePredictor(str(saved('depth_anything')), 'cpu')
    set_common_scale(again, images, tmp_path / 'out')
    assert again.scale == predictor.scale
    assert infer_tree(again, images, tmp_path / 'out') == ([], 1)


def test_hugging_face_metric_depth(saved, images, tmp_path):
    predictor = HuggingFacePredictor(str(saved('depth_anything_metric')), 'cpu', nearest=2.)
    assert predictor.output == 'metric'
    set_common_scale(predictor, images, tmp_path / 'out')
    infer_tree(predictor, images, tmp_path / 'out')
    depth, = predictor.raw([predictor.prepare(images / 'b/3.png')])
    np.testing.assert_allclose(read_disparity(tmp_path / 'out/b/3.png'), np.minimum(2 / depth, 1), atol=1e-4)
    assert read_json(tmp_path / 'out/meta.json')['nearest'] == 2


def test_no_hugging_face_model(tmp_path):
    pytest.importorskip('transformers')
    with pytest.raises(InputError, match='cannot be loaded'):
        HuggingFacePredictor(str(tmp_path), 'cpu')


def test_transformers_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, 'transformers', None)
    with pytest.raises(ImportError, match='pip install transformers'):
        HuggingFacePredictor('depth-anything/Depth-Anything-V2-Small-hf', 'cpu')
