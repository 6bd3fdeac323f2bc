"""Consistency of pixels that lie near each other in space (PixPro), and whose depths agree (depth-aware PixPro).

PixPro, PixContrast: Xie et al., "Propagate Yourself: Exploring Pixel-Level Consistency for Unsupervised Visual
Representation Learning", CVPR 2021. A filter by depth, and a loss over several scales: Ben Saad et al., "Improving
Pixel-Level Contrastive Learning by Leveraging Exogenous Depth Information", WACV 2023, whose equations are not public:
:class:`mmdepthcp.views.pairs.DepthFilter` and the mean over distances are ours.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from mmdepthcp.models.ranks import total_over_ranks
from mmdepthcp.views.pairs import LARGEST, CellPairs, PairCounts, count_pairs

TINY = 1e-6
def image_weights(counts: PairCounts, filter_empty: str = 'skip', empty: str = 'zero') -> tuple[Tensor, Tensor]:
    """What a pair adds to the loss, for each distance and image, so that the loss is a mean over images of means over
    pairs, over K distances.

    Args:
        counts: of pairs.
        filter_empty: see :class:`DepthFilter`.
        empty: 'zero', an image without pairs is part of the mean, with loss 0, as in the published code; 'skip', it is
            not. The mean is that over the images of all processes.

    Returns:
        Weights (K, B) of pairs that the filter leaves, and of pairs by distance, which stand in where it leaves none.
    """
    near, kept = counts
    spatial = (kept == 0) & (near > 0) & (filter_empty == 'spatial')
    totals = torch.where(spatial, near, kept)
    images = torch.ones_like(totals) if empty == 'zero' else (totals > 0).to(totals.dtype)
    number, ranks = total_over_ranks(images.sum(1, keepdim=True))
    shares = images * ranks / (len(totals) * number.clamp(min=1) * (totals + TINY))
    return torch.where(spatial, 0, shares), torch.where(spatial, shares, 0)


def pair_targets(pairs: CellPairs, keys: Tensor, empty: str = 'zero', largest: int = LARGEST
                 ) -> tuple[Tensor, PairCounts]:
    """What cells are to be like: weighted sums of the other view's cells that they belong to.

    The loss is linear in the cosines of pairs, so these sums replace the matrix of them: memory grows with the number
    of cells, but for ``largest`` numbers at once.

    Args:
        pairs: of cells.
        keys: (B, 2, P, D) cells of length 1, without gradient.
        empty: see :func:`image_weights`.
        largest: see :meth:`CellPairs.rows_at_once`.

    Returns:
        (B, 2, P, D), for the cells of the first view and of the second, and the counts of pairs. A half of the loss is
        −2 Σ y · target.
    """
    counts = count_pairs(pairs, largest)
    of_kept, of_near = image_weights(counts, pairs.depth_filter.empty if pairs.depth_filter else 'skip', empty)
    targets = torch.zeros_like(keys)
    for rows in pairs.rows_at_once(largest):
        near, kept = pairs.near_and_kept(rows)
        weights = (kept * of_kept[..., None, None] + near * of_near[..., None, None]).sum(0)
        targets[:, 0, rows] = weights @ keys[:, 1]
        targets[:, 1] += weights.mT @ keys[:, 0, rows]
    return targets, counts


def pixpro_loss(queries: Tensor, targets: Tensor) -> Tensor:
    """PixPro's loss, in −4..0: −2 for each direction where all pairs are alike.

    Args:
        queries: (B, 2, P, D) propagated cells of length 1.
        targets: see :func:`pair_targets`.

    Example:
        >>> cells = torch.eye(4).expand(1, 2, 4, 4)
        >>> pairs = CellPairs(torch.tensor([[[0., 0, 4, 4]] * 2]), (2, 2))
        >>> round(pixpro_loss(cells, pair_targets(pairs, cells)[0]).item(), 4)
        -4.0
    """
    return -2 * (queries * targets).sum()


def pixcontrast_loss(pairs: CellPairs, queries: Tensor, keys: Tensor, temperature: float = 0.3, empty: str = 'zero',
                     ignore_near: bool = False, largest: int = LARGEST) -> tuple[Tensor, PairCounts]:
    """PixContrast's loss: of every cell with a positive, −log of the positives' share of exp(cosine / τ); the mean over
    cells, images and distances, both directions added.

    Args:
        pairs: of cells; what is not positive is negative.
        queries, keys: (B, 2, P, D) cells of length 1; keys without gradient.
        temperature: τ.
        empty: see :func:`image_weights`.
        ignore_near: leave out pairs that are near but at another depth, which else are negative.
        largest: see :meth:`CellPairs.rows_at_once`; what is more is computed again for the gradient.
    """
    total = queries.new_zeros(())
    for one, other, way in ((0, 1, pairs), (1, 0, _reversed(pairs))):
        sums = [
            checkpoint(_cell_losses, way, rows, queries[:, one, rows], keys[:, other], temperature, ignore_near,
                       use_reentrant=False)
            for rows in way.rows_at_once(largest)]
        losses, cells = (torch.stack(parts).sum(0) for parts in zip(*sums, strict=True))
        shares, _ = image_weights(PairCounts(cells, cells), empty=empty)
        total = total + (losses * shares).sum()
    return total, count_pairs(pairs, largest)


def _reversed(pairs: CellPairs) -> CellPairs:
    disparity = None if pairs.disparity is None else pairs.disparity.flip(1)
    return CellPairs(pairs.boxes.flip(1), pairs.size, pairs.thresholds, disparity, pairs.depth_filter)


def _cell_losses(pairs: CellPairs, rows: slice, queries: Tensor, keys: Tensor, temperature: float, ignore_near: bool
                 ) -> tuple[Tensor, Tensor]:
    """Sums (K, B) of the losses of cells with a positive, and numbers of these."""
    near, kept = pairs.near_and_kept(rows)
    logits = (queries @ keys.mT / temperature).expand_as(near)
    positive = kept > 0
    some = positive.any(-1)
    # a cell without a positive keeps all pairs, for a finite gradient of what is not used
    against = logits.masked_fill((near > 0) & ~positive & some[..., None], -math.inf) if ignore_near else logits
    own = logits.masked_fill(~positive & some[..., None], -math.inf).logsumexp(-1)
    losses = torch.where(some, against.logsumexp(-1) - own, 0)
    return losses.sum(-1), some.sum(-1).to(losses.dtype)
