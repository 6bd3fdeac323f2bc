"""The same questions to every loss and operation on tensors: does it run and keep shapes and types, what does it
refuse, is it right on a worked example, are its gradients right, does it work in half precision?

That none is forgotten is tested too. Functions on NumPy arrays have tests of their own.
"""

from __future__ import annotations

import inspect
import math
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import pytest
import torch
from skeleton import Case, questions_to
from torch import Tensor

from benchmarks.plain.swapped_prediction import swapped_prediction_plain
from mmdepthcp.evaluation.functional.clustering import (
    assign_clusters,
    class_log_probabilities,
    cluster_log_probabilities,
)
from mmdepthcp.evaluation.functional.knn import knn_votes
from mmdepthcp.geometry import depth_to_sigmoid, inverse_pose, pose_matrix, rotation_matrix, scale_disparity, warp
from mmdepthcp.geometry.boxes import cell_centres, cell_diagonals, cell_distances
from mmdepthcp.geometry.points import cell_depth, cell_points, picture_depth
from mmdepthcp.geometry.pose import heading
from mmdepthcp.models.backbones import hypercolumns
from mmdepthcp.models.backbones.dino_vit import legacy_positions
from mmdepthcp.models.depth import blend_with_mirror
from mmdepthcp.models.features import without_padding
from mmdepthcp.models.losses import (
    ReprojectionError,
    SwAVLoss,
    ViewSynthesisLoss,
    attention_neighbours,
    automask,
    berhu_loss,
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
    pseudo_label_loss,
    pseudo_label_weight,
    pseudo_labels,
    scale_loss,
    sinkhorn,
    smoothness_loss,
    swapped_prediction_loss,
    window_moments,
)
from mmdepthcp.models.losses.picie import (
    cluster_weights,
    moved_centroids,
    nearest_centroids,
    picie_loss,
    weighted_cross_entropy,
)
from mmdepthcp.models.losses.pixpro import image_weights, pair_targets, pixcontrast_loss, pixpro_loss
from mmdepthcp.models.probes import ClusterProbe, LinearProbe
from mmdepthcp.models.probes.linear import enlarged
from mmdepthcp.models.segmentors.inference import slide
from mmdepthcp.models.selfsup import sample_features
from mmdepthcp.models.selfsup.picie import like_the_first_view
from mmdepthcp.models.selfsup.pixpro import instance_loss
from mmdepthcp.sampling import (
    depth_error,
    farthest_points,
    mean_entropy,
    nearest_neighbours,
    pooled,
    read_points,
    to_grid,
)
from mmdepthcp.views.pairs import CellPairs, PairCounts


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


def linear_probe_loss(codes: Tensor, weights: Tensor, labels: Tensor) -> Tensor:
    probe = LinearProbe(codes.shape[1], len(weights))
    del probe.classifier.weight, probe.classifier.bias
    probe.classifier.weight, probe.classifier.bias = weights[..., None, None], None
    return probe.loss(codes, labels)['loss_linear']


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


def berhu_plain(predicted: Tensor, target: Tensor) -> Tensor:
    errors = (predicted - target).abs()
    bound = .2 * errors.detach().max()
    return sum(error if error <= bound else (error ** 2 + bound ** 2) / (2 * bound)
               for error in errors.flatten()) / errors.numel()


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
        (dict(usage=tensor([1., 1, 1, 1])), 4.), None, half=0.2),  # of any shape
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
        None),  # of any shape
    'correlation_loss': Case(
        correlation_loss, lambda: dict(target=randn(2, 3, 4), similarity=randn(2, 3, 4), shift=tensor(.1)),
        ('similarity',), (),
        (dict(target=tensor([[[1., 1, 0], [1, 1, 0], [0, 0, 1]]]), shift=tensor(.1),
              similarity=tensor([[[1., .6, -1], [.6, 1, -.6], [-1, -.6, 1]]])), -.42),
        dict(points=dict(target=randn(2, 3, 5)))),
    **{f'depth_correlation {mode}': Case(
        lambda depth, mode=mode: depth_correlation(depth, mode), lambda: dict(depth=rand(2, 3)), ('depth',), (2, 3, 3),
        (dict(depth=tensor([[.2, .4]])), [[[one, two], [two, three]]]),
        dict(flat=dict(depth=rand(3))))
       for mode, (one, two, three) in dict(
           abs=(1, .8, 1), gauss=(1, .606531, 1), product=(.04, .08, .16)).items()},
    'depth_correlation': Case(
        lambda points: depth_correlation(points, 'euclid3d'), lambda: dict(points=randn(2, 3, 3)), (), (2, 3, 3),
        (dict(points=tensor([[[0., 0, 0], [0, 3, 4], [0, 0, 1]]])),
         [[[1, 0, .8], [0, 1, .151472], [.8, .151472, 1]]]),
        dict(axes=dict(points=rand(2, 3)))),
    'legacy_depth_correlation': Case(
        lambda depth: legacy_depth_correlation(depth, 2), lambda: dict(depth=rand(1, 1, 4, 6)), (), (1, 4, 4),
        (dict(depth=tensor([[[[0., 1], [2, 3]]]])), [[[0., 0, 0, 0], [0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1]]]),
        dict(flat=dict(depth=rand(4)))),
    'depth_neighbours': Case(
        lambda points: depth_neighbours(points, .5), lambda: dict(points=randn(2, 5, 3)), (), (2, 5, 5),
        (dict(points=tensor([[[0.], [1], [3]]])), [[[1., .666667, 0], [.5, 1, 0], [0, .333333, 1]]]),
        dict(flat=dict(points=rand(3))), half=None),
    'attention_neighbours': Case(
        lambda attention: attention_neighbours(attention, .5), lambda: dict(attention=rand(2, 3, 5, 5)), (), (2, 5, 5),
        # of each row, brought to 0..1, the upper half
        (dict(attention=tensor([[[[1., 3, 2]] * 3]])), [[[0, 1, .5]] * 3]),
        dict(flat=dict(attention=rand(3))), half=None),
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
        dict(narrow=dict(image=rand(1, 1, 3, 1)))),
    'over_sources': Case(
        over_sources, lambda: dict(errors=rand(3, 2, 4)), ('errors',), (2, 4),
        (dict(errors=tensor([[1., 5], [2, 3]])), [1., 3]), dict(none=dict(errors=rand(0, 2)))),
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
    'scale_loss': Case(
        scale_loss, lambda: dict(sigmoid=rand(2, 1, 4, 5)), ('sigmoid',), (),
        # a mean of .6, twice the usual one
        (dict(sigmoid=tensor([[[[.5, .7]]], [[[.9, .3]]]])), math.log(2) ** 2), None),  # any shape fits
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
    'heading': Case(
        lambda translation: heading(pose_matrix(torch.zeros_like(translation), translation), (-1, 1)),
        lambda: dict(translation=randn(2, 3, 3)), ('translation',), (2, 3),
        (dict(translation=tensor([[[3., 0, 4]], [[3., 0, 4]]])), [[.8], [-.8]]),
        dict(three=dict(translation=randn(3, 3, 3))), half=None),
    'scale_disparity': Case(
        lambda sigmoid: scale_disparity(sigmoid, 0.1, 100.), lambda: dict(sigmoid=rand(2, 3)), ('sigmoid',), (2, 3),
        (dict(sigmoid=tensor([0., 1])), [.01, 10]), None),  # of any shape
    'depth_to_sigmoid': Case(
        lambda depth: depth_to_sigmoid(depth, 0.1, 100.), lambda: dict(depth=rand(2, 3) + .5), ('depth',), (2, 3),
        (dict(depth=tensor([2., 100])), [.049049, 0]), None),  # of any shape
    'cell_depth': Case(
        lambda disparity: cell_depth(disparity, (1, 1), 10), lambda: dict(disparity=rand(2, 4, 6) + .2),
        ('disparity',), (2, 1, 1), (dict(disparity=tensor([[[.5, .25], [0, 0]]])), [[[6.5]]]),
        dict(flat=dict(disparity=rand(6)))),
    'cell_points': Case(
        cell_points, lambda: dict(depth=rand(2, 2, 3) + .1), ('depth',), (2, 6, 3),
        (dict(depth=tensor([[[1., 2], [2, 4]]])), [[[-.5, -.5, -1], [1, -1, -2], [-1, 1, -2], [2, 2, -4]]]),
        dict(flat=dict(depth=rand(4)))),
    'farthest_points': Case(
        lambda points: farthest_points(points, 3).to(points), lambda: dict(points=randn(2, 5, 3)), (), (2, 3),
        (dict(points=tensor([[0., 0], [1, 0], [0, 1], [4, 4]])), [0., 3, 1]), dict(few=dict(points=rand(2, 2, 3)))),
    'nearest_neighbours': Case(
        lambda images: nearest_neighbours(images, 0, [images[:2], images[2:]], 2).to(images),
        lambda: dict(images=unit(4, 3)), (), (4, 2),
        (dict(images=tensor([[1., 0], [0, 1], [.8, .6]])), [[0., 2], [1, 2], [2, 0]]),
        dict(few=dict(images=unit(1, 3)))),
    'to_grid': Case(
        lambda cells: to_grid(cells, 28, 28), lambda: dict(cells=torch.arange(6).view(2, 3)), (), (2, 3, 2),
        (dict(cells=torch.tensor([3 * 28 + 20])), [[.481481, -.777778]]), None,  # of any shape
        keeps_double=False, half=None),
    'read_points': Case(
        read_points, lambda: dict(maps=randn(2, 3, 4, 5), points=1.8 * rand(2, 6, 2) - .9), ('maps', 'points'),
        (2, 6, 3), (dict(maps=tensor([[[[0., 1, 2]]]]), points=tensor([[[-1., 0], [.5, 0]]])), [[[0.], [1.5]]]),
        dict(batch=dict(points=rand(3, 6, 2))), half=None),
    'knn_votes': Case(
        lambda queries, bank: knn_votes(queries, bank, torch.tensor([0, 1, 1]), 2, 2, 1.),
        lambda: dict(queries=unit(4, 5), bank=unit(3, 5)), (), (4, 2),
        # the nearest and one at a right angle vote: e / (e + 1) for class 0
        (dict(queries=tensor([[1., 0]]), bank=tensor([[1., 0], [0, 1], [-1, 0]])), [[.731059, .268941]]),
        dict(channels=dict(bank=unit(3, 6)))),
    'assign_clusters': Case(
        lambda features, prototypes: assign_clusters(features, prototypes, torch.tensor([1, 0]), (2, 4)).to(features),
        lambda: dict(features=randn(3, 1, 2), prototypes=unit(2, 3)), (), (2, 4),
        (dict(features=tensor([[[1., 0]], [[0, 1]]]), prototypes=tensor([[1., 0], [0, 1]])), [[1., 1, 0, 0]] * 2),
        dict(channels=dict(prototypes=unit(2, 4)))),
    'cluster_log_probabilities': Case(
        lambda features, directions: cluster_log_probabilities(features, directions, torch.tensor([0, 1]), (1, 2)),
        lambda: dict(features=randn(3, 1, 2), directions=unit(2, 3)), (), (2, 1, 2),
        # cosines 1 and 0: 1 − ln(e + 1) and −ln(e + 1)
        (dict(features=tensor([[[2., 0]], [[0, 1]]]), directions=tensor([[1., 0], [0, 1]])),
         [[[-.313262, -1.313262]], [[-1.313262, -.313262]]]),
        dict(channels=dict(directions=unit(2, 4)))),
    'class_log_probabilities': Case(
        lambda features, weights, biases: class_log_probabilities(features, weights, biases, (1, 2)),
        lambda: dict(features=randn(3, 1, 2), weights=randn(2, 3), biases=randn(2)), (), (2, 1, 2),
        (dict(features=tensor([[[1., 0]], [[0, 1]]]), weights=tensor([[1., 0], [0, 0]]), biases=tensor([0., 1])),
         [[[-.693147, -1.313262]], [[-.693147, -.313262]]]),
        dict(channels=dict(weights=randn(2, 4)))),
    'LinearProbe': Case(
        linear_probe_loss,
        lambda: dict(codes=randn(2, 3, 2, 2), weights=randn(4, 3), labels=torch.randint(4, (2, 4, 4))),
        ('weights',), (),
        # two scores alike at the one labelled pixel: ln 2
        (dict(codes=tensor([[[[3., 1]], [[-1, 2]]]]), weights=torch.zeros(2, 2), labels=torch.tensor([[[0, 255]]])),
         .693147),
        dict(channels=dict(weights=randn(4, 5)))),
    'enlarged': Case(
        lambda maps: enlarged(maps, (2, 4)), lambda: dict(maps=randn(2, 3, 2, 2)), ('maps',), (2, 3, 2, 4),
        (dict(maps=tensor([[[[0., 4], [0, 4]]]])), [[[[0., 1, 3, 4]] * 2]]), dict(flat=dict(maps=randn(4)))),
    'slide': Case(
        lambda images: slide(lambda window: window - window[..., :1], images, (1, 2), (1, 1)),
        lambda: dict(images=randn(2, 3, 2, 4)), ('images',), (2, 3, 2, 4),
        # windows 1, 3 and 3, 7 give 0, 2 and 0, 4
        (dict(images=tensor([[[[1., 3, 7]]]])), [[[[0., 1, 4]]]]), dict(flat=dict(images=randn(4)))),
    'blend_with_mirror': Case(
        blend_with_mirror, lambda: dict(sigmoid=rand(2, 3, 5), mirrored=rand(2, 3, 5)), ('sigmoid', 'mirrored'),
        (2, 3, 5), (dict(sigmoid=torch.ones(1, 3), mirrored=torch.zeros(1, 3)), [[0., .5, 1]]),
        dict(size=dict(mirrored=rand(2, 3, 6)))),
    'picture_depth': Case(
        lambda disparity: picture_depth(disparity, 40.), lambda: dict(disparity=rand(2, 3, 4) + .1), (), (2, 3, 4),
        # depths 1, 2, 2.5, 4
        (dict(disparity=tensor([[1., .5], [.4, .25]])), [[0, .333333], [.5, 1]]),
        dict(flat=dict(disparity=rand(4)))),
    'cell_centres': Case(
        lambda boxes: cell_centres(boxes, (2, 3)), lambda: dict(boxes=rand(2, 4)), (), (2, 6, 2),
        (dict(boxes=tensor([[6., 0, 0, 4]])), [[[5., 1], [3, 1], [1, 1], [5, 3], [3, 3], [1, 3]]]),
        dict(corners=dict(boxes=rand(2, 3)))),
    'cell_diagonals': Case(
        lambda boxes: cell_diagonals(boxes, (1, 2)), lambda: dict(boxes=rand(2, 4)), (), (2,),
        (dict(boxes=tensor([[6., 0, 0, 4]])), [5.]), dict(flat=dict(boxes=rand(2, 1)))),
    'cell_distances': Case(
        lambda one, other: cell_distances(one, other, (1, 2)),
        lambda: dict(one=tensor([[0., 0, 8, 2], [0, 0, 8, 2]]), other=tensor([[4., 0, 12, 2], [4, 0, 12, 2]])), (),
        (2, 2, 2), (dict(one=tensor([[0., 0, 6, 4]]), other=tensor([[0., 0, 12, 4]])), [[[.208013, 1.04006]] * 1 + [
            [.208013, .624038]]]),
        dict(corners=dict(other=rand(2, 3))), half=None),
    'pixpro_loss': Case(
        pixpro_loss, lambda: dict(queries=randn(2, 2, 4, 3), targets=randn(2, 2, 4, 3)), ('queries',), (),
        (dict(queries=tensor([[[[1., 0]], [[0, 1]]]]), targets=tensor([[[[1., 0]], [[0, .5]]]])), -3.),
        dict(cells=dict(targets=randn(2, 2, 5, 3)))),
    'pixcontrast_loss': Case(
        lambda queries, keys, boxes: pixcontrast_loss(CellPairs(boxes, (1, 2)), queries, keys, 1.)[0],
        lambda: dict(queries=randn(2, 2, 2, 3), keys=randn(2, 2, 2, 3), boxes=tensor([[[0., 0, 4, 2]] * 2] * 2)),
        ('queries',), (),
        # each cell is alike its own place and not the other: ln(1 + 1/e), for both directions
        (dict(queries=torch.eye(2).expand(1, 2, 2, 2), keys=torch.eye(2).expand(1, 2, 2, 2),
              boxes=tensor([[[0., 0, 4, 2]] * 2])), .626523),
        dict(cells=dict(keys=randn(2, 2, 3, 3))), half=None),
    'pair_targets': Case(
        lambda keys, boxes: pair_targets(CellPairs(boxes, (1, 2)), keys)[0],
        lambda: dict(keys=randn(2, 2, 2, 3), boxes=tensor([[[0., 0, 4, 2]] * 2] * 2)), (), (2, 2, 2, 3),
        # two pairs of one image, half of the weight each
        (dict(keys=tensor([[[[1.], [2]], [[3], [4]]]]), boxes=tensor([[[0., 0, 4, 2]] * 2])),
         [[[[1.5], [2]], [[.5], [1]]]]),
        dict(cells=dict(keys=randn(2, 2, 3, 3))), half=None),
    'pseudo_labels': Case(
        lambda probabilities: torch.stack([values.to(probabilities) for values in pseudo_labels(probabilities)]),
        lambda: dict(probabilities=rand(2, 3, 4, 5).softmax(1)), (), (2, 2, 4, 5),
        # of the second pixel nothing is known
        (dict(probabilities=tensor([[[[.2, 0]], [[.8, 0]]]])), [[[[1., 255]]], [[[.8, 0]]]]),
        dict(flat=dict(probabilities=rand(3)))),
    'pseudo_label_weight': Case(
        pseudo_label_weight, lambda: dict(confidence=rand(2, 3, 4)), (), (),
        (dict(confidence=tensor([[[1., .9], [.967, .969]]])), .5), None, half=None),  # of any shape
    'pseudo_label_loss': Case(
        lambda logits, weight: pseudo_label_loss(logits, torch.arange(4).reshape(1, 2, 2) % 3, weight),
        lambda: dict(logits=randn(1, 3, 2, 2), weight=rand(1, 2, 2)), ('logits',), (),
        # three of the four pixels count, with ln 3 each
        (dict(logits=torch.zeros(1, 3, 2, 2), weight=tensor([[[1., 1], [0, 1]]])), .823959),
        dict(size=dict(logits=randn(1, 3, 2, 3)))),
    'nearest_centroids': Case(
        lambda features, centroids: nearest_centroids(features, centroids).to(features),
        lambda: dict(features=randn(2, 5, 3), centroids=randn(4, 3)), (), (2, 5),
        # 2 · .9 − .81 against 2 · 2 − 4
        (dict(features=tensor([[1., 0], [3, 0]]), centroids=tensor([[.9, 0], [2, 0]])), [0, 1]),
        dict(channels=dict(centroids=randn(4, 2))), half=None),
    'moved_centroids': Case(
        lambda centroids, counts, features: moved_centroids(centroids, counts, features)[0],
        lambda: dict(centroids=randn(2, 3), counts=1 + rand(2), features=randn(5, 3)), (), (2, 3),
        (dict(centroids=tensor([[0., 0]]), counts=tensor([3.]), features=tensor([[1., 1], [3, 1]])), [[.8, .4]]),
        dict(channels=dict(features=randn(5, 2)))),
    'cluster_weights': Case(
        lambda counts: cluster_weights(counts, 'balanced'), lambda: dict(counts=1 + 9 * rand(4)), (), (4,),
        # any number of clusters
        (dict(counts=tensor([1., 3])), [1.5, .5]), None),
    'weighted_cross_entropy': Case(
        lambda features, centroids: weighted_cross_entropy(
            features, centroids, torch.zeros(len(features), 1, 1, dtype=torch.int64), torch.ones(2).to(features)),
        lambda: dict(features=randn(2, 3, 1, 1), centroids=randn(2, 3)), ('features', 'centroids'), (),
        (dict(features=tensor([[[[1.]], [[0]]]]), centroids=tensor([[1., 0], [0, 1]])), .313262),
        dict(channels=dict(centroids=randn(2, 4)))),
    'picie_loss': Case(
        lambda features, centroids: torch.stack(picie_loss(
            features, centroids, torch.zeros(2, 1, 1, 1, dtype=torch.int64), torch.ones(2, 2).to(features))),
        lambda: dict(features=randn(2, 1, 3, 1, 1), centroids=randn(2, 2, 3)), ('features',), (2,),
        # the second view's centroids are the first one's, exchanged
        (dict(features=tensor([[[[[1.]], [[0]]]], [[[[0.]], [[1]]]]]),
              centroids=tensor([[[1., 0], [0, 1]], [[0, 1], [1, 0]]])), [.313262, 1.313262]),
        dict(views=dict(centroids=randn(1, 2, 3)))),
    'like_the_first_view': Case(
        like_the_first_view, lambda: dict(maps=randn(2, 3, 4, 6), boxes=tensor([[0., 0, 1, 1], [1, .2, .4, .8]])),
        ('maps',), (2, 3, 4, 6),
        # mirrored, the right half
        (dict(maps=tensor([[[[0., 1, 2, 3]]]]), boxes=tensor([[1., 0, .5, 1]])), [[[[3., 2.75, 2.25, 1.75]]]]),
        dict(images=dict(boxes=rand(3, 4)))),
    'image_weights': Case(
        lambda near, kept: image_weights(PairCounts(near, kept), empty='skip')[0],
        lambda: dict(near=1 + rand(2, 3), kept=1 + rand(2, 3)), (), (2, 3),
        # of two images one has pairs
        (dict(near=tensor([[4., 0]]), kept=tensor([[2., 0]])), [[.5, 0]]), dict(images=dict(kept=rand(2, 4)))),
    'instance_loss': Case(
        lambda one, other: instance_loss([one, other], [one.detach(), other.detach()]),
        lambda: dict(one=randn(2, 3, 2, 2), other=randn(2, 3, 2, 2)), ('one', 'other'), (),
        (dict(one=tensor([[[[3.]], [[4]]]]), other=tensor([[[[1.]], [[0]]]])), -2.4),
        dict(channels=dict(other=randn(2, 4, 2, 2))),
        plain=lambda one, other: -2 * sum(
            torch.cosine_similarity(predicted.float().mean((2, 3)), goal.float().mean((2, 3)).detach()).mean()
            for predicted, goal in ((one, other), (other, one))), keeps_double=False),
    'legacy_positions': Case(
        lambda positions: legacy_positions(positions, (2, 2), (3, 4)), lambda: dict(positions=randn(1, 5, 3)), (),
        (1, 13, 3), (dict(positions=tensor([[[1.], [2], [2], [2], [2]]])), [[[1.]] + [[2.]] * 12]),
        dict(cells=dict(positions=randn(1, 6, 3)))),
    'berhu_loss': Case(
        lambda predicted, target: berhu_loss(predicted, target, torch.ones_like(target)),
        lambda: dict(predicted=rand(2, 3, 4), target=rand(2, 3, 4)), ('predicted', 'target'), (),
        # c = .1; the terms are 0, .02, .1, 1.3
        (dict(predicted=tensor([.5, .52, .4, 0]), target=tensor([.5] * 4)), .355),
        dict(size=dict(target=rand(2, 3, 5))), plain=berhu_plain, keeps_double=False),
    'depth_error': Case(
        depth_error, lambda: dict(predicted=rand(2, 20, 12), target=.1 + rand(2, 20, 12)), ('predicted', 'target'),
        (2,),
        # in rows 0..7 of 10, ln(1.6 / 1.5) each
        (dict(predicted=torch.full((1, 10, 4), .6), target=torch.full((1, 10, 4), .5)), [.8 * .0645385]),
        dict(size=dict(target=rand(2, 20, 10)))),
    'mean_entropy': Case(
        mean_entropy, lambda: dict(logits=randn(2, 3, 4, 5)), ('logits',), (2,),
        # one pixel sure, one between two of four classes: (0 + 1 / 2) / 2
        (dict(logits=tensor([[[[99., 0]], [[0, 0]], [[0, -99]], [[0, -99]]]])), [.25]),
        dict(vector=dict(logits=randn(6)))),
    'without_padding': Case(
        lambda features: without_padding(features, (3, 6, 10), (3, 8, 16)), lambda: dict(features=randn(2, 3, 4, 8)),
        ('features',), (2, 3, 3, 5),
        (dict(features=torch.arange(16.).view(1, 2, 8)), [[[0., 1, 2, 3, 4], [8, 9, 10, 11, 12]]]),
        dict(vector=dict(features=randn(6)))),
    'pooled': Case(
        lambda maps: pooled(maps, (1, 2)), lambda: dict(maps=randn(2, 3, 4, 6)), ('maps',), (2, 3, 1, 2),
        (dict(maps=tensor([[[[1., 3, 5, 7]]]])), [[[[2., 6]]]]), dict(vector=dict(maps=randn(6)))),
}
NO_CASES = dict(
    **dict.fromkeys(('box_mean', 'parallax_terms', 'pixel_intrinsics', 'source_coordinates'),
                    'part of photometric_error or ReprojectionError, whose cases go through it'),
    **dict.fromkeys(('draw_points', 'draw_kept', 'draw_others'), 'random, see test_depthg.py'),
    channels_last='the same numbers in another order of memory',
    target_frame='one of several frames',
    depth_target='its settings choose among other cases, see test_depthg.py',
    **dict.fromkeys(('mean_over_ranks', 'largest_over_ranks', 'sum_over_ranks', 'gathered'),
                    'for several processes; other tests start some'))
PACKAGES = ('evaluation.functional', 'geometry', 'models', 'sampling')


def wants_case(place: str, member: Any) -> bool:
    """Functions from tensors to tensors; whatever stands in ``models/losses``; probes that have a loss."""
    of_losses = place.startswith('mmdepthcp.models.losses.')
    if inspect.isclass(member):
        if of_losses:
            return not issubclass(member, tuple)
        return place.startswith('mmdepthcp.models.probes.') and 'loss' in vars(member)
    if not inspect.isfunction(member):
        return False
    signature = inspect.signature(member)
    taken = {argument.annotation for argument in signature.parameters.values()}
    given = signature.return_annotation in ('Tensor', 'Array', 'tuple[Tensor, Tensor]', 'list[Tensor]')
    return of_losses or (given and bool(taken & {'Tensor', 'Array', 'Sequence[Tensor]'}))


def test_every_loss_and_operation_has_a_case():
    wanted = set()
    for package in PACKAGES:
        name = f'mmdepthcp.{package}'
        for module in walk_packages(import_module(name).__path__, f'{name}.'):
            wanted |= {word for word, member in vars(import_module(module.name)).items()
                       if not word.startswith('_') and getattr(member, '__module__', None) == module.name
                       and wants_case(module.name, member)}
    assert len(wanted) > 45
    assert not wanted - {*CASES, *NO_CASES}, 'put its Case into CASES, under its name'
    assert not set(NO_CASES) - wanted


@pytest.mark.parametrize(('name', 'question'), [
    pytest.param(name, question, id=f'{name}-{question.__name__}')
    for name, case in CASES.items() for question in questions_to(case)])
def test_every_one(name, question):
    """The assertions are the questions', in skeleton.py."""
    question(CASES[name])
