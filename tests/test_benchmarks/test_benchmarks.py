"""Every benchmark at tiny sizes: what it says besides times is right."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import training
from benchmarks.copy_paste import ItemSettings, compare_views, measure_copy_paste
from benchmarks.depthg import DepthGSettings, measure_depthg
from benchmarks.estimate import Plan, Rates, as_text, estimate, rates_from_rows
from benchmarks.grouping import measure_grouping, measure_scaling
from benchmarks.growth import SERIES, measure_growth, tile_regions
from benchmarks.loss import LossSettings, measure_loss
from benchmarks.measuring import Measurement, Timing, read_rows, write_rows
from benchmarks.pixpro import PixProSettings, measure_pixpro
from benchmarks.selection import SelectionSettings, measure_selection
from benchmarks.semi import SemiSettings, measure_semi
from benchmarks.streets import image_names, make_toy_folder, read_group, read_street
from mmdepthcp.config.loading import load_config
from mmdepthcp.datasets.feature_cache import FeatureCache
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import read_json

ROOT = Path(__file__).parents[2]
SIZE = (96, 48)
ITEM = ItemSettings(2, SIZE, region_points=50, pixel_points=30)
LOSS = LossSettings(region_samples=300, pixel_samples=200, regions=20, prototypes=16, dims=8)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp('streets')
    make_toy_folder(out, 4, SIZE, regions_per_image=12)
    return out


def test_toy_folder(folder):
    names = image_names(folder, 6)
    assert len(names) == 6 and len(set(names)) == 4
    street = read_street(folder, names[0], (48, 24))
    assert street.image.shape == (24, 48, 3) and street.disparity.shape == street.labels.shape == (24, 48)
    images, regions, disparities = read_group(folder, 2, SIZE)
    assert {array.shape[:2] for array in (*images, *regions, *disparities)} == {(48, 96)}
    assert regions[0].max() == 11
    for file in (folder / 'labels').iterdir():
        file.rename(file.with_suffix('.away'))
    with pytest.raises(InputError, match='no such label file'):
        read_street(folder, names[0], SIZE)
    for file in (folder / 'labels').iterdir():
        file.rename(file.with_suffix('.png'))


def test_depthg(monkeypatch):
    read, getitem = [], FeatureCache.__getitem__
    monkeypatch.setattr(FeatureCache, '__getitem__', lambda self, index: read.append(index) or getitem(self, index))
    settings = DepthGSettings(maps=3, side=6, points=9, channels=16, codes=5, images=40, descriptor=8, crf_side=24,
                              classes=4)
    rows = {row.name.partition('/')[2]: row.figures for row in measure_depthg(settings, repeats=2)}
    assert len(read) == 3 * 2 * settings.maps  # an image and its neighbour, in each step
    assert rows['sampling']['equal'] == 1 and rows['hidden_positives']['difference'] < 1e-5
    assert 0 < rows['train_step']['loss_and_probes'] < 1 and rows['neighbours']['of_product'] > 0
    assert rows['crf']['images_per_s'] > 0


def test_selection():
    whole, matrix = measure_selection(SelectionSettings(120, 16, 20), repeats=2, plain_repeats=1)
    assert (whole.name, matrix.name) == ('select/all', 'select/matrix') and 'exponent' in whole.figures
    assert matrix.figures == dict(equal=1) and matrix.settings['images'] == 30 and matrix.ratio


def test_pixpro():
    settings = PixProSettings(images=2, view=64, channels=8, disparity=(20, 30), depth=18)
    rows = {row.name.partition('/')[2]: row.figures for row in measure_pixpro(settings, repeats=2, plain_repeats=1)}
    assert rows['pooling']['difference'] < 1e-6
    assert 0 < rows['matching']['of_step'] < 1 and rows['memory']['largest_side'] == 8


def test_semi():
    from mmdepthcp.models.segmentors import mean_teacher

    before = mean_teacher.mix
    config = load_config(ROOT / 'configs/semi/depthmix_toy.py')
    row, = measure_semi(config, SemiSettings(2, (32, 64), steps=2), repeats=2)
    figures = row.figures
    assert row.ratio == row.plain_median_s / row.median_s == pytest.approx(1 / (1 + figures['over_supervised']))
    parts = ('mixing', 'colours', 'labels', 'update')
    assert figures['teacher'] > 0 and all(figures[f'{name}_s'] > 0 for name in parts)
    assert mean_teacher.mix is before


def test_grouping(folder):
    row, = measure_grouping(folder, SIZE, 400, num_images=2, repeats=3)
    figures = row.figures
    assert row.ratio == row.plain_median_s / row.median_s
    assert figures['regions'] <= figures['plain_regions'] and figures['learnt_s'] > 0
    assert all(0 < figures[name] <= 1 for name in (
        'oracle_miou', 'boundary_recall', 'plain_oracle_miou', 'plain_boundary_recall'))
    alone, = measure_grouping(folder, SIZE, 400, num_images=1, repeats=1, plain=False)
    assert alone.plain_median_s is None and 'oracle_miou' not in alone.figures


def test_scaling(folder):
    rows = measure_scaling(folder, SIZE, 400, num_images=1, processes=(1, 2), tasks=2, repeats=1)
    assert [row.settings['processes'] for row in rows] == [1, 2]
    assert rows[0].figures['speed_up'] == 1
    assert rows[1].figures['speed_up'] == rows[0].median_s / rows[1].median_s


def test_copy_paste(folder):
    item, views, pixel_matches = measure_copy_paste(folder, ITEM, repeats=2, plain_repeats=1)
    assert item.figures['views'] == 4 and item.figures['regions'] == 24
    assert sum(value for name, value in item.figures.items() if name.endswith('_share')) == pytest.approx(1)
    assert views.figures['other_labels'] < 0.01 and views.figures['colour_difference'] < 0.5
    assert views.ratio > 0 and pixel_matches.ratio > 0


def test_comparison_of_views_leaves_soft_edges_out():
    class Mixed:
        labels = np.zeros((1, 8, 12), np.int32)
        images = np.zeros((1, 8, 12, 3), np.uint8)

    labels, images = Mixed.labels.copy(), Mixed.images.copy()
    labels[0, :, 6:] = 1
    images[0, :, 5] = 200
    images[0, 0, 0] = 4
    figures = compare_views(Mixed, images, labels)
    assert figures['other_labels'] == 0.5
    assert figures['largest_colour_difference'] == 4
    assert figures['colour_difference'] == pytest.approx(4 / (8 * 8))  # columns 0..3 and 8..11 are uniform


@pytest.mark.parametrize('half', [False, True])
def test_loss(half):
    row, = measure_loss(LossSettings(**{**vars(LOSS), 'half': half}), repeats=2, plain_repeats=1)
    assert row.figures['loss_difference'] < 1e-5
    assert row.figures['gradient_difference'] < (0.01 if half else 1e-4)
    assert {'plain_peak_mb', 'memory_ratio'} <= set(row.figures)


def test_growth(folder):
    rows = measure_growth(folder, ITEM, LOSS, factors=(0.5, 1), repeats=1)
    assert [row.name for row in rows[::2]] == [f'growth/{name}' for name in SERIES]
    sizes = [[next(iter(row.settings.values())) for row in pair] for pair in zip(rows[::2], rows[1::2], strict=True)]
    assert rows[2].settings['cp_times'] == (2, 4) and rows[-1].settings['pixel_samples'] == 200
    assert sizes == [[2312, 4608], [1, 2], [2312, 4608], [40, 80], [3, 6], [8, 16], [150, 300]]
    pasted = {row.name: row.figures['pasted_megapixels'] for row in rows if 'copy_paste' in row.name}
    assert len(pasted) == 4 and min(pasted.values()) > 0
    assert all({'time_exponent', 'memory_exponent'} <= set(row.figures) for row in rows)
    with pytest.raises(InputError, match='no such series'):
        measure_growth(folder, ITEM, LOSS, series=['colour'])


@pytest.mark.parametrize('count', [1, 20, 80])
def test_tiles(count):
    tiles = tile_regions((96, 48), count)
    areas = np.bincount(tiles.ravel())
    assert abs(len(areas) - count) <= 0.2 * count
    assert areas.min() > 0.6 * areas.max()


@pytest.mark.parametrize('workers', [0, 1])
def test_training_steps_and_evaluation(folder, workers):
    settings = training.StepSettings(num_workers=workers, steps=2, warmup=1)
    config = load_config(ROOT / 'configs/depthcp_toy.py')
    row = training.measure_step('train_step', config, folder, settings)
    shares = ('data', 'preparation', 'forward', 'loss_forward', 'backward', 'optimiser')
    assert sum(row.figures[f'{name}_share'] for name in shares) == pytest.approx(1)
    assert row.figures['network_share'] == row.figures['network_s'] / row.figures['step_s']
    row = training.measure_unsupervised_evaluation(load_config(ROOT / 'configs/depthcp_toy.py'), folder, settings)
    assert row.figures['images_per_s'] == 1 / row.median_s


def test_depth(folder):
    settings = training.StepSettings(num_workers=0, steps=2, warmup=1)
    config = load_config(ROOT / 'configs/monodepth/monodepth_toy.py', [
        'train_dataloader.batch_size=2', 'model.type=mmdepthcp.MonoDepth'])
    row = training.measure_step('depth/train', config, folder, settings)
    assert row.figures['images_per_s'] == 2 / row.median_s
    config = load_config(ROOT / 'configs/monodepth/monodepth_toy.py', ['train_dataloader.batch_size=2'])
    row = training.measure_inference('depth/inference', config, folder, settings)
    assert row.figures['images_per_s'] == 1 / row.median_s and row.settings['batch'] == 2


def test_profiling_leaves_the_networks_as_they_were(folder):
    config = load_config(ROOT / 'configs/depthcp_toy.py')
    settings = training.StepSettings(num_workers=0, steps=1, warmup=0)
    training.use_folder(config, folder)
    model = training.build_model(config, settings, 0)
    batches = iter(training.build_loader(config.train_dataloader, 0, 0))
    training.profile_steps(model, training.build_optimiser(config, model, settings), batches, settings)
    assert all('forward' not in vars(part) for part in training.network_parts(model))


def test_channels_last_can_be_switched_off():
    config = load_config(ROOT / 'configs/depthcp_toy.py')
    weights = training.build_model(config, training.StepSettings(channels_last=False), 0).backbone.conv1.weight
    assert weights.is_contiguous() and weights.device == torch.device('cpu')
    with pytest.raises(InputError, match='GPU'):
        training.StepSettings(amp=True)


def test_loading(folder):
    config = load_config(ROOT / 'configs/depthcp_toy.py')
    rows = training.measure_loading(config, folder, workers=(0, 1), items=3)
    assert [row.settings['workers'] for row in rows] == [0, 1]
    assert rows[0].peak_mb is None and rows[1].peak_mb > 1
    assert rows[1].figures['speed_up'] == rows[0].figures['mean_s'] / rows[1].figures['mean_s']


RATES = Rates(depth_step_s=0.01, inference_s=0.02, grouping_s=0.18, item_s=0.36, pretrain_step_s=0.72, disparity_kb=512,
              regions_kb=256, device='a device')


def test_estimate_by_hand():
    depth, disparity, regions, pretraining = estimate(RATES, Plan(8000, depth_epochs=9, epochs=5))
    assert depth.device_hours == pytest.approx(8000 * 9 * 0.01 / 3600)
    assert disparity.device_hours == pytest.approx(160 / 3600) and disparity.disk_gb == pytest.approx(4000 / 1024)
    assert regions.core_hours == pytest.approx(0.4) and regions.disk_gb == pytest.approx(2000 / 1024)
    assert pretraining.core_hours == pytest.approx(0.5) and pretraining.device_hours == pytest.approx(1)


def test_rates_come_from_the_results_and_prefer_the_gpu(tmp_path):
    def row(name, median, settings=None, **figures):
        return Measurement.of(name, settings or {}, Timing(median, median, median), figures=figures, machine='here')

    path = tmp_path / 'speed.csv'
    rows = [row('grouping', 0.18, disparity_kb=512.0, regions_kb=256.0), row('copy_paste', 0.36),
            row('depth/train', 1.0, images_per_s=100.0), row('depth/inference', 0.02)]
    write_rows(rows, path)
    with pytest.raises(InputError, match=r'benchmarks train_step'):
        rates_from_rows(read_rows(path))
    write_rows([row('train_step', 1.0, dict(device='cuda'), step_s=0.72),
                row('train_step', 9.0, dict(device='cpu'), step_s=9.0)], path)
    assert rates_from_rows(read_rows(path)) == Rates(**{**vars(RATES), 'device': 'here [device=cuda]'})
    write_rows([row('loading', 0.5, dict(workers=0)), row('loading', 0.1, dict(workers=8))], path)
    assert rates_from_rows(read_rows(path)).item_s == 0.5
    assert '| pretraining | 0.5 | 1.0 | 0.0 |' in as_text(RATES, Plan(8000, 9, 5))


def run(monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', *map(str, args)])
    with pytest.raises(SystemExit) as ending:
        runpy.run_module('benchmarks', run_name='__main__', alter_sys=True)
    return ending.value.code


def test_tool(folder, monkeypatch, tmp_path, capsys):
    assert run(monkeypatch, 'grouping', '--data', folder, '--size', 96, 48, '--superpixels', 400, '--images', 1,
               '--repeats', 2, '--processes', '--json', tmp_path / 'rows.json', '--csv', tmp_path / 'rows.csv') == 0
    assert 'grouping  [size=96x48' in capsys.readouterr().out
    row, = read_json(tmp_path / 'rows.json')
    assert {'name', 'settings', 'median_s', 'q1_s', 'q3_s', 'plain_median_s', 'ratio', 'peak_mb', 'machine', 'commit',
            'threads', 'seed'} <= set(row)
    assert read_rows(tmp_path / 'rows.csv')[0]['name'] == 'grouping'
    assert 'no row train_step' in run(monkeypatch, 'estimate', tmp_path / 'rows.csv')
    assert 'images: no such folder' in run(monkeypatch, 'grouping', '--data', tmp_path)
    assert '--csv' in run(monkeypatch, 'all')


KERNELS = '''
import importlib, pkgutil
import numpy as np
from numba.core.dispatcher import Dispatcher
import mmdepthcp.grouping, mmdepthcp.mixing
from benchmarks.copy_paste import ItemSettings, make_item
from mmdepthcp.grouping import KITTI_INTRINSICS, group_regions
rng = np.random.default_rng(0)
images = [rng.integers(0, 256, (24, 48, 3), np.uint8) for _ in range(2)]
disparities = [rng.uniform(0.1, 1, (24, 48)).astype(np.float32) for _ in range(2)]
regions = [group_regions(*pair, KITTI_INTRINSICS) for pair in zip(images, disparities)]
make_item((images, regions, disparities), ItemSettings(2, (48, 24), region_points=9, pixel_points=9), 0)
for package in (mmdepthcp.grouping, mmdepthcp.mixing):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + '.'):
        for name, kernel in vars(importlib.import_module(module.name)).items():
            if isinstance(kernel, Dispatcher) and kernel.signatures and not sum(kernel.stats.cache_hits.values()):
                print(module.name, name)
'''


def test_compiled_kernels_are_cached_between_runs():
    for _ in range(2):
        run = subprocess.run([sys.executable, '-c', KERNELS], capture_output=True, text=True, check=True, cwd=ROOT)
        if not run.stdout:
            break
    assert not run.stdout, 'compiled again in the second run'
