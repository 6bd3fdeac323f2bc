"""SwAV's swapped prediction over groups of samples (Caron et al., NeurIPS 2020; Zeng et al., BMVC 2022)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK_ROWS = 8192
SMALLEST_MASS = 1e-28


class SwappedPrediction(NamedTuple):
    """What :func:`swapped_prediction_loss` returns.

    Attributes:
        loss: scalar with gradient, scaled so that the mean over ranks is the mean over the samples of all
            ranks.
        sample_losses: (N,) loss of every sample of this rank, without gradient.
        usage: (K,) share of the samples of all ranks whose best prototype is k, without gradient; sums to 1.
        feature_sums: (K, D) sum of the features of those samples, without gradient.
    """

    loss: Tensor
    sample_losses: Tensor
    usage: Tensor
    feature_sums: Tensor


def _row_chunks(rows: int) -> Iterator[slice]:
    for start in range(0, rows, CHUNK_ROWS):
        yield slice(start, min(start + CHUNK_ROWS, rows))


def _sinkhorn_scales(kernel: Tensor, best: Tensor, epsilon: float, iterations: int) -> tuple[Tensor, Tensor]:
    """Row scales (N,) and column scales (K,) whose products with ``kernel`` give the assignment Q.

    ``kernel`` (N, K) is exp((logits − best) / ε) with ``best`` (N,) the largest logit of each row. The
    normalisations of Sinkhorn's algorithm are kept as the two scales, so that an iteration is two
    matrix-vector products. ``iterations`` is at least 1.
    """
    highest = best.max() if len(best) else best.new_tensor(-torch.inf)
    all_reduce(highest, 'max')
    rows = torch.exp((best - highest) / epsilon)
    for iteration in range(iterations):
        mass = rows @ kernel
        all_reduce(mass)
        # an iteration multiplies the mass by N / K, which is undone before it overflows
        if iteration % 4 == 3:
            mass /= mass.mean()
        columns = mass.clamp_min_(SMALLEST_MASS).reciprocal_()
        rows = (kernel @ columns).reciprocal_()
    return rows, columns


@torch.no_grad()
def sinkhorn(logits: Tensor, epsilon: float = 0.05, iterations: int = 3) -> Tensor:
    """Assign samples to prototypes so that every prototype gets about the same mass.

    Starts from exp(logits / ε) and alternates: prototypes (columns) to equal mass, samples (rows) to mass
    1. The mass of a prototype is that over all ranks in every iteration, so each rank gets its rows of the
    one-process result. Makes one (N, K) array, the result: at these sizes new memory costs more than arithmetic.

    Args:
        logits: (N, K) similarities of the samples of this rank, any floating type; N may be 0 and may
            differ between ranks.
        epsilon: ε > 0, smaller is sharper. A logit more than 87 ε below the largest one of its sample counts as
            −∞; for cosines that can happen with ε < 0.023.
        iterations: number of alternations, at least 1.

    Returns:
        (N, K) float32 assignment Q, rows sum to 1.

    Example:
        >>> logits = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.9, 0.1]])
        >>> (1e6 * sinkhorn(logits, 0.5)[0]).round().int().tolist()
        [816573, 183427]
    """
    logits = logits.float()
    best = logits.amax(1)
    kernel = (logits - best[:, None]).div_(epsilon).exp_()
    rows, columns = _sinkhorn_scales(kernel, best, epsilon, iterations)
    return kernel.mul_(rows[:, None]).mul_(columns)


def perplexity(usage: Tensor) -> Tensor:
    """exp(entropy) of a (K,) distribution: how many entries are effectively in use, 1..K.

    Example:
        >>> perplexity(torch.tensor([0.5, 0.5, 0.0])).item()
        2.0
    """
    return torch.exp(torch.special.entr(usage).sum())


class _SwappedPrediction(torch.autograd.Function):
    """The loss and, in the same sweep over the samples, its gradients; only one (N, K) array is ever held."""

    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        prototypes: Tensor,
        groups: Tensor,
        num_groups: int,
        temperature: float,
        epsilon: float,
        iterations: int,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        samples = len(features)
        kernel = features.new_empty(samples, len(prototypes))
        best = features.new_empty(samples)
        best_prototype = groups.new_empty(samples)
        for rows in _row_chunks(samples):
            logits = torch.mm(features[rows], prototypes.T, out=kernel[rows])
            best[rows], best_prototype[rows] = logits.max(1)
            logits.sub_(best[rows, None]).div_(epsilon).exp_()

        usage = torch.bincount(best_prototype, minlength=len(prototypes))
        feature_sums = F.embedding_bag(
            torch.argsort(best_prototype, stable=True), features, usage.cumsum(0) - usage, mode='sum')
        all_reduce(usage)
        all_reduce(feature_sums)
        all_samples = usage.sum().clamp_min(1)
        row_scales, column_scales = _sinkhorn_scales(kernel, best, epsilon, iterations)

        order = torch.argsort(groups, stable=True)
        members = torch.bincount(groups, minlength=num_groups)
        starts = members.cumsum(0) - members
        member_weights = (row_scales / members[groups])[order]
        targets = F.embedding_bag(order, kernel, starts, mode='sum', per_sample_weights=member_weights)
        targets.mul_(column_scales)
        target_prototypes = (targets @ prototypes)[groups]

        log_normaliser = best / temperature
        grad_features = torch.empty_like(features)
        grad_prototypes = torch.zeros_like(prototypes)
        for rows in _row_chunks(samples):
            probabilities = kernel[rows]
            if epsilon < temperature / 4:
                # so small an ε that what the softmax needs has underflowed in the kernel
                torch.mm(features[rows], prototypes.T, out=probabilities)
                probabilities.sub_(best[rows, None]).div_(temperature).exp_()
            else:
                probabilities.pow_(epsilon / temperature)
            total = probabilities.sum(1, keepdim=True)
            log_normaliser[rows] += total[:, 0].log()
            probabilities.div_(total)
            torch.mm(probabilities, prototypes, out=grad_features[rows])
            grad_prototypes.addmm_(probabilities.T, features[rows])

        sample_losses = log_normaliser - (features * target_prototypes).sum(1) / temperature
        sample_weight = get_world_size() / all_samples
        gradient_scale = sample_weight / temperature
        grad_features.sub_(target_prototypes).mul_(gradient_scale)
        group_sums = F.embedding_bag(order, features, starts, mode='sum')
        grad_prototypes.addmm_(targets.T, group_sums, alpha=-1).mul_(gradient_scale)
        ctx.save_for_backward(grad_features, grad_prototypes)
        usage = usage / all_samples
        ctx.mark_non_differentiable(sample_losses, usage, feature_sums)
        return sample_losses.sum() * sample_weight, sample_losses, usage, feature_sums

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_loss: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        grad_features, grad_prototypes = ctx.saved_tensors
        return grad_features * grad_loss, grad_prototypes * grad_loss, None, None, None, None, None


def swapped_prediction_loss(
    features: Tensor,
    prototypes: Tensor,
    groups: Tensor,
    num_groups: int,
    temperature: float = 0.1,
    epsilon: float = 0.05,
    iterations: int = 3,
) -> SwappedPrediction:
    """Every sample predicts the mean assignment of its group (Zeng et al., BMVC 2022).

    With logits = features · prototypesᵀ and Q = :func:`sinkhorn` (logits)::

        q̄_g = mean of Q over the samples of group g, without gradient
        L_n = −Σ_k q̄_{g(n),k} log softmax(logits_n / τ)_k,    L = mean of L_n over the samples of all ranks

    Calculated in float32 whatever the types of the input and of autocast. Holds one (N, K) array at a time.
    Every rank has to call it, also with N = 0: then it contributes zero, with a graph.

    Args:
        features: (N, D), L2-normalised by the caller.
        prototypes: (K, D), L2-normalised by the caller.
        groups: (N,) int64 ids in 0..num_groups−1; groups of different ranks are different groups.
        num_groups: number of groups on this rank.
        temperature: τ > 0.
        epsilon: ε of the assignment.
        iterations: iterations of Sinkhorn's algorithm.
    """
    with torch.autocast(features.device.type, enabled=False):
        return SwappedPrediction(*_SwappedPrediction.apply(
            features.float(), prototypes.float(), groups, num_groups, temperature, epsilon, iterations))
