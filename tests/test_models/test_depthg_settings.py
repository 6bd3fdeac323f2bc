"""Settings of STEGO's and DepthG's configs: those of the specification, by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmdepthcp.config.loading import load_config
from mmdepthcp.engine.schedules import decayed, shrunk
from mmdepthcp.models.selfsup.depthg_settings import DepthSettings, PointSettings

FOLDER = Path(__file__).parents[2] / 'configs/depthg'
AUTO = ((.67, 'auto'), (.25, 'auto'), (.63, 'auto'))
PAIRS = dict(  # (λ, b) of an image with itself, with a neighbour, with others
    depthg_vits8_coco27=((.58, .07), (.36, .025), (.7, .761)),
    depthg_vitb8_coco27=((.23052, .12326), (1.05009, .21028), (.2485, .97481)),
    depthg_vitb8_cityscapes27=((.95, .39), (1.02, .25), (.57, .26)),
    depthg_vits8_potsdam3=((.61, .2), (.34, .09), (.72, .63)),
    stego_vits8_coco27=((.67, .08), (.25, .02), (.63, .66)),
    stego_vitb8_coco27=((.1, .12), (1, .2), (.1538, 1)),
    stego_vitb8_cityscapes27=((1, .4583), (.5775, .1754), (.9059, .3136)),
    stego_vits8_potsdam3=((.67, .08), (.25, .02), (.63, .46)),
    **{f'{method}_{data}': AUTO for method in ('stego', 'depthg')
       for data in ('toy', 'camvid_small', 'r50half_camvid', 'vits14_camvid')})
PAIRS['depthg_vits8_kitti'] = PAIRS['depthg_vits8_folder'] = PAIRS['depthg_vits8_coco27']
DEPTH = dict(  # λ_D, and as published: b_D, γ, iterations between decays, decays in a training
    vits8_coco27=(.19, .03, .6, 250, 9), vitb8_coco27=(.16026, .03591, .64, 100, 23),
    vitb8_cityscapes27=(.09, .03, .8, 400, 5), vits8_potsdam3=(.13, .14, 1, 0, 0),
    toy=(.3, .03, .6, 43, 9), camvid_small=(.3, .03, .6, 43, 9), r50half_camvid=(.3,), vits14_camvid=(.3,),
    vits8_kitti=(.19,), vits8_folder=(.19,))
PUBLISHED = dict(  # d, images in a batch, iterations between validations, points
    vits8_coco27=(70, 32, 100, 'farthest', 11), vitb8_coco27=(90, 32, 50, 'farthest', 12),
    vitb8_cityscapes27=(100, 32, 100, 'random', 11), vits8_potsdam3=(90, 16, 284, 'farthest', 11))
CONFIGS = sorted(path.stem for path in FOLDER.glob('*.py') if not path.stem.startswith('features'))


@pytest.mark.parametrize('name', CONFIGS)
def test_settings_are_those_of_the_specification(name):
    config = load_config(FOLDER / f'{name}.py')
    method, _, rest = name.partition('_')
    data, legacy = rest.removesuffix('_legacy'), rest.endswith('_legacy')
    model, small = config.model, PAIRS[f'{method}_{data}'] is AUTO
    defaults = dict(self_term=dict(weight=.67), neighbour_term=dict(weight=.25), negative_term=dict(weight=.63))
    found = [{'shift': 'auto', **defaults[key], **model.get(key, {})} for key in defaults]
    assert tuple((term['weight'], term['shift']) for term in found) == PAIRS[f'{method}_{data}']
    depth, points = DepthSettings(**model.get('depth', {})), PointSettings(**model.get('points', {}))
    iterations = config.train_cfg.max_iters
    assert iterations == (400 if small else 5000 if method == 'stego' else 2334)
    assert model.get('centre', True) == ('cityscapes' not in data) and model.get('dropout', .1) == .1
    assert points.legacy == (legacy and points.kind == 'farthest')
    weight, *published = DEPTH[data]
    if method == 'stego':
        assert depth.weight == 0 and points.kind == 'random' and points.side == (11 if 'vit' in data else 8)
    elif not legacy:
        assert (depth.weight, depth.mode, depth.centre, depth.shift) == (weight, 'abs', True, 'mean')
        assert decayed(depth.weight, depth.decay, depth.decay_interval, iterations) == weight
    else:
        shift, factor, interval, times = published
        weight = .19 if small else weight
        assert (depth.weight, depth.shift, depth.mode, depth.centre) == (weight, shift, 'legacy', False)
        assert (depth.decay, depth.decay_interval, depth.shift_decays) == (factor, interval, bool(interval))
        values = [decayed(weight, factor, interval, iteration) for iteration in range(iterations)]
        assert len(set(values)) == 1 + times and values[-1] == pytest.approx(weight * factor**times)
    if method == 'depthg' and data in PUBLISHED:
        code, images, between, kind, side = PUBLISHED[data]
        assert (model.code_channels, config.train_dataloader.batch_size, points.kind, points.side) == (
            code, images, kind, side)
        assert config.train_cfg.val_interval == config.default_hooks.checkpoint.interval == between
        assert depth.integers == (legacy and 'potsdam' in data)
        assert (points.max_depth == float('inf')) == points.legacy
        sides = [shrunk(points.side, points.decay, points.decay_interval, k, points.decay_at_start)
                 for k in (0, 1, 1001, 2001, 2333)]
        assert sides == (([11, 9, 8, 7, 7] if legacy else [11, 11, 9, 8, 8]) if data == 'vits8_coco27' else 5 * [side])


@pytest.mark.parametrize('name', [name for name in CONFIGS if 'vits8' in name or 'vitb8' in name])
def test_protocols_are_those_of_the_papers(name):
    config = load_config(FOLDER / f'{name}.py')
    if config.get('val_dataloader') is None:
        return
    square, = (step for step in config.val_dataloader.dataset.pipeline if step.type == 'mmdepthcp.CentreSquare')
    assert square.size == 320 and square.nearest
    assert config.val_evaluator.match_by == 'count' and config.model.test_cfg.crf is not None
    best = config.default_hooks.checkpoint.save_best
    record, = (hook for hook in config.custom_hooks if hook.type == 'mmdepthcp.ValidationRecordHook')
    assert best == f'{config.val_dataloader.dataset.metainfo.protocol}/{record.get("key", "mIoU")}'
    assert best.endswith('/Acc' if 'potsdam' in name else '/mIoU')
