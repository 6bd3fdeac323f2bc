"""Whether two superpixels that touch belong together, as features of a network tell that nobody has given labels for.

Groupings of one graph with different settings agree about most of its edges: these are the examples. What tells the
pairs that stay together from those that are parted, by features alone, is learnt from them, and then has a say where
the groupings do not agree (co-training: Blum and Mitchell, COLT 1998, with geometry and colour as one view and features
as the other).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import coo_matrix

KEPT_DIMENSIONS = 16
"""Directions of the features that are looked at."""
RIDGE = 1e-3
"""Added to the variance of differences that mean nothing, in units of that of the features."""
LEAST_EXAMPLES = 10
"""Of either kind, without which nothing is learnt."""


class EdgeModel(NamedTuple):
    """What features say about an edge: the logarithm of how much more probable they make it that its ends are parted
    than that they belong together, ‖P·f_i − P·f_j‖ + b.
    """

    projection: np.ndarray
    """(K, C), P."""
    bias: float
    """b."""


class EdgeFit(NamedTuple):
    """A model and how well it tells pairs that it has not seen."""

    model: EdgeModel
    auc: float
    """Area under the curve of true against false positives on the pairs held back; 0.5: features tell nothing."""


def pool_features(superpixels: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Means over superpixels of a map that is brought to the size of the image by bilinear interpolation.

    Args:
        superpixels: (H, W) int32, 0..R−1, each used.
        features: (C, h, w) of the whole image, whatever the size.

    Returns:
        (R, C) float64.

    Example:
        >>> pool_features(np.array([[0, 0, 1, 1]]), np.array([[[2.0, 6.0]]])).ravel().tolist()
        [2.5, 5.5]
    """
    height, width = superpixels.shape
    rows, columns = _interpolation(height, features.shape[1]), _interpolation(width, features.shape[2])
    number = int(superpixels.max()) + 1
    cells, weights = [], []
    for row, row_weight in rows:
        for column, column_weight in columns:
            cells.append((row[:, None] * features.shape[2] + column).ravel())
            weights.append((row_weight[:, None] * column_weight).ravel())
    owners = np.tile(superpixels.ravel(), len(cells))
    shares = coo_matrix((np.concatenate(weights), (owners, np.concatenate(cells))),
                        (number, features.shape[1] * features.shape[2])).tocsr()
    area = np.bincount(superpixels.ravel(), minlength=number)
    return shares @ features.reshape(len(features), -1).T.astype(np.float64) / area[:, None]


def _interpolation(size: int, cells: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The two cells on either side of each of ``size`` places, and their weights; pixel centres lie at a half."""
    place = np.clip((np.arange(size) + 0.5) * cells / size - 0.5, 0, cells - 1)
    low = np.minimum(np.floor(place).astype(np.int64), max(cells - 2, 0))
    high = np.minimum(low + 1, cells - 1)
    return [(low, 1 - (place - low)), (high, place - low)]


def agreement(groupings: Sequence[np.ndarray], pairs: np.ndarray) -> np.ndarray:
    """In which share of groupings the ends of every edge belong to one group.

    Args:
        groupings: each (R,), the group of every superpixel.
        pairs: (E, 2).

    Example:
        >>> agreement([np.array([0, 0, 1]), np.array([0, 1, 1])], np.array([[0, 1], [0, 2]])).tolist()
        [0.5, 0.0]
    """
    return np.mean([groups[pairs[:, 0]] == groups[pairs[:, 1]] for groups in groupings], axis=0)


def learn_edges(features: np.ndarray, pairs: np.ndarray, parted: np.ndarray, held_back: np.ndarray,
                dimensions: int = KEPT_DIMENSIONS) -> EdgeFit:
    """Learn from pairs of superpixels which differences of their features part them.

    The directions are those in which the differences of parted pairs are largest beside those of pairs that belong
    together (Köstinger et al., "Large Scale Metric Learning from Equivalence Constraints", CVPR 2012); a logistic
    regression on the squares of the differences, both kinds of pairs counting the same, weighs them, and a second one
    on the distance that they make gives its scale and the bias.

    Args:
        features: (N, C) of all superpixels.
        pairs: (E, 2) in 0..N−1.
        parted: (E,) bool.
        held_back: (E,) bool, pairs that only tell how good it is.
        dimensions: directions at the most.

    Raises:
        ValueError: there are hardly any pairs of one kind among those to learn from or those held back.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    for part, name in ((~held_back, 'to learn from'), (held_back, 'held back')):
        if min(parted[part].sum(), (~parted[part]).sum()) < LEAST_EXAMPLES:
            raise ValueError(f'of {part.sum()} pairs {name}, {parted[part].sum()} are parted; at least '
                             f'{LEAST_EXAMPLES} must be, and as many must not')
    deviation = features.std(axis=0)
    scale = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    differences = (features[pairs[:, 0]] - features[pairs[:, 1]]) * scale
    apart, together = (_second_moment(differences[~held_back & kind]) for kind in (parted, ~parted))
    directions = eigh(apart, together + RIDGE * np.eye(len(together)))[1][:, ::-1][:, :dimensions].T
    axes = directions * scale
    squares = (differences @ directions.T) ** 2
    spread = squares.mean(axis=0).clip(np.finfo(np.float64).tiny)
    regression = LogisticRegression(class_weight='balanced', max_iter=1000)
    weights = regression.fit((squares / spread)[~held_back], parted[~held_back]).coef_[0].clip(0) / spread
    distance = np.sqrt(squares @ weights)[:, None]
    regression.fit(distance[~held_back], parted[~held_back])
    slope = max(float(regression.coef_[0, 0]), 0.)
    model = EdgeModel(slope * np.sqrt(weights)[:, None] * axes, float(regression.intercept_[0]) if slope else 0.)
    return EdgeFit(model, float(roc_auc_score(parted[held_back], slope * distance[held_back, 0])))


def _second_moment(rows: np.ndarray) -> np.ndarray:
    return rows.T @ rows / len(rows)
