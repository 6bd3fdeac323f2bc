"""What dense features look like: as colours by their principal components, as points by t-SNE."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import atomic_path

PERCENTILES = (1.0, 99.0)


class ColourBasis(NamedTuple):
    """How features become colours.

    Attributes:
        mean: (C,).
        axes: (C, 3) principal axes.
        low, high: (3,) ends of the range shown along each.
    """

    mean: np.ndarray
    axes: np.ndarray
    low: np.ndarray
    high: np.ndarray


def fit_colours(features: np.ndarray) -> ColourBasis:
    """The three principal components of features (N, C), one basis for all pictures that shall be compared.

    Raises:
        InputError: there are fewer than three features or channels.
    """
    from sklearn.decomposition import PCA

    if min(features.shape) < 3:
        raise InputError(f'features of shape {features.shape}: at least three pixels and three channels are needed')
    pca = PCA(3, svd_solver='full' if features.shape[1] <= 512 else 'randomized', random_state=0).fit(features)
    low, high = np.percentile(pca.transform(features), PERCENTILES, axis=0)
    return ColourBasis(pca.mean_, pca.components_.T, low, high)


def feature_colours(features: np.ndarray, basis: ColourBasis) -> np.ndarray:
    """Features (C, H, W) as a picture (H, W, 3), uint8, RGB: the first principal component is red."""
    projected = (np.moveaxis(features, 0, -1) - basis.mean) @ basis.axes
    share = (projected - basis.low) / np.maximum(basis.high - basis.low, np.finfo(np.float32).tiny)
    return np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)


def embed_points(features: np.ndarray, seed: int = 0, perplexity: float = 30.0) -> np.ndarray:
    """t-SNE of features (N, C) with cosine distance (van der Maaten and Hinton, JMLR 2008): positions (N, 2).

    Args:
        features: at least four.
        seed: seed of the embedding.
        perplexity: about how many neighbours count; at most (N − 1) / 3.

    Raises:
        InputError: there are too few features.
    """
    from sklearn.manifold import TSNE

    if len(features) < 4:
        raise InputError(f'{len(features)} labelled pixels: t-SNE needs at least 4')
    return TSNE(2, perplexity=min(perplexity, (len(features) - 1) / 3), metric='cosine', init='random',
                random_state=seed).fit_transform(features)


def draw_points(path: str | os.PathLike, points: np.ndarray, labels: np.ndarray, classes: Sequence[str],
                palette: Sequence[Sequence[int]], title: str = '') -> None:
    """A picture of points (N, 2) in the colours of their classes.

    Args:
        path: the picture, PNG or PDF by its ending.
        points: (N, 2).
        labels: (N,) class indices.
        classes: names.
        palette: RGB colours.
        title: its headline.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6), layout='constrained')
    axis = figure.subplots()
    for index in np.unique(labels):
        x, y = points[labels == index].T
        axis.scatter(x, y, s=6, color=np.asarray(palette[index]) / 255, label=classes[index], linewidths=0)
    axis.set(xticks=[], yticks=[], title=title)
    figure.legend(loc='outside right upper', markerscale=3)
    with atomic_path(path) as aside:
        figure.savefig(aside, dpi=120)
