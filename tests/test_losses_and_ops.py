"""The same questions to every loss and operation on tensors: does it run and keep shapes and types, what does it
refuse, is it right on a worked example, are its gradients right, does it work in half precision?

That none is forgotten is tested too.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from skeleton import Case, questions_to
from torch import Tensor

import mmdepthcp.geometry
from benchmarks.plain.swapped_prediction import swapped_prediction_plain
from mmdepthcp.geometry import inverse_pose, pose_matrix, rotation_matrix, scale_disparity, warp
from mmdepthcp.models import losses
from mmdepthcp.models.backbones import hypercolumns
from mmdepthcp.models.losses import (
    ReprojectionError,
    SwAVLoss,
    ViewSynthesisLoss,
    attention_neighbours,
    automask,
    centre,
    correlation,
    correlation_loss,
    depth_correlation,
    depth_neighbours,
    feature_distance,
    legacy_depth_correlation,
    over_sources,
    perplexity,
    photometric_error,
    propagate,
    sinkhorn,
    smoothness_loss,
    swapped_prediction_loss,
    window_moments,
)
from mmdepthcp.models.probes import ClusterProbe
from mmdepthcp.models.selfsup import sample_features


def randn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def rand(*shape: int) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64)


def unit(*shape: int) -> Tensor:
    return torch.nn.functional.normalize(randn(*shape), dim=-1)


def tensor(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def probe_loss(features: Tensor, centres: Tensor) -> Tensor:
    probe = ClusterProbe(centres.shape[1], len(centres))
    del probe.centres
    probe.centres = centres
    return probe.loss(features)['loss_cluster']


def plain_probe_loss(features: Tensor, centres: Tensor) -> Tensor:
    cosines = torch.nn.functional.cosine_similarity(
        features.detach().float()[:, None], centres.float()[None, :, :, None, None], dim=2)
    return -cosines.amax(1).mean()


def swav_loss(x: Tensor, prototypes: Tensor) -> Tensor:
    loss = SwAVLoss(feat_dim=x.shape[1], num_prototypes=len(prototypes), num_crops=[2, 1], crops_for_assign=[0, 1])
    del loss.prototypes.weight
    loss.prototypes.weight = prototypes
    return loss(x)


def view_synthesis(sigmoid: Tensor, frames: Tensor) -> Tensor:
    batch = len(frames)
    intrinsics = tensor([[1, 0, .5], [0, 2, .5], [0, 0, 1]]).to(frames).expand(batch, 3, 3)
    motions = pose_matrix(frames.new_zeros(2 * batch, 3), frames.new_tensor([.1, 0, 0]).expand(2 * batch, 3))
    found = ViewSynthesisLoss(automasked=False)(
        frames, 1, [sigmoid], motions.unflatten(0, (2, batch)), intrinsics)
    return found['loss_photometric'] + found['loss_smoothness']


def reprojection(disparity: Tensor, target: Tensor, source: Tensor) -> Tensor:
    intrinsics = target.new_tensor([[6, 0, 3], [0, 6, 2], [0, 0, 1]])[None]
    motion = pose_matrix(target.new_zeros(1, 3), target.new_tensor([[.2, 0, 0]]))[None]
    return ReprojectionError(target, source[None], intrinsics, motion, automasked=False)(disparity)[0]


EYE = [[1., 0, 0], [0, 1, 0], [0, 0, 1]]
CASES = {
    'swapped_prediction_loss': Case(
        lambda features, prototypes, groups: swapped_prediction_loss(features, prototypes, groups, 3).loss,
        lambda: dict(features=unit(12, 5), prototypes=unit(4, 5), groups=torch.arange(12) % 3),
        ('features', 'prototypes'), (),
        # one sample in each group and two prototypes alike: it predicts 1/2 and 1/2, loss ln 2
        (dict(features=tensor([[1., 0], [1, 0], [1, 0]]), prototypes=tensor([[1., 0], [1, 0]]),
              groups=torch.arange(3)), 0.693147),
        dict(dimension=dict(prototypes=unit(4, 6)), groups=dict(groups=torch.zeros(12))),
        plain=lambda features, prototypes, groups: swapped_prediction_plain(
            features.float(), prototypes.float(), groups, 3),
        keeps_double=False),
    'sinkhorn': Case(
        lambda logits: sinkhorn(logits, 0.5, 3), lambda: dict(logits=randn(6, 3)), (), (6, 3),
        (dict(logits=tensor([[0., 0], [0, 0]])), [[.5, .5], [.5, .5]]), dict(vector=dict(logits=randn(6))),
        keeps_double=False),
    'perplexity': Case(
        lambda usage: perplexity(usage / usage.sum()), lambda: dict(usage=rand(5) + .1), ('usage',), (),
        (dict(usage=tensor([1., 1, 1, 1])), 4.), dict(text=dict(usage='x')), half=0.2),
    'SwAVLoss': Case(
        swav_loss, lambda: dict(x=unit(6, 4).float(), prototypes=unit(3, 4).float()), ('x', 'prototypes'), (),
        (dict(x=torch.tensor([[1., 0]] * 3), prototypes=torch.tensor([[1., 0], [1, 0]])), 0.693147),
        dict(dimension=dict(prototypes=unit(3, 5).float())), keeps_double=False, half=None),
    'correlation': Case(
        correlation, lambda: dict(one=randn(2, 3, 4), other=randn(2, 5, 4)), ('one', 'other'), (2, 3, 5),
        (dict(one=tensor([[[3., 4]]]), other=tensor([[[1., 0], [-2, 0]]])), [[[.6, -.6]]]),
        dict(channels=dict(other=randn(2, 5, 3)))),
    'centre': Case(
        centre, lambda: dict(values=randn(2, 3, 4)), (), (2, 3, 4),
        # two images together: the mean of all is .775
        (dict(values=tensor([[[1., .2], [.2, 1]], [[1, .9], [.9, 1]]])),
         [[[1.175, .375], [.375, 1.175]], [[.825, .725], [.725, .825]]]),
        dict(text=dict(values='x'))),
    'correlation_loss': Case(
        correlation_loss, lambda: dict(target=randn(2, 3, 4), similarity=randn(2, 3, 4), shift=tensor(.1)),
        ('similarity',), (),
        (dict(target=tensor([[[1., 1, 0], [1, 1, 0], [0, 0, 1]]]), shift=tensor(.1),
              similarity=tensor([[[1., .6, -1], [.6, 1, -.6], [-1, -.6, 1]]])), -.42),
        dict(points=dict(target=randn(2, 3, 5)))),
    **{f'depth_correlation {mode}': Case(
        lambda depth, mode=mode: depth_correlation(depth, mode), lambda: dict(depth=rand(2, 3)), ('depth',), (2, 3, 3),
        (dict(depth=tensor([[.2, .4]])), [[[one, two], [two, three]]]),
        dict(text=dict(depth='x')))
       for mode, (one, two, three) in dict(
           abs=(1, .8, 1), gauss=(1, .606531, 1), product=(.04, .08, .16)).items()},
    'depth_correlation': Case(
        lambda points: depth_correlation(points, 'euclid3d'), lambda: dict(points=randn(2, 3, 3)), (), (2, 3, 3),
        (dict(points=tensor([[[0., 0, 0], [0, 3, 4], [0, 0, 1]]])),
         [[[1, 0, .8], [0, 1, .151472], [.8, .151472, 1]]]),
        dict(text=dict(points='x'))),
    'legacy_depth_correlation': Case(
        lambda depth: legacy_depth_correlation(depth, 2), lambda: dict(depth=rand(1, 1, 4, 6)), (), (1, 4, 4),
        (dict(depth=tensor([[[[0., 1], [2, 3]]]])), [[[0., 0, 0, 0], [0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1]]]),
        dict(flat=dict(depth=rand(4)))),
    'depth_neighbours': Case(
        lambda points: depth_neighbours(points, .5), lambda: dict(points=randn(2, 5, 3)), (), (2, 5, 5),
        (dict(points=tensor([[[0.], [1], [3]]])), [[[1., .666667, 0], [.5, 1, 0], [0, .333333, 1]]]),
        dict(text=dict(points='x')), half=None),
    'attention_neighbours': Case(
        lambda attention: attention_neighbours(attention, .5), lambda: dict(attention=rand(2, 3, 5, 5)), (), (2, 5, 5),
        # of each row, brought to 0..1, the upper half
        (dict(attention=tensor([[[[1., 3, 2]] * 3]])), [[[0, 1, .5]] * 3]),
        dict(text=dict(attention='x')), half=None),
    'propagate': Case(
        propagate, lambda: dict(codes=randn(2, 4, 3), weights=rand(2, 4, 4) + .1), ('codes',), (2, 4, 3),
        (dict(weights=tensor([[[1., 2 / 3, 0], [.5, 1, 0], [0, 1 / 3, 1]]]),
              codes=tensor([[[1., 0], [0, 1], [2, 2]]])), [[[.6, .4], [.333333, .666667], [1.5, 1.75]]]),
        dict(cells=dict(weights=rand(2, 4, 5)))),
    'photometric_error': Case(
        photometric_error, lambda: dict(image=rand(2, 3, 4, 5), target=rand(2, 3, 4, 5)), ('image',), (2, 4, 5),
        # .85 (1 − C1 / (1 + C1)) / 2 + .15
        (dict(image=torch.ones(1, 3, 3, 3), target=torch.zeros(1, 3, 3, 3)), [[[.574958] * 3] * 3]),
        dict(size=dict(target=rand(2, 3, 4, 6))), half=None),
    'window_moments': Case(
        lambda image: torch.stack(window_moments(image)), lambda: dict(image=rand(1, 1, 3, 4)), ('image',),
        (2, 1, 1, 3, 4), (dict(image=torch.full((1, 1, 2, 2), .5)), [[[[[.5] * 2] * 2]], [[[[0.] * 2] * 2]]]),
        dict(text=dict(image='x'))),
    'over_sources': Case(
        over_sources, lambda: dict(errors=rand(3, 2, 4)), ('errors',), (2, 4),
        (dict(errors=tensor([[1., 5], [2, 3]])), [1., 3]), dict(text=dict(errors='x'))),
    'automask': Case(
        lambda reprojection, identity: automask(reprojection, identity)[0],
        lambda: dict(reprojection=rand(2, 4), identity=rand(2, 4)), ('reprojection',), (2, 4),
        (dict(reprojection=tensor([.1, .4]), identity=tensor([.2, .3])), [.1, .3]),
        dict(size=dict(identity=rand(2, 5)))),
    'smoothness_loss': Case(
        smoothness_loss, lambda: dict(sigmoid=rand(2, 1, 4, 5) + .1, image=rand(2, 3, 4, 5)), ('sigmoid',), (),
        # columns 1, 3 (mean 2) without edges: |.5 − 1.5| along rows, 0 along columns
        (dict(sigmoid=tensor([[[[1., 3], [1, 3]]]]), image=torch.zeros(1, 3, 2, 2)), 1.),
        dict(size=dict(image=rand(2, 3, 4, 6)))),
    'feature_distance': Case(
        feature_distance, lambda: dict(features=randn(2, 3), reference=randn(2, 3)), ('features',), (),
        (dict(features=tensor([3., 4]), reference=tensor([0., 0])), 5.), dict(size=dict(reference=randn(2, 4))),
        keeps_double=False),
    'ReprojectionError': Case(
        reprojection, lambda: dict(disparity=rand(1, 1, 4, 6) + .5, target=rand(1, 3, 4, 6), source=rand(1, 3, 4, 6)),
        ('disparity',), (1, 4, 6),
        (dict(disparity=torch.ones(1, 1, 4, 6), target=torch.full((1, 3, 4, 6), .5),
              source=torch.full((1, 3, 4, 6), .5)), [[[0.] * 6] * 4]),
        dict(size=dict(source=rand(1, 3, 4))), half=None),
    'ViewSynthesisLoss': Case(
        view_synthesis, lambda: dict(sigmoid=.2 + .2 * rand(1, 1, 8, 8), frames=rand(1, 3, 3, 8, 8)), ('sigmoid',), (),
        (dict(sigmoid=torch.full((1, 1, 8, 8), .3), frames=torch.full((1, 3, 3, 8, 8), .5)), 0.),
        dict(size=dict(sigmoid=rand(1, 1, 8, 9))), half=None),
    'ClusterProbe': Case(
        probe_loss, lambda: dict(features=randn(2, 3, 4, 4), centres=randn(5, 3)), ('centres',), (),
        (dict(features=tensor([[3., -1], [4, 0]]).view(1, 2, 1, 2), centres=tensor([[1., 0], [0, 2]])), -.4),
        dict(channels=dict(centres=randn(5, 4))), plain=plain_probe_loss, keeps_double=False),
    'hypercolumns': Case(
        lambda fine, coarse: hypercolumns([fine, coarse]),
        lambda: dict(fine=randn(1, 2, 4, 6), coarse=randn(1, 3, 2, 3)), ('fine', 'coarse'), (1, 5, 4, 6),
        (dict(fine=torch.zeros(1, 1, 2, 2), coarse=torch.ones(1, 1, 1, 1)), [[[[0., 0], [0, 0]], [[1, 1], [1, 1]]]]),
        dict(batch=dict(coarse=randn(2, 3, 2, 3)))),
    'sample_features': Case(
        lambda maps, points: sample_features(maps, points, torch.tensor([0, 1, 1]), (8, 12)),
        lambda: dict(maps=randn(2, 3, 4, 6), points=1 + 6 * rand(3, 2)), ('maps',), (3, 3),
        # a map of columns 0, 1, …; each pixel of it covers two of the view
        (dict(maps=torch.arange(6.).expand(2, 1, 4, 6), points=tensor([[1., 1], [2, 4], [5, 4]])), [[0.], [.5], [2]]),
        dict(views=dict(points=rand(4, 2)))),
    'warp': Case(
        warp, lambda: dict(image=rand(1, 3, 4, 5), coordinates=.1 + 2.8 * rand(1, 2, 4, 6)),
        ('image', 'coordinates'), (1, 3, 4, 6),
        (dict(image=torch.tensor([[[[0., 4], [0, 4]]]]), coordinates=torch.tensor([[[[.5, 1]], [[0., 1]]]])),
         [[[[2., 4]]]]),
        dict(coordinates=dict(coordinates=rand(1, 3, 4, 6))), half=None),
    'rotation_matrix': Case(
        rotation_matrix, lambda: dict(axis_angle=randn(2, 3)), ('axis_angle',), (2, 3, 3),
        (dict(axis_angle=tensor([[0., 0, torch.pi / 2]])), [[[0., -1, 0], [1, 0, 0], [0, 0, 1]]]),
        dict(two=dict(axis_angle=randn(2, 2))), half=None),
    'pose_matrix': Case(
        pose_matrix, lambda: dict(axis_angle=randn(2, 3), translation=randn(2, 3)), ('axis_angle', 'translation'),
        (2, 4, 4),
        (dict(axis_angle=torch.zeros(1, 3), translation=torch.tensor([[1., 2, 3]])),
         [[[1., 0, 0, 1], [0, 1, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]]]),
        dict(batch=dict(translation=randn(3, 3))), half=None),
    'inverse_pose': Case(
        lambda axis_angle: inverse_pose(pose_matrix(axis_angle, torch.ones_like(axis_angle))),
        lambda: dict(axis_angle=randn(2, 3)), ('axis_angle',), (2, 4, 4),
        (dict(axis_angle=torch.zeros(1, 3)), [[[1., 0, 0, -1], [0, 1, 0, -1], [0, 0, 1, -1], [0, 0, 0, 1]]]),
        dict(two=dict(axis_angle=randn(2, 2))), half=None),
    'scale_disparity': Case(
        lambda sigmoid: scale_disparity(sigmoid, 0.1, 100.), lambda: dict(sigmoid=rand(2, 3)), ('sigmoid',), (2, 3),
        (dict(sigmoid=tensor([0., 1])), [.01, 10]), dict(text=dict(sigmoid='x'))),
}
NO_OPS = {'SwappedPrediction', 'depth_to_sigmoid', 'parallax_terms', 'pixel_intrinsics', 'source_coordinates'}
"""Names beside them: a result, and parts of ``ReprojectionError``, which its case goes through."""

def test_every_loss_and_operation_has_a_case():
    geometry = {name for name, member in vars(mmdepthcp.geometry).items() if callable(member)}
    assert {*losses.__all__, *geometry} - NO_OPS <= set(CASES)


@pytest.mark.parametrize(('name', 'question'), [
    pytest.param(name, question, id=f'{name}-{question.__name__}')
    for name, case in CASES.items() for question in questions_to(case)])
def test_every_one(name, question):
    """The assertions are the questions', in skeleton.py."""
    question(CASES[name])
