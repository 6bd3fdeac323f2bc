"""The swapped prediction loss step by step, with autograd: the oracle of the fast version."""

import torch
import torch.nn.functional as F
from torch import Tensor


@torch.no_grad()
def sinkhorn_plain(logits: Tensor, epsilon: float, iterations: int) -> Tensor:
    """Assignment (N, K): columns to equal mass, then rows to 1, ``iterations`` times."""
    assignment = torch.exp((logits - logits.max()) / epsilon)
    for _ in range(iterations):
        assignment = assignment / assignment.sum(0)
        assignment = assignment / assignment.sum(1, keepdim=True)
    return assignment


def swapped_prediction_plain(
    features: Tensor, prototypes: Tensor, groups: Tensor, num_groups: int, temperature: float = 0.1,
    epsilon: float = 0.05, iterations: int = 3,
) -> Tensor:
    """Mean loss over the samples, from (N, D) features, (K, D) prototypes and (N,) group ids."""
    logits = features @ prototypes.T
    assignment = sinkhorn_plain(logits.detach(), epsilon, iterations)
    members = torch.bincount(groups, minlength=num_groups)
    sums = torch.zeros(num_groups, len(prototypes), dtype=logits.dtype).index_add_(0, groups, assignment)
    targets = (sums / members[:, None])[groups]
    return -(targets * F.log_softmax(logits / temperature, dim=1)).sum(1).mean()
