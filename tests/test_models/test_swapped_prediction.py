
import numpy as np
import pytest
import torch
import torch.multiprocessing as mp
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.plain.swapped_prediction import swapped_prediction_plain
from mmdepthcp.models.losses import perplexity, sinkhorn, swapped_prediction_loss
from mmdepthcp.models.losses import swapped_prediction as module

LOGITS = torch.tensor([[1, 0], [0.5, 0.5], [0, 1], [0.9, 0.1]])
ASSIGNMENT = [[0.816573, 0.183427], [0.375968, 0.624032], [0.075390, 0.924610], [0.749003, 0.250997]]


def numpy_loss(features, prototypes, groups, temperature, epsilon, iterations):
    """Mean and per-sample loss in float64, sample by sample."""
    logits = features @ prototypes.T
    assignment = np.exp((logits - logits.max()) / epsilon)
    for _ in range(iterations):
        assignment /= assignment.sum(0) * assignment.shape[1]
        assignment /= assignment.sum(1, keepdims=True) * assignment.shape[0]
    assignment *= assignment.shape[0]
    losses = []
    for row, own in zip(logits / temperature, groups, strict=True):
        target = assignment[groups == own].mean(0)
        losses.append(-(target * (row - row.max() - np.log(np.exp(row - row.max()).sum()))).sum())
    return np.mean(losses), np.array(losses)


def random_problem(samples, prototypes, dims, groups, seed=0):
    generator = torch.Generator().manual_seed(seed)
    features = F.normalize(torch.randn(samples, dims, generator=generator), dim=1)
    weights = F.normalize(torch.randn(prototypes, dims, generator=generator), dim=1)
    ids = torch.randint(0, groups, (samples,), generator=generator)
    return features, weights, torch.unique(ids, return_inverse=True)[1]


def gradients(function, features, prototypes, *args):
    features, prototypes = features.clone().requires_grad_(), prototypes.clone().requires_grad_()
    loss = function(features, prototypes, *args)
    loss.backward()
    return loss.detach(), features.grad, prototypes.grad


def fast_loss(*args):
    return swapped_prediction_loss(*args).loss


def test_sinkhorn_worked_numbers():
    assignment = sinkhorn(LOGITS, epsilon=0.5, iterations=3)
    torch.testing.assert_close(assignment, torch.tensor(ASSIGNMENT), atol=1e-6, rtol=0)
    torch.testing.assert_close(assignment.sum(1), torch.ones(4))
    torch.testing.assert_close(assignment.sum(0), torch.tensor([2.016934, 1.983066]), atol=2e-6, rtol=0)


def test_swapped_prediction_worked_numbers():
    result = swapped_prediction_loss(
        LOGITS, torch.eye(2), torch.tensor([0, 0, 1, 1]), 2, temperature=0.1, epsilon=0.5, iterations=3)
    expected = torch.tensor([4.037340, 0.693147, 4.122010, 4.702764])
    torch.testing.assert_close(result.sample_losses, expected, atol=5e-6, rtol=0)
    assert result.loss.item() == pytest.approx(3.388815, abs=2e-6)


def test_swapped_prediction_group_means_of_the_worked_numbers():
    """q̄ is read off the gradient: dL/dlogit = (softmax − q̄) / (τ N)."""
    features = LOGITS.clone().requires_grad_()
    swapped_prediction_loss(features, torch.eye(2), torch.tensor([0, 0, 1, 1]), 2, 0.1, 0.5, 3).loss.backward()
    targets = F.softmax(LOGITS / 0.1, dim=1) - features.grad * 0.1 * 4
    expected = torch.tensor([[0.596271, 0.403729]] * 2 + [[0.412196, 0.587804]] * 2)
    torch.testing.assert_close(targets, expected, atol=1e-6, rtol=0)


@settings(max_examples=25, deadline=None)
@given(
    samples=st.integers(1, 60), prototypes=st.integers(2, 30), groups=st.integers(1, 20), seed=st.integers(0, 99),
    temperature=st.sampled_from([0.05, 0.1, 0.5]), epsilon=st.sampled_from([0.03, 0.05, 0.5]),
    iterations=st.integers(1, 4))
def test_fast_version_equals_plain_and_numpy(
        samples, prototypes, groups, seed, temperature, epsilon, iterations):
    features, weights, ids = random_problem(samples, prototypes, 8, groups, seed)
    args = ids, int(ids.max()) + 1, temperature, epsilon, iterations
    fast = gradients(fast_loss, features, weights, *args)
    plain = gradients(swapped_prediction_plain, features.double(), weights.double(), *args)
    for got, expected in zip(fast, plain, strict=True):
        torch.testing.assert_close(got, expected.float(), atol=1e-5, rtol=1e-4)
    mean, losses = numpy_loss(
        features.double().numpy(), weights.double().numpy(), ids.numpy(), temperature, epsilon, iterations)
    assert fast[0].item() == pytest.approx(mean, abs=1e-5, rel=1e-5)
    sample_losses = swapped_prediction_loss(features, weights, *args).sample_losses
    np.testing.assert_allclose(sample_losses.numpy(), losses, atol=1e-5, rtol=1e-4)


def test_chunks_do_not_change_the_result(monkeypatch):
    problem = *random_problem(101, 12, 8, 9), 9
    whole = gradients(fast_loss, *problem)
    monkeypatch.setattr(module, 'CHUNK_ROWS', 10)
    for got, expected in zip(gradients(fast_loss, *problem), whole, strict=True):
        torch.testing.assert_close(got, expected, atol=1e-6, rtol=1e-5)


def test_order_of_samples_does_not_matter():
    features, weights, ids = random_problem(50, 12, 8, 9)
    order = torch.randperm(50, generator=torch.Generator().manual_seed(1))
    result = swapped_prediction_loss(features, weights, ids, 9)
    shuffled = swapped_prediction_loss(features[order], weights, ids[order], 9)
    torch.testing.assert_close(shuffled.loss, result.loss)
    torch.testing.assert_close(shuffled.sample_losses, result.sample_losses[order], atol=1e-5, rtol=1e-5)


def plain_sinkhorn(logits, epsilon=0.05, iterations=3):
    """SwAV's algorithm as its paper writes it: normalise columns and rows of the whole array in turn."""
    assignment = torch.exp(logits / epsilon).T
    assignment /= assignment.sum()
    for _ in range(iterations):
        assignment /= assignment.sum(1, keepdim=True)
        assignment /= len(logits[0])
        assignment /= assignment.sum(0, keepdim=True)
        assignment /= len(logits)
    return (assignment * len(logits)).T


@pytest.mark.parametrize(('samples', 'prototypes'), [(64, 300), (512, 300), (512, 3000)])
def test_sinkhorn_equals_the_plain_algorithm(samples, prototypes):
    features, weights, _ = random_problem(samples, prototypes, 128, 5)
    logits = features @ weights.T
    before = logits.clone()
    torch.testing.assert_close(sinkhorn(logits), plain_sinkhorn(logits), atol=1e-6, rtol=1e-4)
    assert torch.equal(logits, before)


class CountWork(TorchDispatchMode):
    """How many operations made, and how many went through, an array of at least ``size`` elements."""

    def __init__(self, size):
        super().__init__()
        self.size, self.storages, self.passes = size, set(), 0
        self.kept = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        tensors = [value for value in (*args, result) if isinstance(value, Tensor) and value.numel() >= self.size]
        self.kept.extend(tensors)  # so that no address is used twice
        self.storages |= {value.untyped_storage().data_ptr() for value in tensors}
        self.passes += bool(tensors) and not func.is_view
        return result


def test_sinkhorn_does_less_than_the_plain_algorithm():
    """Its time on a loaded machine says little; what it does is the same everywhere."""
    features, weights, _ = random_problem(64, 300, 16, 5)
    logits = features @ weights.T
    with CountWork(logits.numel()) as ours:
        sinkhorn(logits)
    with CountWork(logits.numel()) as plain:
        plain_sinkhorn(logits)
    assert len(ours.storages) == 2  # the logits and the result
    assert ours.passes <= 12 < plain.passes


def test_sinkhorn_spreads_a_collapsed_prototype():
    features, weights, _ = random_problem(4000, 10, 4, 5)
    logits = features @ weights.T
    logits[:, 0] += 0.5
    assignment = sinkhorn(logits, iterations=50)
    torch.testing.assert_close(assignment.sum(0), torch.full((10,), 400.), rtol=0.02, atol=0)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_input_is_calculated_in_float32(dtype):
    features, weights, ids = (part for part in random_problem(300, 20, 16, 30))
    half = features.to(dtype).requires_grad_()
    with torch.autocast('cpu', torch.bfloat16):
        result = swapped_prediction_loss(half, weights, ids, 30)
    assert result.loss.dtype == torch.float32
    torch.testing.assert_close(result.loss, swapped_prediction_loss(half.detach().float(), weights, ids, 30).loss)
    result.loss.backward()
    assert half.grad.dtype == dtype and half.grad.isfinite().all()
    assert sinkhorn((1000 * half.detach().float() @ weights.T).to(dtype)).isfinite().all()


def test_extreme_logits_stay_finite():
    logits = torch.tensor([[1e4, -1e4, 0], [-1e4, 1e4, 0], [0, 0, -1e4]])
    assignment = sinkhorn(logits)
    assert assignment.isfinite().all()
    torch.testing.assert_close(assignment.sum(1), torch.ones(3))


def test_no_samples_give_zero_with_a_graph():
    features, weights = torch.zeros(0, 8, requires_grad=True), torch.eye(8).requires_grad_()
    result = swapped_prediction_loss(features, weights, torch.zeros(0, dtype=torch.long), 0)
    result.loss.backward()
    assert result.loss.item() == 0
    assert features.grad.shape == (0, 8)
    assert not weights.grad.any()
    assert result.usage.isfinite().all()


def test_region_loss_is_lower_for_features_that_are_constant_in_regions():
    regions, dims = 16, 32
    ids = torch.arange(regions).repeat_interleave(50)
    prototypes = F.normalize(torch.randn(60, dims, generator=torch.Generator().manual_seed(0)), dim=1)
    constant = torch.eye(dims)[ids]
    random = F.normalize(torch.randn(len(ids), dims, generator=torch.Generator().manual_seed(1)), dim=1)
    good = swapped_prediction_loss(constant, prototypes, ids, regions).loss
    bad = swapped_prediction_loss(random, prototypes, ids, regions).loss
    assert good < 0.9 * bad


def test_usage_and_perplexity():
    features, weights = torch.eye(8)[[0, 0, 1, 2]], torch.eye(8)
    usage = swapped_prediction_loss(features, weights, torch.tensor([0, 0, 1, 1]), 2).usage
    torch.testing.assert_close(usage, torch.tensor([0.5, 0.25, 0.25, 0, 0, 0, 0, 0]))
    assert perplexity(usage).item() == pytest.approx(2 ** 1.5)
    assert perplexity(torch.eye(8)[0]).item() == 1


def test_feature_sums():
    features, weights, ids = random_problem(50, 6, 8, 5)
    sums = swapped_prediction_loss(features, weights, ids, 5).feature_sums
    expected = np.zeros((6, 8))
    for feature, best in zip(features.numpy(), (features @ weights.T).argmax(1).tolist(), strict=True):
        expected[best] += feature
    np.testing.assert_allclose(sums.numpy(), expected, atol=1e-5)


def _run_rank(rank, shares, port, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=len(shares))
    features, weights, ids = random_problem(60, 12, 8, 9)
    ids, order = ids.sort()
    features = features[order]
    start = sum(shares[:rank])
    own = slice(start, start + shares[rank])
    compact = torch.unique(ids[own], return_inverse=True)[1]
    num_groups = int(compact.max()) + 1 if len(compact) else 0
    loss, grad_features, grad_weights = gradients(fast_loss, features[own], weights, compact, num_groups)
    torch.save(dict(
        assignment=sinkhorn((features @ weights.T)[own]), loss=loss, grad_features=grad_features,
        grad_weights=grad_weights, prediction=swapped_prediction_loss(features[own], weights, compact, num_groups)),
        f'{folder}/{rank}.pt')
    torch.distributed.barrier()


@pytest.mark.parametrize('empty', [False, True], ids=['unequal', 'one rank empty'])
def test_two_processes_equal_one(tmp_path, unused_port, empty):
    features, weights, ids = random_problem(60, 12, 8, 9)
    ids, order = ids.sort()
    features = features[order]
    first = 60 if empty else int((ids < 3).sum())
    assert empty or first != 30
    shares = (first, 60 - first)
    mp.start_processes(_run_rank, (shares, unused_port, str(tmp_path)), nprocs=2, start_method='fork')
    ranks = [torch.load(tmp_path / f'{rank}.pt', weights_only=False) for rank in range(2)]

    torch.testing.assert_close(
        torch.cat([rank['assignment'] for rank in ranks]), sinkhorn(features @ weights.T), atol=1e-6, rtol=0)
    loss, grad_features, grad_weights = gradients(fast_loss, features, weights, ids, 9)
    torch.testing.assert_close((ranks[0]['loss'] + ranks[1]['loss']) / 2, loss, atol=1e-6, rtol=1e-6)
    averaged = (ranks[0]['grad_weights'] + ranks[1]['grad_weights']) / 2
    torch.testing.assert_close(averaged, grad_weights, atol=1e-6, rtol=1e-5)
    joined = torch.cat([rank['grad_features'] for rank in ranks]) / 2
    torch.testing.assert_close(joined, grad_features, atol=1e-6, rtol=1e-5)
    prediction = swapped_prediction_loss(features, weights, ids, 9)
    for rank in ranks:
        torch.testing.assert_close(rank['prediction'].usage, prediction.usage)
        torch.testing.assert_close(rank['prediction'].feature_sums, prediction.feature_sums, atol=1e-5, rtol=1e-5)
