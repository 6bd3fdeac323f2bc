"""The same questions to every loss and operation on tensors: does it run, what does it refuse, which shapes and types
does it keep, is it right on a worked example, are its gradients right, does it work in half precision?

A new one gets a case below; that none is forgotten is tested too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

import mmdepthcp.geometry
from benchmarks.plain.swapped_prediction import swapped_prediction_plain
from mmdepthcp.geometry import inverse_pose, pose_matrix, rotation_matrix, scale_disparity, warp
from mmdepthcp.models import losses
from mmdepthcp.models.losses import (
    ReprojectionError,
    SwAVLoss,
    ViewSynthesisLoss,
    automask,
    feature_distance,
    over_sources,
    perplexity,
    photometric_error,
    sinkhorn,
    smoothness_loss,
    swapped_prediction_loss,
    window_moments,
)
from mmdepthcp.models.probes import hypercolumns
from mmdepthcp.models.segmentors import ClusterProbe
from mmdepthcp.models.selfsup import sample_features

Inputs = dict[str, Any]


@dataclass
class Case:
    """What an operation is asked.

    Attributes:
        call: the operation, from named inputs to one tensor.
        inputs: draws inputs in float64.
        learns: the inputs that get a gradient.
        shape: of the result.
        worked: inputs and the result to expect, worked out by hand.
        refused: changes of the inputs that raise an error.
        plain: the same with autograd's own gradients, where a part is held constant on purpose and finite differences
            would not see that; None: finite differences.
        keeps_double: whether float64 stays; what works in float32 gives that.
        half: how far the result in bfloat16 may be off; None: half precision is refused or never comes in.
    """

    call: Callable[..., Tensor]
    inputs: Callable[[], Inputs]
    learns: tuple[str, ...]
    shape: tuple[int, ...]
    worked: tuple[Inputs, Any]
    refused: Mapping[str, Inputs]
    plain: Callable[..., Tensor] | None = None
    keeps_double: bool = True
    half: float | None = 0.05


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

every_case = pytest.mark.parametrize('name', CASES)


def drawn(name: str, dtype: torch.dtype = torch.float64) -> Inputs:
    torch.manual_seed(0)
    return {key: value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value
            for key, value in CASES[name].inputs().items()}


def test_every_loss_and_operation_has_a_case():
    geometry = {name for name, member in vars(mmdepthcp.geometry).items() if callable(member)}
    assert {*losses.__all__, *geometry} - NO_OPS <= set(CASES)


@every_case
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_runs_and_keeps_shape_and_type(name, dtype):
    case = CASES[name]
    if dtype == torch.float64 and not case.keeps_double:
        pytest.skip('works in float32')
    result = case.call(**drawn(name, dtype))
    assert tuple(result.shape) == case.shape and result.dtype == dtype and result.isfinite().all()


@every_case
def test_refuses(name):
    case = CASES[name]
    assert case.refused
    for change in case.refused.values():
        with pytest.raises((RuntimeError, ValueError, TypeError, AttributeError, IndexError)):
            case.call(**{**drawn(name, torch.float32), **{
                key: value.float() if isinstance(value, Tensor) and value.is_floating_point() else value
                for key, value in change.items()}})


@every_case
def test_worked_example(name):
    case = CASES[name]
    inputs, expected = case.worked
    result = case.call(**{key: value.float() if value.is_floating_point() else value for key, value in inputs.items()})
    expected = torch.tensor(expected, dtype=torch.float32)
    torch.testing.assert_close(result.detach().float(), expected, atol=1e-5, rtol=1e-4)


@every_case
def test_gradient(name):
    case = CASES[name]
    if not case.learns:
        pytest.skip('has none')
    dtype = torch.float64 if case.keeps_double else torch.float32
    inputs = drawn(name, dtype)
    learnt = [inputs[key].clone().requires_grad_() for key in case.learns]

    def call(*values: Tensor) -> Tensor:
        return case.call(**{**inputs, **dict(zip(case.learns, values, strict=True))})

    if case.keeps_double:
        assert torch.autograd.gradcheck(call, learnt)
        return
    gradients = torch.autograd.grad(call(*learnt), learnt)
    assert all(gradient.isfinite().all() and gradient.abs().sum() > 0 for gradient in gradients)
    if case.plain is not None:
        plain = torch.autograd.grad(case.plain(**{**inputs, **dict(zip(case.learns, learnt, strict=True))}), learnt)
        for ours, theirs in zip(gradients, plain, strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-3)


@every_case
def test_half_precision(name):
    case = CASES[name]
    if case.half is None:
        pytest.skip('its callers work in float32')
    exact = case.call(**drawn(name, torch.bfloat16)).detach().float()
    full = case.call(**{key: value.float() if isinstance(value, Tensor) and value.is_floating_point() else value
                        for key, value in drawn(name, torch.bfloat16).items()}).detach().float()
    assert (exact - full).abs().max() <= case.half * max(1., full.abs().max().item())
