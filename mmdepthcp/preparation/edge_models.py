"""Files for regions that are learnt: features of images, and what is known of edges."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmdepthcp.grouping import EdgeFit, EdgeModel
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import read_json, write_json


def read_features(path: str | os.PathLike) -> np.ndarray:
    """The features (C, h, w) of an image, as :func:`mmdepthcp.embed` writes them.

    Raises:
        InputError: the file is missing or none of these, or holds what is not finite.
    """
    remedy = 'write them with tools/embed.py'
    try:
        features = np.load(path)
    except FileNotFoundError:
        raise InputError(f'{path}: no features of this image; {remedy}') from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f'{path}: cannot be read ({error}); {remedy}') from None
    if features.ndim != 3 or features.size == 0 or not np.issubdtype(features.dtype, np.floating):
        raise InputError(f'{path}: holds {features.dtype} {features.shape}, features are numbers (C, h, w); {remedy}')
    if not np.isfinite(features).all():
        raise InputError(f'{path}: features are not finite; {remedy}, by a checkpoint that works')
    return features


def write_edges(path: str | os.PathLike, fit: EdgeFit, about: Mapping[str, Any]) -> None:
    """Write what was learnt about edges, and how, as JSON."""
    write_json(path, dict(
        about, auc=round(fit.auc, 4), bias=fit.model.bias, projection=fit.model.projection.tolist()))


def read_edges(path: str | os.PathLike) -> EdgeModel:
    """What :func:`write_edges` wrote.

    Raises:
        InputError: the file is missing or no such file.
    """
    content = read_json(path)
    try:
        model = EdgeModel(np.array(content['projection'], np.float64), float(content['bias']))
        if model.projection.ndim != 2 or not np.isfinite(model.projection).all() or not np.isfinite(model.bias):
            raise ValueError('not finite, or of another shape')
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(f'{path}: holds nothing learnt about edges ({error}); write it with tools/learn_edges.py'
                         ) from None
    return model
