"""STEGO and DepthG on transformers as their configs have them, but for a small transformer and small images: neighbours
are found, one step is learnt, one image is segmented.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from small_data import settings_in, write_data

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.config.loading import load_config
from mmdepthcp.engine.hooks import NeighbourCheckHook
from mmdepthcp.preparation.features import FrozenTrunk
from mmdepthcp.preparation.neighbours import NeighbourSearch
from mmdepthcp.registry import DATASETS

CONFIGS = sorted(path for path in Path(__file__).parents[2].glob('configs/depthg/*_vit*.py')
                 if not path.stem.startswith('features'))
WIDTH, CELLS = 16, 4


def small(path: Path, weights: str):
    """A config with a small transformer, whose weights have the names of DINO's, and small images."""
    from timm.models.vision_transformer import VisionTransformer

    config = load_config(path)
    backbone = config.model.backbone
    patch, side = backbone.patch_size, CELLS * backbone.patch_size
    scaled = backbone.get('layer_scale_init_value')
    torch.manual_seed(0)
    torch.save(VisionTransformer(
        img_size=side, patch_size=patch, embed_dim=WIDTH, depth=2, num_heads=2, num_classes=0, init_values=scaled,
    ).state_dict(), weights)
    backbone.arch = dict(embed_dims=WIDTH, num_layers=2, num_heads=2, feedforward_channels=4 * WIDTH)
    backbone.img_size = side
    backbone.init_cfg.checkpoint = weights
    config.model.in_channels = WIDTH
    config.model.setdefault('points', {}).update(side=3)
    loaders = [config[key] for key in ('train_dataloader', 'val_dataloader') if config.get(key)]
    for loader in loaders:
        loader.batch_size = 4
        for step in settings_in(loader, 'size'):
            step.size = side
        for step in settings_in(loader, 'scale'):
            step.scale = (side, side)
    write_data(loaders)
    return config


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_one_step(path, tmp_path, monkeypatch):
    register_modules()
    monkeypatch.delenv('MMDEPTHCP_DATA', raising=False)
    monkeypatch.chdir(tmp_path)
    config = small(path, str(tmp_path / 'weights.pth'))
    pairs = config.train_dataloader.dataset
    trunk = FrozenTrunk(config, images_alone=True)
    assert NeighbourSearch(trunk, pairs.neighbours, 8, pairs.get('centred', True)).run()
    model, dataset = trunk.model.train(), DATASETS.build(pairs)
    NeighbourCheckHook().before_train(SimpleNamespace(
        cfg=config, model=model, train_dataloader=SimpleNamespace(dataset=dataset)))

    raw = pseudo_collate([dataset[0, 0, index] for index in range(4)])
    if not model.calibrated:
        batch = model.data_preprocessor(raw, training=True)
        model.calibrate([(batch['inputs'], batch['data_samples'])])
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    logged = model.train_step(raw, build_optim_wrapper(model, config.optim_wrapper))
    expected = {'self', 'neighbour', 'negative', 'cluster'}
    expected |= {'depth'} if path.stem.startswith('depthg') else set()
    expected |= {'linear'} if config.model.num_classes else set()
    assert {name.removeprefix('loss_') for name in logged if name.startswith('loss_')} == expected
    assert all(value.isfinite() for value in logged.values())
    for name, tensor in model.named_parameters():
        assert torch.equal(tensor, before[name]) == name.startswith('backbone.'), name

    if config.get('val_dataloader'):
        images = DATASETS.build(config.val_dataloader.dataset)
        sample, = model.eval().test_step(pseudo_collate([images[0]]))
        assert 0 <= sample.pred_sem_seg.data.min() <= sample.pred_sem_seg.data.max() < config.model.num_clusters
        assert sample.pred_sem_seg.data.shape == sample.gt_sem_seg.data.shape
        assert ('pred_linear_seg' in sample) == bool(config.model.num_classes)
