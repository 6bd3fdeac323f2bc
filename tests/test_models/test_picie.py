"""PiCIE: its losses and clusters against worked numbers, equivariance, processes, interrupting and resuming."""

import contextlib
import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.multiprocessing as mp
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import nn

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.config.loading import load_config
from mmdepthcp.datasets.transforms import EquivariantViews
from mmdepthcp.engine.hooks import PretrainedCheckHook
from mmdepthcp.models import PiCIE
from mmdepthcp.models.losses import cluster_weights, moved_centroids, picie_loss
from mmdepthcp.models.selfsup.picie import like_the_first_view
from mmdepthcp.utils.errors import InputError
from tests.small_data import write_data

ROOT = Path(__file__).parents[2]
GROUPS = dict(type='GN', num_groups=2)


BACKBONE = dict(type='mmpretrain.ResNet', depth=18, base_channels=8, stem_channels=8, out_indices=(0, 1, 2, 3),
                norm_cfg=GROUPS)


def build(**settings):
    torch.manual_seed(0)
    return PiCIE(**{**dict(
        backbone=BACKBONE,
        decode_head=dict(type='mmdepthcp.SummedPyramidHead', in_channels=(8, 16, 32, 64), channels=6),
        num_clusters=4), **settings})


def batches(number=6, size=4):
    generator = torch.Generator().manual_seed(1)
    left = torch.rand(number, size, 1, 2, generator=generator) / 2
    boxes = torch.cat([left, left + .5], -1)
    boxes[::2] = boxes[::2][..., [2, 1, 0, 3]]
    whole = torch.tensor([0., 0, 1, 1]).expand_as(boxes)
    return [dict(inputs=torch.randn(size, 2, 3, 32, 64, generator=generator), data_samples=dict(boxes=each))
            for each in torch.cat([boxes, whole], 2)]


def test_mini_batch_k_means_in_steps_of_one_is_a_running_mean():
    points = torch.randn(7, 3)
    centroids, counts = points[:1].clone(), torch.ones(1)
    for point in points[1:]:
        centroids, counts = moved_centroids(centroids, counts, point[None])
    torch.testing.assert_close(centroids[0], points.mean(0))
    assert counts.item() == 7


@pytest.mark.parametrize(('kind', 'expected'), [
    ('frequency', [.25, .75]), ('balanced', [1.5, .5]), (None, [1., 1])])
def test_weights_of_clusters(kind, expected):
    torch.testing.assert_close(cluster_weights(torch.tensor([1., 3]), kind), torch.tensor(expected))


def test_loss_equals_a_plain_one():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, 3, 5, 2, 4, generator=generator)
    centroids = torch.randn(2, 4, 5, generator=generator)
    labels = torch.randint(4, (2, 3, 2, 4), generator=generator)
    weights = torch.rand(2, 4, generator=generator)

    def entropy(view, other):
        total = 0.
        for pixel, label in zip(features[view].movedim(1, -1).reshape(-1, 5), labels[other].flatten(), strict=True):
            scores = [float(pixel @ centroid) for centroid in centroids[other]]
            total += weights[other][label] * (math.log(sum(map(math.exp, scores))) - scores[label])
        return total / weights[other][labels[other]].sum()

    within, across = picie_loss(features, centroids, labels, weights)
    torch.testing.assert_close(within, (entropy(0, 0) + entropy(1, 1)) / 2)
    torch.testing.assert_close(across, (entropy(0, 1) + entropy(1, 0)) / 2)


def test_a_start_from_a_file(tmp_path):
    """The check of pretrained weights does not ask for those of the network that labels, which come from the other."""
    file = tmp_path / 'start.pth'
    torch.save(dict(state_dict=build().state_dict()), file)
    backbone = dict(BACKBONE, init_cfg=dict(type='Pretrained', checkpoint=str(file), prefix='backbone.'))
    model = build(backbone=backbone)
    model.init_weights()
    PretrainedCheckHook().check(model)
    model.find_clusters(batches, seed=0)
    for one, other in zip(model.labeller.parameters(), model._encoder().parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_second_view_moves_along():
    """A network that looks at single pixels commutes with crops and mirrors."""
    image = np.random.default_rng(0).integers(0, 256, (32, 64, 3)).astype(np.uint8)
    for seed in range(6):
        views = EquivariantViews((32, 64), (1., 1.))(dict(img=image, rng=np.random.default_rng(seed)))
        one, other = (torch.from_numpy(view.copy()).float().permute(2, 0, 1)[None] for view in views['views'])
        turn = nn.Conv2d(3, 2, 1)
        torch.testing.assert_close(
            like_the_first_view(turn(other), torch.from_numpy(views['boxes'][:1])), turn(one), atol=1e-3, rtol=1e-5)
    smooth = np.tile(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], (32, 1, 3))
    for seed in range(6):
        views = EquivariantViews((32, 64), (.5, .8))(dict(img=smooth, rng=np.random.default_rng(seed)))
        one, other = (torch.from_numpy(view.copy()).float().permute(2, 0, 1)[None] for view in views['views'])
        moved = like_the_first_view(other, torch.from_numpy(views['boxes'][:1]))
        assert (moved - one).abs().max() < 4.1  # a grey level of the coarser one


def test_clusters_of_a_set():
    model, data = build(), batches()
    with pytest.raises(InputError, match='PiCIEClusterHook'):
        model.loss(**data[0])
    model.find_clusters(lambda: iter(data), seed=0, first_batches=2)
    labels = torch.stack([model.labels(batch['inputs'], batch['data_samples']['boxes'][:, 0]) for batch in data])
    for view in range(2):
        assert torch.equal(model.counts[view], torch.bincount(labels[:, view].flatten(), minlength=4).float())
    assert len(labels.unique()) == 4
    optimizer = torch.optim.Adam([each for each in model.parameters() if each.requires_grad], 1e-2)
    course = []
    for _ in range(6):
        losses = model.loss(**data[0])
        assert torch.equal(model.labels(data[0]['inputs'], data[0]['data_samples']['boxes'][:, 0]), labels[0])
        optimizer.zero_grad()
        (losses['loss_within'] + losses['loss_across']).backward()
        optimizer.step()
        course.append(losses['loss_within'].item())
    assert course[-1] < course[0]
    samples = model.eval()(data[0]['inputs'][:, 0], mode='predict')
    assert samples[0].pred_sem_seg.data.shape == (1, 32, 64)
    with pytest.raises(InputError, match='class_weight'):
        build(class_weight='rare')


def test_what_k_means_begins_with_is_bounded(monkeypatch):
    monkeypatch.setattr('mmdepthcp.models.selfsup.picie.FIRST_PIXELS', 100)
    model, data, given = build(class_weight=None), batches(), []
    begin = PiCIE._begin
    monkeypatch.setattr(PiCIE, '_begin', lambda self, first, *args: given.extend(first) or begin(self, first, *args))
    model.find_clusters(lambda: iter(data), seed=0, first_batches=2)
    assert sum(part.shape[1] * part.shape[2] for part in given) <= 100
    pixels = len(data) * 4 * 8 * 16
    torch.testing.assert_close(model.counts.sum(1), torch.full((2,), float(pixels)))


def rank_clusters(rank, port, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    model = build()
    share = [dict(inputs=batch['inputs'][rank::2], data_samples=dict(boxes=batch['data_samples']['boxes'][rank::2]))
             for batch in batches()]
    model.find_clusters(lambda: iter(share), seed=0, first_batches=2)
    labels = torch.stack([model.labels(batch['inputs'], batch['data_samples']['boxes'][:, 0]) for batch in share])
    losses = model.loss(**share[0])
    torch.save((model.centroids, model.counts, labels, losses['loss_within'].detach()), f'{folder}/{rank}.pt')
    torch.distributed.barrier()


def test_two_processes_find_the_clusters_of_one(tmp_path, unused_port):
    mp.start_processes(rank_clusters, (unused_port, str(tmp_path)), nprocs=2, start_method='fork')
    shares = [torch.load(tmp_path / f'{rank}.pt') for rank in range(2)]
    model, data = build(), batches()
    model.find_clusters(lambda: iter(data), seed=0, first_batches=2)
    for centroids, counts, _, _ in shares:
        torch.testing.assert_close(centroids, model.centroids, atol=1e-5, rtol=1e-5)
        assert torch.equal(counts, model.counts)
    whole = torch.stack([model.labels(batch['inputs'], batch['data_samples']['boxes'][:, 0]) for batch in data])
    for rank in range(2):
        assert torch.equal(shares[rank][2], whole[:, :, rank::2])
    torch.testing.assert_close((shares[0][3] + shares[1][3]) / 2, model.loss(**data[0])['loss_within'].detach())


class StopHook(Hook):
    priority = 'LOWEST'

    def __init__(self, steps):
        self.steps = steps

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.steps:
            raise KeyboardInterrupt


@pytest.mark.parametrize('stop', [3, 4])
def test_interrupted_within_an_epoch_equals_uninterrupted(stop, tmp_path, monkeypatch):
    """Epochs of two iterations; after four the third begins."""
    register_modules()
    monkeypatch.setattr('mmengine.runner.runner.collect_env', dict)
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)

    def train(folder, steps, num_workers=0, **more):
        config = load_config(ROOT / 'configs/picie/picie_toy.py', [
            'train_cfg.max_iters=5', 'train_cfg.val_interval=9', 'default_hooks.checkpoint.interval=1',
            'default_hooks.checkpoint.max_keep_ckpts=9', 'model.backbone.init_cfg=None', 'model.num_clusters=3',
            f'train_dataloader.num_workers={num_workers}', f'train_dataloader.persistent_workers={num_workers > 0}',
            'train_dataloader.batch_size=4', 'val_dataloader.num_workers=0', 'val_dataloader.persistent_workers=False'])
        config.custom_hooks[1].update(interval=2, first_batches=1)
        config.update(work_dir=folder, **more)
        config.visualizer.name = f'{tmp_path}/{folder}'
        init_default_scope(config.default_scope)
        if not Path('data').exists():
            write_data({key: config[key] for key in ('train_dataloader', 'val_dataloader')})
        torch.manual_seed(0)
        runner = Runner.from_cfg(config)
        if steps < 5:
            runner.register_hook(StopHook(steps))
        with contextlib.suppress(KeyboardInterrupt):
            runner.train()
        return torch.load(f'{folder}/iter_{steps}.pth', weights_only=False)

    whole = train('whole', 5)
    train('parts', stop)
    torch.rand(7)
    state = train('parts', 5, num_workers=1, resume=True)
    for key, values in whole['state_dict'].items():
        assert torch.equal(state['state_dict'][key], values), key
