"""PixPro's and depth-aware PixPro's pairs, loss and propagation against worked numbers and plain versions."""

import contextlib
import math
from pathlib import Path

import mmengine.optim
import numpy as np
import pytest
import torch
import torch.multiprocessing as mp
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import tensor

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.config.loading import load_config
from mmdepthcp.engine.hooks import PretrainedCheckHook
from mmdepthcp.geometry.boxes import cell_distances
from mmdepthcp.models import PixelPropagation, PixPro
from mmdepthcp.models.losses import pair_targets, pixcontrast_loss, pixpro_loss, sinkhorn
from mmdepthcp.models.losses.pixpro import image_weights
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.views.pairs import CellPairs, DepthFilter, RandomFilter, count_pairs
from tests.small_data import write_data

ROOT = Path(__file__).parents[2]

NEAR, ZOOMED = (0, 0, .4, .4), (0, 0, .8, .8)
COSINES = tensor([[.9, .1, .2, .3], [.8, .7, .1, 0], [.6, .2, .5, .1], [.4, .3, .2, .9]])
DISPARITY = tensor([[.8, .75, .8, .2], [.8, .72, .45, .18]])


def boxes(*pairs):
    return torch.tensor([pair for pair in pairs], dtype=torch.float32)


def zoomed(thresholds=(.7,), disparity=None, **depth_filter):
    return CellPairs(boxes((NEAR, ZOOMED)), (2, 2), thresholds, None if disparity is None else disparity[None],
                     DepthFilter(**depth_filter) if depth_filter else None)


def forth(pairs, cosines=COSINES, **kwargs):
    """Loss of the first direction and number of pairs, for given cosines of cells: of keys that are unit vectors, the
    targets are the weights of pairs.
    """
    targets, counts = pair_targets(pairs, torch.eye(4).expand(1, 2, 4, 4), **kwargs)
    return -2 * (cosines * targets[0, 0]).sum().item(), counts.kept[:, 0].tolist()


def test_distances_of_shifted_crops():
    distances = cell_distances(boxes(NEAR), boxes((.2, 0, .6, .4)), (2, 2))[0]
    half = math.sqrt(.5)
    np.testing.assert_allclose(distances, [
        [half, 2 * half, 1, 1.5811], [0, half, half, 1], [1, 1.5811, half, 2 * half], [half, 1, 0, half]], atol=1e-3)
    assert (distances < .7).nonzero().tolist() == [[1, 0], [3, 2]]
    mirrored = cell_distances(boxes(NEAR), boxes((.6, 0, .2, .4)), (2, 2))[0]
    assert (mirrored < .7).nonzero().tolist() == [[1, 1], [3, 3]]


@pytest.mark.parametrize(('other', 'cells', 'expected'), [
    ((.2, 0, .6, .4), [1, 9, 3, 9], -2), ((.6, 0, .2, .4), [9, 1, 9, 3], -2), ((.2, 0, .6, .4), [9, 1, 9, 3], 0)])
def test_features_of_a_place_match(other, cells, expected):
    """One-hot features by physical cell; the last: a mirrored view whose box was not."""
    keys = torch.eye(10)[tensor([[0, 1, 2, 3], cells])][None]
    targets, _ = pair_targets(CellPairs(boxes((NEAR, other)), (2, 2)), keys)
    assert -2 * (keys * targets)[:, 0].sum().item() == pytest.approx(expected, abs=1e-5)


def test_loss_of_a_zoomed_view():
    assert forth(zoomed()) == (pytest.approx(-1.10, abs=1e-5), [8])
    near, _ = zoomed().near_and_kept()
    assert near[0, 0].tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 0]]
    back = CellPairs(boxes((ZOOMED, NEAR)), (2, 2)).near_and_kept()[0]
    assert torch.equal(back[0, 0], near[0, 0].T)


def test_cells_that_are_not_square():
    pairs = CellPairs(boxes(((0, 0, .8, .6),) * 2), (2, 2))
    assert pairs.near_and_kept()[0][0, 0].tolist() == [[1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1]]
    assert forth(pairs, torch.eye(4))[0] == pytest.approx(-1, abs=1e-5)
    assert forth(pairs, torch.ones(4, 4))[0] == pytest.approx(-2, abs=1e-5)


def test_images_without_a_pair():
    square, apart = ((0, 0, .5, .5),) * 2, ((0, 0, .3, .3), (.6, .6, .9, .9))
    cells = torch.eye(4).expand(2, 2, 4, 4)

    def total(*pairs, empty='zero'):
        few = cells[:len(pairs)]
        return pixpro_loss(few, pair_targets(CellPairs(boxes(*pairs), (2, 2)), few, empty)[0]).item()

    assert total(square) == pytest.approx(-4, abs=1e-5)
    assert total(apart) == total(apart, empty='skip') == 0
    assert total(square, apart) == pytest.approx(-2, abs=1e-5)
    assert total(square, apart, empty='skip') == pytest.approx(-4, abs=1e-5)


@pytest.mark.parametrize(('depth_filter', 'number', 'loss'), [
    (dict(metric='abs', threshold=.2), 4, -1.5), (dict(metric='sq', threshold=.2), 6, -1.2333),
    (dict(metric='abs', sigma=.1), 3.8846, -1.4854)])
def test_depth_leaves_pairs_out(depth_filter, number, loss):
    found, (kept,) = forth(zoomed(disparity=DISPARITY, **depth_filter))
    assert (kept, found) == (pytest.approx(number, abs=1e-3), pytest.approx(loss, abs=1e-3))


def test_the_filter_is_a_conjunction():
    """A product of the two matrices of pairs, as a published demo has it, gives 9 pairs and −.9333."""
    kept = zoomed(disparity=DISPARITY, metric='abs', threshold=.2).near_and_kept()[1][0, 0]
    assert kept.nonzero().tolist() == [[0, 0], [1, 0], [1, 1], [2, 0]]


@pytest.mark.parametrize(('keep', 'number', 'loss'), [(True, 7, -1.1143), (False, 4, -1.5)])
def test_unknown_depth(keep, number, loss):
    unknown = DISPARITY.clone()
    unknown[0, 3] = math.nan
    pairs = zoomed(disparity=unknown, metric='abs', threshold=.2, keep_unknown=keep)
    assert forth(pairs) == (pytest.approx(loss, abs=1e-3), [number])


@pytest.mark.parametrize('scale', [1, 3.7])
def test_log_differences_do_not_see_scale(scale):
    depth = scale * tensor([[2, 2.1, 2, 8], [2, 2.2, 7.5, 8.2]])
    pairs = zoomed(disparity=depth, metric='log', threshold=.2)
    assert pairs.near_and_kept()[1][0, 0].nonzero().tolist() == [[0, 0], [1, 0], [1, 1], [2, 0], [3, 2]]
    assert forth(pairs)[0] == pytest.approx(-1.28, abs=1e-3)


@pytest.mark.parametrize(('depth_filter', 'numbers', 'losses'), [
    ({}, [4, 8, 16], [-1.35, -1.1, -.7875]),
    (dict(metric='abs', threshold=.2), [3, 4, 7], [-1.5333, -1.5, -1.2])])
def test_several_distances(depth_filter, numbers, losses):
    disparity = DISPARITY if depth_filter else None
    distances = (.35, .7, 1.4)
    each = [forth(zoomed((distance,), disparity, **depth_filter)) for distance in distances]
    assert [number for _, (number,) in each] == numbers
    np.testing.assert_allclose([loss for loss, _ in each], losses, atol=1e-3)
    together = zoomed(distances, disparity, **depth_filter)
    assert forth(together)[0] == pytest.approx(np.mean(losses), abs=1e-3)
    kept = together.near_and_kept()[1]
    shares, _ = image_weights(count_pairs(together))
    assert (kept * shares[..., None, None]).sum().item() == pytest.approx(1, abs=1e-5)


def test_random_removal_leaves_shares_whatever_the_chunks():
    settings = dict(boxes=boxes(*[((i, 0, i + 40, 30), (i + 5, 3, i + 45, 33)) for i in range(6)]), size=(9, 12),
                    thresholds=(1.4, 2.8), depth_filter=RandomFilter((.25, .6)))
    pairs = CellPairs(**settings)
    near, kept = pairs.near_and_kept()
    assert (kept <= near).all()
    np.testing.assert_allclose(1 - kept.sum((1, 2, 3)) / near.sum((1, 2, 3)), (.25, .6), atol=.03)
    of_parts = torch.cat([pairs.near_and_kept(rows)[1] for rows in pairs.rows_at_once(500)], 2)
    assert torch.equal(of_parts, kept)
    assert not torch.equal(kept[:, 0], kept[:, 1])
    with pytest.raises(InputError, match='as many shares'):
        CellPairs(**{**settings, 'thresholds': (.7,)})
    with pytest.raises(InputError, match='shares in 0'):
        small(depth_filter=dict(removed=(1.5,)))


def test_an_image_that_depth_empties():
    far = torch.stack([torch.full((4,), .1), torch.full((4,), .9)])
    settings = dict(metric='abs', threshold=.2)
    assert forth(zoomed(disparity=far, **settings)) == (0, [0])
    assert forth(zoomed(disparity=far, empty='spatial', **settings))[0] == pytest.approx(-1.1, abs=1e-4)


def random_batch(seed=0, batch=3, size=(3, 4), channels=5):
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(batch, 2, 2, generator=generator) * 3
    views = torch.cat([corners, corners + 4 + torch.rand(batch, 2, 2, generator=generator)], -1)
    cells = torch.randn(2, batch, 2, channels, *size, generator=generator)
    disparity = .1 + torch.rand(batch, 2, *size, generator=generator)
    return views, *cells, disparity


def flipped(views, cells, which):
    views, cells = views.clone(), cells.clone()
    views[:, which] = views[:, which][..., [2, 1, 0, 3]]
    cells[:, which] = cells[:, which].flip(-1)
    return views, cells


def loss_of(views, queries, keys, disparity, thresholds=(.7, 1.4), largest=2**24, **depth_filter):
    """The loss with propagation by 0 layers, of maps (B, 2, D, h, w)."""
    propagate = PixelPropagation(queries.shape[2], num_layers=0)
    queries = torch.stack([propagate(view) for view in queries.unbind(1)], 1)
    queries, keys = (torch.nn.functional.normalize(cells.flatten(3).mT, dim=3) for cells in (queries, keys))
    pairs = CellPairs(views, tuple(disparity.shape[-2:]), thresholds, disparity.flatten(2),
                      DepthFilter(**depth_filter) if depth_filter else None)
    return pixpro_loss(queries, pair_targets(pairs, keys, largest=largest)[0])


def test_invariances():
    views, queries, keys, disparity = random_batch()
    settings = dict(metric='log', threshold=.3)
    loss = loss_of(views, queries, keys, disparity, **settings)
    swapped = loss_of(views.flip(1), queries.flip(1), keys.flip(1), disparity.flip(1), **settings)
    torch.testing.assert_close(swapped, loss)
    for which in ([0], [1], [0, 1]):
        turned, mirrored = flipped(views, queries, which)
        other = loss_of(turned, mirrored, flipped(views, keys, which)[1], flipped(views, disparity, which)[1],
                        **settings)
        torch.testing.assert_close(other, loss)
    plain = loss_of(views, queries, keys, disparity)
    assert torch.equal(loss_of(views, queries, keys, disparity, threshold=math.inf), plain)
    assert not torch.equal(loss, plain)


def test_chunks_change_nothing():
    views, queries, keys, disparity = random_batch()
    whole, parts = ([part.requires_grad_() for part in (queries.clone(),)] for _ in range(2))
    one = loss_of(views, whole[0], keys, disparity, metric='log', threshold=.3)
    other = loss_of(views, parts[0], keys, disparity, largest=60, metric='log', threshold=.3)
    torch.testing.assert_close(other, one)
    one.backward(), other.backward()
    torch.testing.assert_close(parts[0].grad, whole[0].grad)
    cells = torch.randn(2, 5, 3, 4, requires_grad=True)
    torch.manual_seed(0)
    propagate = PixelPropagation(5)
    expected = torch.autograd.grad(propagate(cells).square().sum(), cells)[0]
    propagate.largest = 50
    torch.testing.assert_close(torch.autograd.grad(propagate(cells).square().sum(), cells)[0], expected)


@pytest.mark.parametrize(('cells', 'settings', 'expected'), [
    ([[1, 0], [.6, .8]], {}, [[.9731, .2305], [.7682, .6402]]),
    ([[2, 0], [3, 4]], {}, [[.9731, .2305], [.7682, .6402]]),
    ([[2, 0], [3, 4]], dict(norm_value=False), [[.9059, .4235], [.6810, .7323]]),
    ([[1, 0], [-.6, .8]], {}, [[1, 0], [-.6, .8]]),
    ([[1, 0], [.6, .8]], dict(gamma=1), [[1.36 / math.hypot(1.36, .48), .48 / math.hypot(1.36, .48)],
                                         [1.2 / math.hypot(1.2, .8), .8 / math.hypot(1.2, .8)]])])
def test_propagation(cells, settings, expected):
    maps = tensor(cells).float().T.reshape(1, 2, 1, 2)
    mixed = PixelPropagation(2, num_layers=0, **settings)(maps)[0, :, 0].T
    np.testing.assert_allclose(torch.nn.functional.normalize(mixed, dim=1), expected, atol=1e-3)


def test_propagation_is_finite_where_nothing_is_alike():
    cells = tensor([[1., -1], [0, 0]]).reshape(1, 2, 1, 2).requires_grad_()
    PixelPropagation(2, gamma=.5, num_layers=0)(cells).sum().backward()
    assert cells.grad.isfinite().all()
    with pytest.raises(InputError, match='num_layers 3'):
        PixelPropagation(2, num_layers=3)


@pytest.mark.parametrize('ignore_near', [False, True])
def test_pixcontrast_equals_a_plain_one(ignore_near):
    views, queries, keys, disparity = random_batch()
    queries, keys = (torch.nn.functional.normalize(cells.flatten(3).mT, dim=3) for cells in (queries, keys))
    pairs = CellPairs(views, (3, 4), (.7, 1.4), disparity.flatten(2), DepthFilter(threshold=.3))
    loss, counts = pixcontrast_loss(pairs, queries, keys, .3, 'skip', ignore_near)
    near, kept = pairs.near_and_kept()
    plain = 0.
    for direction in (0, 1):
        for distance in range(2):
            images = []
            for image in range(3):
                cosines = queries[image, direction] @ keys[image, 1 - direction].T
                positive, close = kept[distance, image] > 0, near[distance, image] > 0
                positive, close = (positive, close) if direction == 0 else (positive.T, close.T)
                cells = []
                for own, these, beside in zip(cosines, positive, close, strict=True):
                    if these.any():
                        against = ~(beside & ~these) if ignore_near else torch.ones_like(these)
                        cells.append(-math.log((own[these] / .3).exp().sum() / (own[against] / .3).exp().sum()))
                if cells:
                    images.append(np.mean(cells))
            plain += np.mean(images) / 2
    assert loss.item() == pytest.approx(plain, rel=1e-4)
    assert torch.equal(counts.kept, kept.sum((2, 3)))


BACKBONE = dict(type='mmpretrain.ResNet', depth=18, base_channels=8, stem_channels=8, out_indices=(1, 2, 3))


def small(**settings):
    return PixPro(**{**dict(
        backbone=BACKBONE,
        in_channels=(32,), in_indices=(1,), hidden_channels=16, channels=8), **settings})


def batch(grids=((4, 4),), num=2, size=64):
    generator = torch.Generator().manual_seed(1)
    views, _, _, _ = random_batch(batch=num)
    return torch.randn(num, 2, 3, size, size, generator=generator), dict(
        boxes=views, disparity=[.1 + torch.rand(num, 2, *grid, generator=generator) for grid in grids])


@pytest.fixture(autouse=True)
def steps():
    MessageHub.get_current_instance().update_info('max_iters', 100)


def test_depth_filter_without_effect_equals_pixpro():
    results = []
    for depth_filter in (None, dict(threshold=math.inf)):
        torch.manual_seed(0)
        results.append(small(depth_filter=depth_filter).loss(*batch())['loss_pix'])
    assert torch.equal(*results)


def test_a_step_learns_and_the_momentum_network_follows():
    torch.manual_seed(0)
    model = small(distance_thrs=(.7, 1.4), depth_filter=dict(threshold=.3), instance_weight=1.)
    optimizer = torch.optim.SGD(model.parameters(), lr=.05)
    inputs, samples = batch()
    before = [parameter.clone() for parameter in model.momentum_net.parameters()]
    losses = []
    for _ in range(8):
        results = model.loss(inputs, samples)
        loss = results['loss_pix'] + results['loss_instance']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - .2
    assert all(parameter.grad is None for parameter in model.momentum_net.parameters())
    assert not all(map(torch.equal, before, model.momentum_net.parameters()))
    assert 0 < results['depth_removed'] < 1 and {'depth_removed_0.7', 'depth_removed_1.4'} <= set(results)
    assert results['mean_cos'] == -results['loss_pix'] / 4


def test_weights_of_a_file_reach_both_networks(tmp_path):
    """The check of pretrained weights asks for those of the momentum network where they come from: the online one."""
    file = tmp_path / 'start.pth'
    start = small()
    torch.save(dict(state_dict=start.state_dict()), file)
    torch.manual_seed(1)
    backbone = dict(BACKBONE, init_cfg=dict(type='Pretrained', checkpoint=str(file), prefix='backbone.'))
    model = small(backbone=backbone)
    model.init_weights()
    PretrainedCheckHook().check(model)
    model.loss(*batch())
    for name, value in start.backbone.named_parameters():
        assert torch.equal(value, model.momentum_net.module['backbone'].get_parameter(name)), name


@pytest.mark.parametrize(('share', 'momentum'), [
    (0, .99), (.25, .991464), (.5, .995), (.75, .998536), (1, 1)])
def test_momentum(share, momentum):
    model = small()
    copy, online = torch.zeros(()), torch.ones(())
    model.momentum_net.avg_func(copy, online, round(100 * share))
    assert 1 - copy.item() == pytest.approx(momentum, abs=1e-5)


def test_levels_of_a_pyramid():
    model = small(
        neck=dict(type='mmseg.FPN', in_channels=[16, 32, 64], out_channels=32, num_outs=3), in_channels=(32, 32),
        in_indices=(0, 1), depth_filter={})
    results = model.loss(*batch(grids=((8, 8), (4, 4))))
    results['loss_pix'].backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.neck.fpn_convs[0].parameters())
    with pytest.raises(InputError, match=r'\(8, 8\) cells.*gives disparity of \[\(4, 4\)\]'):
        model.loss(*batch(grids=((4, 4),)))
    with pytest.raises(InputError, match='LoadDisparity'):
        model.loss(batch()[0], dict(boxes=batch()[1]['boxes'], disparity=None))


def test_contrast_needs_no_propagation():
    model = small(contrast=dict(temperature=.3))
    results = model.loss(*batch())
    results['loss_pix'].backward()
    assert results['loss_pix'] > 0 and not model.propagations and 'mean_cos' not in results


def test_half_precision_is_safe():
    torch.manual_seed(0)
    model = small(depth_filter={}, instance_weight=1.)
    inputs, samples = batch()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    full = model.loss(inputs, samples)
    model.load_state_dict(state)
    with torch.autocast('cpu', torch.bfloat16):
        half = model.loss(inputs, samples)
    assert half['loss_pix'].dtype == torch.float32
    assert torch.equal(half['num_pos'], full['num_pos'])
    torch.testing.assert_close(half['loss_pix'], full['loss_pix'], atol=.1, rtol=.1)


@pytest.mark.parametrize(('settings', 'words'), [
    (dict(in_indices=(0, 1)), 'one value for each level'), (dict(empty='none'), 'zero'),
    (dict(depth_filter=dict(metric='ln')), 'depth_filter.metric'), (dict(depth_filter=dict(threshold=0)), 'above 0'),
    (dict(depth_filter=dict(empty='all')), 'spatial')])
def test_settings_that_do_not_fit(settings, words):
    with pytest.raises(InputError, match=words):
        small(**settings)


def grouped():
    """Without batch statistics, which belong to a process."""
    groups = dict(type='GN', num_groups=2)
    torch.manual_seed(0)
    return small(
        backbone=dict(type='mmpretrain.ResNet', depth=18, base_channels=8, stem_channels=8, out_indices=(1, 2, 3),
                      norm_cfg=groups),
        norm_cfg=groups, distance_thrs=(.3, .7), depth_filter=dict(threshold=.2), empty='skip', instance_weight=.5)


def gradients_of(part):
    model = grouped()
    inputs, samples = batch(num=6)
    results = model.loss(inputs[part], dict(
        boxes=samples['boxes'][part], disparity=[level[part] for level in samples['disparity']]))
    total = results['loss_pix'] + results['loss_instance']
    learns = [parameter for name, parameter in model.named_parameters() if not name.startswith('momentum_net')]
    return torch.autograd.grad(total, learns, allow_unused=True)


def rank_gradients(rank, port, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    torch.save(gradients_of(slice(rank, None, 2)), f'{folder}/{rank}.pt')
    torch.distributed.barrier()


def test_two_processes_are_one(tmp_path, unused_port):
    mp.start_processes(rank_gradients, (unused_port, str(tmp_path)), nprocs=2, start_method='fork')
    shares = [torch.load(tmp_path / f'{rank}.pt') for rank in range(2)]
    whole_batch = gradients_of(slice(None))
    assert sum(each is not None for each in whole_batch) > 40
    for one, other, whole in zip(*shares, whole_batch, strict=True):
        if whole is None:  # the last stage is not used
            continue
        torch.testing.assert_close((one + other) / 2, whole, atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize('name', ['pixpro_toy', 'depth_pixpro_toy'])
def test_resumed_equals_uninterrupted(name, tmp_path, monkeypatch):
    register_modules()
    monkeypatch.setattr('mmengine.runner.runner.collect_env', dict)
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)

    def train(folder, steps, num_workers=0, **more):
        config = load_config(ROOT / f'configs/pixpro/{name}.py', [
            'train_cfg.max_iters=4', 'default_hooks.checkpoint.interval=2', 'model.backbone.init_cfg=None',
            f'train_dataloader.num_workers={num_workers}', f'train_dataloader.persistent_workers={num_workers > 0}',
            'train_dataloader.batch_size=3'])
        config.update(work_dir=folder, visualizer=dict(type='Visualizer', name=f'{tmp_path}/{folder}'), **more)
        init_default_scope(config.default_scope)
        if not Path('data').exists():
            write_data({'train_dataloader': config['train_dataloader']})
        torch.manual_seed(0)
        runner = Runner.from_cfg(config)
        if steps < 4:  # as if it were killed
            runner.register_hook(StopHook(steps))
        with contextlib.suppress(KeyboardInterrupt):
            runner.train()
        return torch.load(f'{folder}/iter_{steps}.pth', weights_only=False)

    whole = train('whole', 4)
    train('parts', 2)
    torch.rand(7)
    state = train('parts', 4, num_workers=1, resume=True)
    for key, values in whole['state_dict'].items():
        assert torch.equal(state['state_dict'][key], values), key
    assert whole['state_dict']['momentum_net.steps'] == 4


class StopHook(Hook):
    priority = 'LOWEST'

    def __init__(self, steps):
        self.steps = steps

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.steps:
            raise KeyboardInterrupt


def test_assignments_of_swav():
    scores = tensor([[.10, 0], [.10, .05], [.12, 0]])
    np.testing.assert_allclose(sinkhorn(scores), [[.548, .452], [.3085, .6915], [.644, .356]], atol=1e-3)
    np.testing.assert_allclose(sinkhorn(torch.full((3, 2), .1)), np.full((3, 2), .5), atol=1e-6)


def test_contrast_of_densecl():
    """The match is found in features of the backbone, the logits come from the dense branch."""
    queries, keys = torch.eye(2), tensor([[.6, .8], [1, 0.]])
    assert (queries @ keys.T).argmax(1).tolist() == [1, 0]
    head = MODELS.build(dict(
        type='mmpretrain.ContrastiveHead', loss=dict(type='mmpretrain.CrossEntropyLoss'), temperature=.2))
    loss = head.loss(tensor([[.8], [.6]]), tensor([[.2, .1], [0, .3]]))
    assert loss.item() == pytest.approx(.1591, abs=1e-4)


def test_learning_rates_of_the_published_run():
    """With 8 processes, by ``--auto-scale-lr``: 4 after 5 of 100 epochs."""
    config = load_config(ROOT / 'configs/pixpro/pixpro_imagenet.py')
    per_epoch = 400
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 8 * config.optim_wrapper.optimizer.lr)
    schedulers = [
        getattr(mmengine.optim, settings['type']).build_iter_from_epoch(
            optimizer, epoch_length=per_epoch,
            **{key: value for key, value in settings.items() if key not in ('type', 'convert_to_iter_based')})
        for settings in config.param_scheduler]
    rates = []
    for _ in range(100 * per_epoch):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    for epoch, rate in ((0, .04), (2.5, 2.02), (5, 4.), (52.5, 2.)):
        assert rates[int(epoch * per_epoch)] == pytest.approx(rate, rel=2e-3)
    assert optimizer.param_groups[0]['lr'] == pytest.approx(1e-6, abs=1e-7)
    init_default_scope(config.default_scope)
    built = build_optim_wrapper(small(), dict(config.optim_wrapper, type='OptimWrapper'))
    matrices, vectors = built.optimizer.param_groups
    assert {value.ndim for value in vectors['params']} == {1} and min(value.ndim for value in matrices['params']) > 1
    assert (vectors['weight_decay'], vectors['lars_exclude'], matrices['weight_decay']) == (0, True, 1e-5)
