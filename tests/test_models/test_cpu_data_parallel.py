"""Batch normalisation over all processes: two that share a batch do what one does that has it."""

import pytest
import torch
import torch.multiprocessing as mp
from mmengine.registry import DefaultScope
from torch import nn

from mmdepthcp.models.wrappers.cpu_data_parallel import AllRanksBatchNorm, CPUDataParallel, over_all_ranks
from tests.test_models.test_depthcp import batch, build, item, total

SHARES = (3, 5)
LAYERS = {
    'plain': (nn.BatchNorm2d, dict(), (4, 5, 6)),
    'without weights, mean of all batches': (nn.BatchNorm2d, dict(affine=False, momentum=None), (4, 5, 6)),
    'vectors': (nn.BatchNorm1d, dict(eps=1e-3), (4,)),
}
ITEMS = (dict(seed=0), dict(seed=1))
STEPS = 3


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmdepthcp'):
        yield


def layer_and_data(name):
    kind, settings, shape = LAYERS[name]
    torch.manual_seed(0)
    layer = kind(4, **settings)
    for weight in layer.parameters():
        nn.init.uniform_(weight, 0.5, 1.5)
    return layer, 100 + 3 * torch.randn(2, sum(SHARES), *shape), torch.randn(2, sum(SHARES), *shape)


def run_layer(layer, inputs, factors):
    """Two steps; outputs, gradients of the input, and what the layer holds in the end."""
    outputs, grads = [], []
    for values, factor in zip(inputs, factors, strict=True):
        values = values.clone().requires_grad_()
        output = layer(values)
        (output * factor).sum().backward()
        outputs.append(output.detach())
        grads.append(values.grad)
    return dict(outputs=torch.stack(outputs), grads=torch.stack(grads), state=dict(layer.state_dict()),
                weights=[weight.grad for weight in layer.parameters()])


def train(model, items):
    """The weights after a few steps."""
    bare = model.module if isinstance(model, CPUDataParallel) else model
    optimiser = torch.optim.SGD(model.parameters(), 0.05)
    for step in range(STEPS):
        data = batch(*(item(**{**settings, 'seed': settings['seed'] + 10 * step}) for settings in items))
        loss = total(model(**bare.data_preprocessor(data, training=True), mode='loss'))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return dict(bare.state_dict())


def run_rank(rank, port, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    results = {}
    for name in LAYERS:
        layer, inputs, factors = layer_and_data(name)
        first = rank * SHARES[0]
        part = slice(first, first + SHARES[rank])
        results[name] = run_layer(over_all_ranks(layer), inputs[:, part], factors[:, part])
    for sync_bn in (True, False):
        wrapped = CPUDataParallel(build(), sync_bn, device_ids=None, broadcast_buffers=False)
        results[sync_bn] = train(wrapped.train(), ITEMS[rank:rank + 1])
    torch.save(results, f'{folder}/{rank}.pt')
    torch.distributed.barrier()


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    import socket

    folder = tmp_path_factory.mktemp('ranks')
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        port = server.getsockname()[1]
    with DefaultScope.overwrite_default_scope('mmdepthcp'):
        mp.start_processes(run_rank, (port, str(folder)), nprocs=2, start_method='fork')
    return [torch.load(folder / f'{rank}.pt') for rank in range(2)]


@pytest.mark.parametrize('name', LAYERS)
def test_two_layers_are_one(ranks, name):
    one = run_layer(*layer_and_data(name))
    for key in ('outputs', 'grads'):
        torch.testing.assert_close(torch.cat([rank[name][key] for rank in ranks], 1), one[key], atol=2e-5, rtol=2e-4)
    for rank in ranks:
        for tensor, expected in zip(rank[name]['state'].values(), one['state'].values(), strict=True):
            torch.testing.assert_close(tensor, expected)
    for first, second, expected in zip(ranks[0][name]['weights'], ranks[1][name]['weights'], one['weights'],
                                       strict=True):
        torch.testing.assert_close(first + second, expected, atol=1e-4, rtol=1e-4)


def test_two_processes_pretrain_as_one(ranks):
    one = train(build().train(), ITEMS)

    def furthest(states):
        return max(float((states[name].float() - tensor.float()).abs().max()) for name, tensor in one.items())

    assert furthest(ranks[0][True]) < 1e-4 and furthest(ranks[1][True]) < 1e-4
    assert furthest(ranks[0][False]) > 1e-3


def test_one_process_and_evaluation_are_as_ever():
    torch.manual_seed(0)
    values = torch.randn(3, 4, 5, 6)
    for training in (True, False):
        plain = nn.BatchNorm2d(4).train(training)
        other = over_all_ranks(nn.Sequential(nn.BatchNorm2d(4)).train(training))
        assert isinstance(other[0], AllRanksBatchNorm)
        torch.testing.assert_close(other(values), plain(values))
        assert other[0].state_dict().keys() == plain.state_dict().keys()
        torch.testing.assert_close(dict(other[0].state_dict()), dict(plain.state_dict()))
