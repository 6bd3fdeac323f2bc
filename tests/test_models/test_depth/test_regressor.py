from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import PARAM_SCHEDULERS, init_default_scope

import mmdepthcp.datasets  # noqa: F401
from mmdepthcp.config.loading import load_config
from mmdepthcp.models.depth import DepthNetwork, DepthRegressor
from mmdepthcp.registry import MODELS
from mmdepthcp.sampling import depth_error
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import write_disparity, write_png

CONFIGS = Path(__file__).parents[3] / 'configs/selection'
PACK = [dict(type='LoadImage'), dict(type='LoadDisparity'), dict(type='StretchDisparity'), dict(type='PackDisparity')]


@pytest.fixture(autouse=True)
def scope() -> None:
    init_default_scope('mmdepthcp')


@pytest.fixture
def model() -> DepthRegressor:
    torch.manual_seed(0)
    return MODELS.build(dict(
        type='DepthRegressor',
        backbone=dict(type='DepthResNet', depth=18, base_channels=8, stem_channels=8, zero_init_residual=False),
        decode_head=dict(type='DepthDecoder', in_channels=(8, 8, 16, 32, 64), channels=(8, 8, 8, 16, 16),
                         norm_cfg=dict(type='BN'))))


def written(folder: Path, number: int, height: int = 64, width: int = 96, hole: bool = False) -> dict:
    """An image whose columns show their number, and its disparity, which grows with it too."""
    columns = np.broadcast_to(np.arange(width), (height, width))
    write_png(folder / f'{number}.png', np.repeat(columns[..., None].astype(np.uint8), 3, 2) + number)
    disparity = .1 + columns / (2 * width) + .1 * np.linspace(0, 1, height)[:, None]
    if hole:
        disparity[:20, :30] = 0
    write_disparity(folder / f'd{number}.png', disparity)
    return dict(img_path=str(folder / f'{number}.png'), disparity_path=str(folder / f'd{number}.png'))


def batch_of(folder: Path, count: int = 2, **settings) -> dict:
    return pseudo_collate([Compose(PACK)(written(folder, number, **settings)) for number in range(count)])


def test_the_loss_is_that_of_the_known_pixels_above_the_own_car(model, tmp_path):
    model.eval()
    raw = batch_of(tmp_path, hole=True)
    batch = model.data_preprocessor(raw, training=True)
    sigmoid = model(batch['inputs'])[0].detach().double().numpy()
    samples = batch['data_samples']
    target = np.stack([sample.gt_disparity.data.numpy() for sample in samples])
    assert not target[:, :, :20, :30].any() and target.min() == 0 and target.max() == 1
    errors = np.abs(sigmoid - target)
    errors[:, :, :20, :30] = 0
    errors[:, :, 57:] = 0  # int(.9 * 64)
    bound = .2 * errors.max()
    terms = np.where(errors <= bound, errors, (errors**2 + bound**2) / (2 * bound))
    losses = model(batch['inputs'], samples, mode='loss')
    assert losses['loss_depth'].item() == pytest.approx(terms.mean(), rel=1e-5)
    assert losses['disparity_std'].item() > 0


def test_difficulty_is_the_error_on_whole_images_and_predictions_are_those_of_any_depth_network(model, tmp_path):
    model.eval()
    raw = batch_of(tmp_path)
    with torch.no_grad():
        predicted = torch.cat([sample.pred_disparity.data for sample in model.test_step(raw)])
    target = torch.cat([sample.gt_disparity.data for sample in raw['data_samples']])
    found = model.difficulty(raw)
    torch.testing.assert_close(found, depth_error(predicted, target))
    assert isinstance(model, DepthNetwork) and found.shape == (2,) and (found > 0).all()


def test_it_learns_what_the_teacher_sees(model, tmp_path):
    raw = batch_of(tmp_path)
    optimizer = torch.optim.Adam([each for each in model.parameters() if each.requires_grad], 3e-3)
    before = model.eval().difficulty(raw)
    model.train()
    for _ in range(40):
        batch = model.data_preprocessor(raw, training=True)
        loss = model(**batch, mode='loss')['loss_depth']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert all(each.grad is not None for each in model.parameters() if each.requires_grad)  # DDP asks for that
    assert (model.eval().difficulty(raw) < before / 2).all()


@pytest.mark.parametrize('seed', range(4))
def test_flips_and_crops_move_disparity_with_the_image(seed, tmp_path):
    config = load_config(CONFIGS / 'depth_student_toy.py')
    steps = [step for step in config.train_dataloader.dataset.pipeline if 'scale' not in step]
    np.random.seed(seed)  # noqa: NPY002
    packed = Compose(steps)(written(tmp_path, 0, 100, 140))
    image = packed['inputs']['clean'][0, 0].float()
    disparity = packed['data_samples'].gt_disparity.data[0]
    assert image.shape == disparity.shape == (64, 64)
    along = disparity[:, 1:] - disparity[:, :-1]
    assert torch.equal(torch.sign(along), torch.sign(image[:, 1:] - image[:, :-1]))
    slopes = (disparity[0, -1] - disparity[0, 0]) / (image[0, -1] - image[0, 0])
    expected = (1 / 280) / (.5 * 139 / 140 + .1)  # stretched by the range of the whole image, not of the crop
    assert slopes.item() == pytest.approx(expected, rel=1e-3)


def test_an_image_on_another_raster_is_refused(tmp_path):
    item = written(tmp_path, 0)
    write_disparity(item['disparity_path'], np.linspace(0, 1, 32 * 48).reshape(32, 48))
    with pytest.raises(InputError, match=r'0\.png: its disparity is of shape \(32, 48\).*ResizeStreet'):
        Compose(PACK)(item)


@pytest.mark.parametrize(('name', 'rate', 'iterations'), [
    ('depth_student_cityscapes', 1e-4, 4000), ('depth_student_toy', 1e-3, 200)])
def test_the_rate_falls_with_the_power_of_nine_tenths(name, rate, iterations):
    config = load_config(CONFIGS / f'{name}.py')
    assert config.train_cfg.max_iters == iterations
    optimizer = torch.optim.Adam([torch.zeros(1)], config.optim_wrapper.optimizer.lr)
    schedule = PARAM_SCHEDULERS.build(dict(config.param_scheduler[0], optimizer=optimizer))
    rates = []
    for _ in range(iterations):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        schedule.step()
    assert rates[0] == rate and rates[iterations // 2] == pytest.approx(.5358867 * rate, rel=1e-5)
    assert 0 < rates[-1] < 1e-2 * rate
