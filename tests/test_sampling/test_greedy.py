from __future__ import annotations

import numpy as np
import pytest
import torch

from mmdepthcp.models.losses import berhu_loss
from mmdepthcp.sampling import (
    channel_moments,
    depth_error,
    greedy_selection,
    largest_first,
    mean_entropy,
    standardised,
)
from mmdepthcp.utils.errors import InputError

POINTS = np.array([[0, 0], [1, 0], [4, 0], [4, 3], [0, 3.5]], np.float32)
ERRORS = np.array([0, .0035, .001, 0, .002])


def by_matrix(features: np.ndarray, count: int, start: list[int], bias: np.ndarray) -> tuple[list, list]:
    """The same with the whole matrix of distances, in float64."""
    values = features.astype(np.float64)
    distances = np.sqrt(((values[:, None] - values[None]) ** 2).sum(-1))
    chosen, found = list(start), []
    for _ in range(count):
        nearest = distances[chosen].min(0)
        scores = nearest + bias
        scores[chosen] = -np.inf
        chosen.append(int(np.argmax(scores)))
        found.append(nearest[chosen[-1]])
    return chosen[len(start):], found


def test_worked_numbers():
    chosen, distances = greedy_selection(POINTS, 4, [0])
    assert chosen.tolist() == [3, 4, 2, 1] and distances.tolist() == pytest.approx([5, 3.5, 3, 1])
    chosen, distances = greedy_selection(POINTS, 4, [0], 1000 * ERRORS)
    assert chosen.tolist() == [4, 2, 1, 3]
    assert (distances + 1000 * ERRORS[chosen]).tolist() == pytest.approx([5.5, 5, 4.5, 3])
    assert largest_first(ERRORS, 4, [0]).tolist() == [1, 4, 2, 3]


@pytest.mark.parametrize('scale', [0, .5, 20])
@pytest.mark.parametrize('start', [[0], [7, 3, 7, 11]])
@pytest.mark.parametrize('clusters', [0, 5])
def test_streaming_and_matrix_agree(scale, start, clusters):
    rng = np.random.default_rng(int(scale) + len(start))
    for dims in (1, 3, 40):
        features = rng.standard_normal((60, dims)).astype(np.float32)
        if clusters:
            features += 30 * rng.standard_normal((clusters, dims)).astype(np.float32)[rng.integers(0, clusters, 60)]
        bias = scale * rng.random(60)
        chosen, distances = greedy_selection(features, 45, start, bias)
        expected = by_matrix(features, 45, list(dict.fromkeys(start)), bias)
        assert chosen.tolist() == expected[0]
        np.testing.assert_allclose(distances, expected[1], rtol=1e-5, atol=1e-5)


def test_of_equal_images_the_lowest_index_comes_first():
    rng = np.random.default_rng(0)
    for _ in range(50):
        features = rng.integers(0, 3, (30, 2)).astype(np.float32)
        start, bias = [int(rng.integers(30))], rng.integers(0, 2, 30).astype(float)
        chosen, _ = greedy_selection(features, 29, start, bias)
        assert chosen.tolist() == by_matrix(features, 29, start, bias)[0]
    assert greedy_selection(np.zeros((4, 2), np.float32), 3, [1])[0].tolist() == [0, 2, 3]
    assert largest_first(np.array([1., 2, 2, 1]), 4).tolist() == [1, 2, 0, 3]


def test_a_selection_goes_on_where_a_shorter_one_ended():
    features = np.random.default_rng(0).standard_normal((50, 6)).astype(np.float32)
    whole, distances = greedy_selection(features, 20, [4])
    first, _ = greedy_selection(features, 8, [4])
    rest, others = greedy_selection(features, 12, [4, *first])
    assert whole.tolist() == [*first, *rest] and distances[8:].tolist() == others.tolist()


def test_first_picks_hit_all_clusters():
    rng = np.random.default_rng(0)
    cluster = rng.permutation(np.arange(40) % 4)
    centres = 10 * np.eye(4, 12)
    features = (centres[cluster] + .1 * rng.standard_normal((40, 12))).astype(np.float32)
    for first in range(40):
        chosen, _ = greedy_selection(features, 3, [first])
        assert set(cluster[[first, *chosen]]) == {0, 1, 2, 3}


@pytest.mark.parametrize(('change', 'words'), [
    (dict(start=[]), 'no image counts as chosen'), (dict(count=5), '5 of 4 images cannot be chosen'),
    (dict(bias=np.array([0, np.nan, 0, 0, 0])), 'not finite'),
    (dict(features=np.full((5, 2), np.inf, np.float32)), 'not finite')])
def test_what_cannot_be_chosen(change, words):
    with pytest.raises(InputError, match=words):
        greedy_selection(**{**dict(features=POINTS, count=2, start=[0]), **change})
    with pytest.raises(InputError, match='3 of 2 images'):
        largest_first(ERRORS, 3, [0, 1, 2])


def test_standardisation_of_channels():
    images = np.array([[[[1, 3]], [[10, 10]]], [[[5, 7]], [[20, 40]]], [[[3, 5]], [[30, 10]]]], np.float32)
    for parts in ([images], [images[:1], images[1:]]):
        mean, std = channel_moments(parts)
        assert mean.tolist() == pytest.approx([4, 20]) and std.tolist() == pytest.approx([2.097618, 12.649111])
    rows = standardised(images, mean, std)
    distances = [np.linalg.norm(rows[one] - rows[other]) for one, other in ((0, 1), (0, 2), (1, 2))]
    assert distances == pytest.approx([3.677326, 2.078024, 2.840455], abs=1e-6)
    constant = np.ones((3, 2, 1, 2), np.float32)
    assert not standardised(constant, *channel_moments([constant])).any()
    random = np.random.default_rng(0).standard_normal((7, 5, 2, 3)).astype(np.float32) + 100
    whole = torch.std_mean(torch.from_numpy(random).double(), (0, 2, 3))
    mean, std = channel_moments([random[:2], random[2:6], random[6:]])
    np.testing.assert_allclose((std, mean), (whole[0].numpy(), whole[1].numpy()))


def test_depth_error():
    teacher = torch.full((2, 10, 10), .5)
    teacher[:, 2, 2] = .05
    student = teacher + .1
    student[1] = teacher[1]
    assert depth_error(student, teacher).tolist() == pytest.approx([.0283969, 0], abs=1e-7)
    teacher[0, 2, 2] = .5
    assert depth_error(teacher + .1, teacher)[0].item() == pytest.approx(.8 * .0645385, abs=1e-6)


def test_entropy_of_what_is_sure_and_of_what_is_not():
    logits = torch.zeros(2, 5, 3, 4)
    logits[1, 2] = 50
    assert mean_entropy(logits).tolist() == pytest.approx([1, 0], abs=1e-6)


@pytest.mark.parametrize('share', [1e-3, .2])
def test_berhu_has_gradients_where_nothing_is_wrong(share):
    predicted = torch.full((2, 3), .25, requires_grad=True)
    loss = berhu_loss(predicted, torch.full((2, 3), .25), torch.ones(2, 3), share)
    loss.backward()
    assert loss.item() == 0 and predicted.grad.tolist() == [[0.] * 3] * 2
    predicted.grad = None
    masked = berhu_loss(predicted, torch.rand(2, 3), torch.zeros(2, 3), share)
    masked.backward()
    assert masked.item() == 0 and not predicted.grad.any()


def test_berhu_divides_by_all_pixels_and_takes_the_largest_error_that_counts():
    predicted, mask = torch.tensor([0., .02, .1, .5, 7]), torch.tensor([1., 1, 1, 1, 0])
    assert berhu_loss(predicted, torch.zeros(5), mask).item() == pytest.approx(.355 * 4 / 5)
