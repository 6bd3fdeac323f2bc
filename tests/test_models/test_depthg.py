from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.multiprocessing as mp
from mmengine.config import ConfigDict
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper, build_optim_wrapper
from torch import nn

from mmdepthcp.config.loading import load_config
from mmdepthcp.geometry.points import cell_points
from mmdepthcp.models.probes import ClusterProbe
from mmdepthcp.models.probes.linear import enlarged
from mmdepthcp.models.selfsup import DepthG
from mmdepthcp.models.selfsup.depthg_depth import depth_of_cells
from mmdepthcp.models.selfsup.depthg_draws import draw_others, draw_points
from mmdepthcp.models.selfsup.depthg_settings import DepthSettings, PointSettings
from mmdepthcp.registry import MODELS
from mmdepthcp.sampling import farthest_points
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.quantiles import quantile

CHANNELS, CODES, SIZE = 12, 6, (32, 64)
TRANSFORMER = dict(type='DINOViT', patch_size=8, img_size=SIZE, arch=dict(
    embed_dims=CHANNELS, num_layers=2, num_heads=2, feedforward_channels=CHANNELS))


@MODELS.register_module(force=True)
class TinyTrunk(nn.Module):
    """A map at stride 8."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, CHANNELS, 8, 8)

    def forward(self, inputs):
        return (self.layer(inputs),)


def build(**settings) -> DepthG:
    torch.manual_seed(0)
    return DepthG(**ConfigDict(dict(
        in_channels=CHANNELS, code_channels=CODES, num_clusters=5,
        **{'backbone': dict(type='TinyTrunk'), 'points': dict(side=4), 'num_classes': 3, **settings})))


def batch(number=4, seed=1):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(number, 2, 3, *SIZE, generator=generator)
    return inputs, dict(
        seeds=torch.randint(2**62, (number,), generator=generator),
        disparity=torch.rand(number, 2, *SIZE, generator=generator),
        labels=torch.randint(3, (number, *SIZE), generator=generator))


def calibrated(**settings) -> DepthG:
    model = build(**settings)
    model.calibrate([batch(8, 2)])
    return model.train()


def losses(model, data):
    return {name: value for name, value in model.loss(*data).items() if name.startswith('loss')}


def gradients(loss, parameters):
    return torch.autograd.grad(loss, list(parameters), allow_unused=True, retain_graph=True)


@pytest.mark.parametrize('size', [SIZE, (31, 47), (100, 150)])
def test_constant_depth_teaches_nothing(size):
    """Nor does what rounding makes of it, in cells of different sizes."""
    model = calibrated(depth=dict(weight=0.3))
    inputs, known = batch()
    known['disparity'] = torch.full((4, 2, *size), 0.7)
    loss = losses(model, (inputs, known))['loss_depth']
    assert abs(loss.item()) < 1e-5
    assert all(gradient.abs().max() < 1e-5 for gradient in gradients(loss, model.decode_head.parameters()))
    assert abs(losses(model, batch())['loss_depth'].item()) > 1e-5


def test_constant_depth_with_a_fixed_shift_is_what_the_published_code_computes():
    fixed = dict(weight=0.3, shift=0.05, centre=False)
    inputs, known = batch()
    constant = dict(known, disparity=torch.full_like(known['disparity'], 0.3))
    legacy = losses(calibrated(depth=dict(fixed, mode='legacy')), (inputs, known))['loss_depth'].item()
    for mode in ('abs', 'gauss'):
        found = losses(calibrated(depth=dict(fixed, mode=mode)), (inputs, constant))
        assert found['loss_depth'].item() == pytest.approx(legacy, abs=1e-6)


def test_depth_cut_to_integers_pushes_codes_apart():
    """On Potsdam the published code knows the farthest pixel alone: no two points correlate in depth."""
    fixed = dict(weight=0.13, shift=0.14, centre=False, mode='legacy')
    inputs, known = batch()
    known['disparity'] = known['disparity'] / 2 + .5
    known['disparity'][:, :, 5, 7] = .01  # between the points of the grid
    plain = losses(calibrated(depth=fixed), (inputs, known))['loss_depth'].item()
    cut = losses(calibrated(depth=dict(fixed, integers=True)), (inputs, known))['loss_depth'].item()
    assert cut == pytest.approx(-.14 / (1 - .14) * plain) and cut > 0
    known['disparity'][:, :, 0, 0] = .005  # at the first of them
    with_farthest = losses(calibrated(depth=dict(fixed, integers=True)), (inputs, known))['loss_depth'].item()
    alike = 0.13 / 16 ** 2  # of the first with itself
    assert with_farthest == pytest.approx(cut - alike)


def test_farthest_points_of_depth_cut_to_integers_are_rows():
    """121 points become the first 4⅓ of 28 rows, which are read as columns, see the specification."""
    disparity = torch.rand(2, 2, 224, 224) + .5
    disparity[:, :, 20, 30] = .01
    points, depth = PointSettings(kind='farthest', legacy=True, max_depth=np.inf), DepthSettings(integers=True)
    placed = depth_of_cells(disparity, (28, 28), points, depth).placed
    cells = farthest_points(cell_points(placed.flatten(0, 1), legacy=True), 121)
    assert set(cells[0].tolist()) == set(range(121))
    where = draw_points(torch.zeros(2, dtype=torch.int64), points, placed, 0)
    columns = ((where[..., 0] + 1) * 14).round()
    assert columns.unique().tolist() == [0, 1, 2, 3, 4]


def test_published_points_follow_the_depth_of_the_photograph():
    """Brought to 0..1 pixel by pixel and over all of it, which an offset in depth changes the points by."""
    depth = np.random.default_rng(0).uniform(3, 9, (2, 2, 32, 32)).astype(np.float32)
    disparity = torch.from_numpy(1 / depth)
    points = PointSettings(kind='farthest', side=3, legacy=True, max_depth=np.inf)
    least, most = 1., 20.
    limits = torch.tensor([least, most]).expand(2, 2, 2)

    def cells(shown):
        return shown.reshape(2, 2, 4, 8, 4, 8).mean((3, 5))

    for given, low, high in ((limits, least, most), (None, *(
            np.array([[image.min(), image.max()] for image in depth.reshape(4, -1)]).T.reshape(2, 2, 2, 1, 1)))):
        found = depth_of_cells(disparity, (4, 4), points, DepthSettings(), given)
        np.testing.assert_allclose(found.placed, cells((depth - low) / (high - low)), rtol=1e-4)
        np.testing.assert_allclose(found.followed, cells(depth), rtol=1e-4)
    clipped = depth_of_cells(disparity, (4, 4), PointSettings(legacy=True, max_depth=8), DepthSettings(), limits).placed
    np.testing.assert_allclose(clipped, cells((np.minimum(depth, 8) - 1) / 7), rtol=1e-4)


def test_the_range_of_the_photograph_reaches_the_points():
    model = calibrated(points=dict(kind='farthest', side=4, legacy=True))
    inputs, known = batch()
    known['disparity'] += 1
    far = dict(known, depth_range=torch.tensor([1e-3, 1]).expand(4, 2, 2))
    assert losses(model, (inputs, known))['loss_self'] != losses(model, (inputs, far))['loss_self']


@pytest.mark.parametrize('mode', ['abs', 'euclid3d', 'gauss', 'product'])
def test_what_depth_shows_counts(mode):
    model = calibrated(depth=dict(weight=0.3, mode=mode))
    inputs, known = batch()
    other = dict(known, disparity=known['disparity'].flip(-1))
    assert losses(model, (inputs, known))['loss_depth'] != losses(model, (inputs, other))['loss_depth']


def test_probes_read_and_do_not_write():
    model = calibrated(depth=dict(weight=0.3))
    found = losses(model, batch())
    probes = [*model.cluster_probe.parameters(), *model.linear_probe.parameters()]
    read = found['loss_cluster'] + found['loss_linear']
    written = sum(loss for name, loss in found.items() if name not in ('loss_cluster', 'loss_linear'))
    assert gradients(read, model.decode_head.parameters()) == (None,) * 6
    assert gradients(written, probes) == (None,) * len(probes)
    assert all(gradient.abs().max() > 0 for gradient in (
        *gradients(read, probes), *gradients(written, model.decode_head.parameters())))
    assert not any(parameter.requires_grad for parameter in model.backbone.parameters())


@pytest.mark.parametrize('backbone', ['TinyTrunk', 'DINOViT'])
def test_training_moves_the_head_alone_and_lowers_the_loss(backbone):
    trunk = TRANSFORMER if backbone == 'DINOViT' else dict(type=backbone)
    model = calibrated(backbone=trunk, depth=dict(weight=0.3), points=dict(kind='farthest', side=4))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = torch.optim.Adam([each for each in model.parameters() if each.requires_grad], 1e-2)
    course = []
    for _ in range(20):
        found = losses(model, batch())
        optimizer.zero_grad()
        sum(found.values()).backward()
        optimizer.step()
        course.append([found[f'loss_{name}'].item() for name in ('self', 'neighbour', 'negative', 'depth', 'linear')])
    assert np.isfinite(course).all() and all(np.less(course[-1], course[0]))
    for name, tensor in model.state_dict().items():
        still = name.startswith(('backbone', 'feature', 'shifts', 'calibrated', 'data_preprocessor'))
        assert torch.equal(tensor, before[name]) == still, name


@pytest.mark.parametrize(('config', 'rate'), [('depthg_vits8_coco27', 5e-4), ('depthg_toy', 1e-3)])
def test_the_optimiser_of_the_configs_is_three(config, rate):
    """One for the head and, at 5e-3, one for each probe."""
    settings = load_config(f'configs/depthg/{config}.py').optim_wrapper
    courses = []
    for one in (True, False):
        model = calibrated(hidden_positives=dict(weight=0.2))
        optimizers = [build_optim_wrapper(model, settings)] if one else [
            OptimWrapper(torch.optim.Adam(parameters, lr)) for parameters, lr in (
                ([*model.decode_head.parameters(), *model.projection.parameters()], rate),
                (model.linear_probe.parameters(), 5e-3), (model.cluster_probe.parameters(), 5e-3))]
        for step in range(5):
            for optimizer in optimizers:
                optimizer.zero_grad()
            sum(losses(model, batch(seed=step)).values()).backward()
            for optimizer in optimizers:
                optimizer.step()
        courses.append(model.state_dict())
    for name, tensor in courses[0].items():
        torch.testing.assert_close(tensor, courses[1][name], atol=1e-7, rtol=0)


def test_pixels_without_a_label_teach_the_linear_probe_nothing():
    """255, as label files have it: they are read as uint8, so that no label is negative."""
    probe = calibrated().linear_probe
    codes = torch.randn(2, CODES, 4, 8, generator=torch.Generator().manual_seed(3))
    labels = batch()[1]['labels'][:2]
    labels[:, 16:] = 255
    scores = torch.nn.functional.interpolate(probe(codes), SIZE, mode='bilinear', align_corners=False)
    expected = torch.nn.functional.cross_entropy(scores[:, :, :16], labels[:, :16])
    torch.testing.assert_close(probe.loss(codes, labels)['loss_linear'], expected)
    nothing = probe.loss(codes, torch.full_like(labels, 255))['loss_linear']
    assert nothing == 0 and all(not gradient.any() for gradient in gradients(nothing, probe.parameters()))


def test_all_that_is_random_comes_from_the_seeds_of_the_items():
    model = calibrated()
    inputs, known = batch()
    torch.manual_seed(1)
    one = losses(model, (inputs, known))
    torch.manual_seed(2)
    again = losses(model, (inputs, known))
    turned = [3, 1, 0, 2]
    moved = losses(model, (inputs[turned], {key: value[turned] for key, value in known.items()}))
    other = losses(model, (inputs, dict(known, seeds=known['seeds'] + 1)))
    for name, loss in one.items():
        assert loss == again[name] and loss != other[name]
        torch.testing.assert_close(moved[name], loss)


def test_hidden_positives_are_the_same_loss_on_mixed_codes():
    settings = dict(depth=dict(weight=0.3))
    plain, model = calibrated(**settings), calibrated(**settings, hidden_positives=dict(weight=0.2, share=0.))
    model.load_state_dict(plain.state_dict(), strict=False)
    for layer, scale in ((model.projection[0], 1), (model.projection[2], 1)):
        layer.weight.data.copy_(scale * torch.eye(CODES)[:, :, None, None])
        layer.bias.data.zero_()
    model.projection[1] = nn.Identity()
    one, other = losses(plain, batch()), losses(model, batch())
    expected = sum(one[f'loss_{name}'] for name in ('self', 'neighbour', 'negative', 'depth'))
    torch.testing.assert_close(other['loss_hidden'], 0.2 * expected)  # with share 0 a cell mixes with itself alone
    mixed = calibrated(**settings, hidden_positives=dict(weight=0.2, share=0.2))
    found = losses(mixed, batch())['loss_hidden']
    assert all(gradient.abs().max() > 0 for gradient in gradients(found, mixed.projection.parameters()))
    legacy = calibrated(**settings, hidden_positives=dict(weight=0.2, share=0.2, legacy=True))
    assert not any(parameter.requires_grad for parameter in legacy.projection.parameters())
    found = losses(legacy, batch())['loss_hidden']
    assert all(gradient.abs().max() > 0 for gradient in gradients(found, legacy.decode_head.parameters()))


@pytest.mark.parametrize('legacy', [False, True])
def test_hidden_positives_by_attention(legacy):
    model = calibrated(backbone=TRANSFORMER, hidden_positives=dict(
        weight=0.2, by='attention', share=0.2, legacy=legacy))
    inputs, known = batch()
    found = losses(model, (inputs, known))
    depth = losses(model, (inputs, dict(known, disparity=None)))
    assert found['loss_hidden'] == depth['loss_hidden'] and found['loss_hidden'].abs() > 0
    with torch.no_grad():
        maps, attention = model.backbone.maps_and_attention(inputs[:, 0])
        torch.testing.assert_close(model.raw_features(inputs[:, 0]), maps[-1])
        weights = attention.mean(1).numpy()
        low, high = weights.min(-1, keepdims=True), weights.max(-1, keepdims=True)
        weights = (weights - low) / (high - low)
        bound = np.quantile(weights, .8, axis=-1, keepdims=True)
        weights = np.where(weights <= bound if legacy else weights >= bound, weights, 0)
        codes = model.decode_head(model.features(inputs[:, 0])).flatten(2).mT.numpy()
        total = weights.shape[-1] if legacy else weights.sum(-1, keepdims=True)
        expected = torch.from_numpy(weights @ codes / total).mT.unflatten(2, (4, 8))
        both = torch.stack([model.decode_head(model.features(inputs[:, k])) for k in range(2)], 1)
        mixed = model._hidden_codes(both, torch.empty(0), attention)
        torch.testing.assert_close(mixed[:, 0], model.projection(expected.float()), atol=1e-4, rtol=1e-4)
    with pytest.raises(InputError, match='needs the images'):
        model.loss(inputs, dict(known, are_features=True))
    with pytest.raises(InputError, match='TinyTrunk has no attention'):
        build(hidden_positives=dict(weight=0.2, by='attention'))
    with pytest.raises(InputError, match="'depth' or 'attention'"):
        build(hidden_positives=dict(weight=0.2, by='colour'))


def test_kept_features_are_as_good_as_images():
    model = calibrated(depth=dict(weight=0.3))
    inputs, known = batch()
    features = model.raw_features(inputs.flatten(0, 1)).unflatten(0, (-1, 2))
    from_images = losses(model, (inputs, known))
    kept = losses(model, (features, dict(known, are_features=True)))
    assert kept == from_images
    again = build(depth=dict(weight=0.3))
    again.calibrate([(features, dict(known, are_features=True))])
    again_from_images = build(depth=dict(weight=0.3))
    again_from_images.calibrate([(inputs, known)])
    assert torch.equal(again.shifts, again_from_images.shifts)


def test_no_image_is_its_own_negative():
    for number in (2, 3, 5):
        seeds = torch.randint(2**62, (number,))
        for others in draw_others(seeds, 50):
            assert not torch.any(others == torch.arange(number)) and set(others.tolist()) <= set(range(number))
    with pytest.raises(InputError, match='raise batch_size'):
        draw_others(torch.tensor([3]), 5)


def test_negatives_are_read_where_they_belong():
    """As meant: at their own points; as published: at those of the neighbour of another image."""
    inputs, known = batch()
    read = {}
    for legacy in (False, True):
        model = calibrated(points=dict(side=4, legacy=legacy))
        read[legacy] = losses(model, (inputs, known))
    assert read[False]['loss_negative'] != read[True]['loss_negative']
    for name in ('loss_self', 'loss_neighbour', 'loss_linear'):
        assert read[False][name] == read[True][name]


def test_calibration():
    model = calibrated()
    inputs, known = batch(8, 2)
    maps = model.features(inputs.flatten(0, 1))
    assert maps.mean((0, 2, 3)).abs().max() < 1e-5
    torch.testing.assert_close(maps.std((0, 2, 3)), torch.ones(CHANNELS), atol=1e-4, rtol=0)
    assert model.shifts.isfinite().all() and model.shifts[2] > model.shifts[0] > -1
    fixed = build(self_term=dict(shift=.1), neighbour_term=dict(shift=.2), negative_term=dict(shift=.3))
    fixed.calibrate([(inputs, known)])
    torch.testing.assert_close(fixed.shifts, torch.tensor([.1, .2, .3]))
    with pytest.raises(InputError, match='CalibrationHook'):
        build().loss(inputs, known)


def test_depth_has_to_be_there_if_it_counts():
    inputs, known = batch()
    without = dict(known, disparity=None, labels=None)
    assert 'loss_linear' not in losses(calibrated(), (inputs, without))
    for settings in (dict(depth=dict(weight=.3)), dict(points=dict(kind='farthest', side=4))):
        with pytest.raises(InputError, match='no disparity'):
            calibrated(**settings).loss(inputs, without)
    with pytest.raises(InputError, match="'random' or 'farthest'"):
        build(points=dict(kind='near'))
    for field in (0, 180, (60, 0), (60, 30, 20)):
        with pytest.raises(InputError, match=r'points\.field_of_view .* must be an angle'):
            build(points=dict(field_of_view=field))


@pytest.mark.parametrize(('settings', 'message'), [
    (dict(depth=dict(mode='near')), r"depth\.mode 'near': must be one of abs, euclid3d, gauss, product, legacy"),
    (dict(depth=dict(shift='auto')), r"depth\.shift 'auto': must be a number or 'mean'"),
    (dict(self_term=dict(shift='mean')), r"self_term\.shift 'mean': must be a number or 'auto'"),
    (dict(negative_term=dict(shift=None)), r"negative_term\.shift None: must be a number or 'auto'"),
    (dict(dropout=1), r'dropout 1: must be at least 0 and below 1'),
    (dict(points=dict(side=0)), r'points\.side 0: must be at least 1'),
    (dict(depth=dict(mode='legacy')), r'set depth\.centre=False and depth\.shift=0\.03'),
    (dict(depth=dict(mode='legacy', centre=False)), r'set depth\.centre=False and depth\.shift=0\.03'),
    (dict(depth=dict(mode='legacy', shift=.1)), r'set depth\.centre=False and depth\.shift=0\.03')])
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        build(**settings)


def test_more_farthest_points_than_cells():
    with pytest.raises(InputError, match=r'points\.side 6: 36 .* more than the 4x8 cells .* set it to 5 or less'):
        calibrated(points=dict(kind='farthest', side=6))


def test_shifts_are_found_among_any_number_of_correlations(monkeypatch):
    values = torch.randn(1001, generator=torch.Generator().manual_seed(0))
    for share in (0, .3337, .6, .9, 1):
        torch.testing.assert_close(quantile(values, share), torch.quantile(values, share))
    monkeypatch.setattr(torch, 'quantile', None)  # takes no more than 2²⁴ values
    assert calibrated().shifts.isfinite().all()


def test_settings_follow_the_iteration():
    model = calibrated(
        depth=dict(weight=0.19, decay=.6, decay_interval=250, mode='legacy', shift=0.03, centre=False),
        points=dict(side=6, decay=.5, decay_interval=100))
    hub = MessageHub.get_current_instance()
    found = {}
    try:
        for iteration in (0, 250, 251):
            hub.update_info('iter', iteration)
            found[iteration] = losses(model, batch())['loss_depth'].item()
    finally:
        hub.update_info('iter', 0)
    assert found[0] != found[250]  # fewer points
    assert found[251] == pytest.approx(0.6 * found[250], rel=1e-5)


def test_a_mirrored_image_has_mirrored_codes():
    model = calibrated().eval()
    images = torch.randn(2, 3, *SIZE)
    torch.testing.assert_close(model.extract_feat(images.flip(-1)), model.extract_feat(images).flip(-1))
    plain = calibrated(flip=False).eval()
    assert not torch.allclose(plain.extract_feat(images.flip(-1)), plain.extract_feat(images).flip(-1))
    sample, _ = model(images, mode='predict')
    assert sample.pred_sem_seg.data.shape == (1, *SIZE) and sample.num_clusters == 5


def test_classes_of_the_linear_probe():
    model = calibrated().eval()
    images = torch.randn(2, 3, *SIZE)
    samples = model(images, mode='predict')
    scores = torch.nn.functional.interpolate(
        model.linear_probe(model.extract_feat(images)), SIZE, mode='bilinear', align_corners=False)
    for sample, expected in zip(samples, scores.argmax(1), strict=True):
        assert (sample.pred_linear_seg.data[0] == expected).float().mean() > 0.999
    assert 'pred_linear_seg' not in calibrated(num_classes=0).eval()(images, mode='predict')[0]


def test_cluster_probe_by_hand():
    probe = ClusterProbe(2, 2)
    probe.centres.data = torch.tensor([[1., 0], [0, 2]])
    codes = torch.tensor([[3., 4], [-1, 0]]).T[None, :, None]
    assert probe.loss(codes)['loss_cluster'].item() == pytest.approx(-0.4)
    cosines = torch.nn.functional.normalize(codes[0, :, 0].T, dim=1) @ probe.directions_and_clusters()[0].T
    torch.testing.assert_close(cosines, torch.tensor([[.6, .8], [-1, 0]]))


def rank_gradients(rank, port, settings, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    model = build(**settings)
    model.calibrate([batch(8, 2)])
    inputs, known = batch(6)
    known['labels'][:3, :20] = 255  # not as many labelled pixels on each rank
    found = losses(model, (inputs[rank::2], {key: value[rank::2] for key, value in known.items()}))
    total = sum(found.values())
    learns = [each for each in model.parameters() if each.requires_grad]
    torch.save((total.detach(), torch.autograd.grad(total, learns)), f'{folder}/{rank}.pt')
    torch.distributed.barrier()


@pytest.mark.parametrize('settings', [
    dict(depth=dict(weight=0.3)),
    dict(depth=dict(weight=0.3), points=dict(kind='farthest', side=4, legacy=True),
         hidden_positives=dict(weight=0.2, share=0.2))],
    ids=['intent', 'legacy'])
def test_two_processes_are_one(settings, tmp_path, unused_port):
    mp.start_processes(rank_gradients, (unused_port, settings, str(tmp_path)), nprocs=2, start_method='fork')
    model = build(**settings)
    model.calibrate([batch(8, 2)])
    inputs, known = batch(6)
    known['labels'][:3, :20] = 255
    total = sum(losses(model, (inputs, known)).values())
    learns = [each for each in model.parameters() if each.requires_grad]
    expected = torch.autograd.grad(total, learns)
    shares = [torch.load(tmp_path / f'{rank}.pt') for rank in range(2)]
    torch.testing.assert_close((shares[0][0] + shares[1][0]) / 2, total.detach())
    for one, other, whole in zip(shares[0][1], shares[1][1], expected, strict=True):
        torch.testing.assert_close((one + other) / 2, whole, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize('size', [(12, 24), (96, 192), (7, 50), (5, 9)])
def test_maps_are_enlarged_as_by_interpolation(size):
    maps = torch.randn(2, 3, 6, 8, dtype=torch.float64, requires_grad=True)
    expected = torch.nn.functional.interpolate(maps, size, mode='bilinear', align_corners=False)
    torch.testing.assert_close(enlarged(maps, size), expected)
    weights = torch.randn(size, dtype=torch.float64)
    one, other = (torch.autograd.grad((each * weights).sum(), maps)[0] for each in (enlarged(maps, size), expected))
    torch.testing.assert_close(one, other)
