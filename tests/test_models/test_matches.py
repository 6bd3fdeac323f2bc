import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdepthcp.models.selfsup import join_matches, sample_features


def grid_sampled(maps, points, views, view_size):
    grid = points / torch.tensor([view_size[1], view_size[0]]) * 2 - 1
    parts = [
        F.grid_sample(maps[view:view + 1], grid[None, None, [index]], align_corners=False, padding_mode='border')
        for index, view in enumerate(views.tolist())]
    return torch.cat([part.reshape(1, -1) for part in parts])


@settings(max_examples=20, deadline=None)
@given(
    height=st.integers(1, 6), width=st.integers(1, 6), stride=st.sampled_from([1, 2, 4]), seed=st.integers(0, 99))
def test_sample_features_equals_grid_sample(height, width, stride, seed):
    generator = torch.Generator().manual_seed(seed)
    maps = torch.randn(3, 5, height, width, generator=generator)
    size = (height * stride, width * stride)
    points = torch.rand(40, 2, generator=generator) * torch.tensor([size[1], size[0]])
    views = torch.randint(0, 3, (40,), generator=generator)
    first, second = maps.clone().requires_grad_(), maps.clone().requires_grad_()
    sampled, expected = sample_features(first, points, views, size), grid_sampled(second, points, views, size)
    torch.testing.assert_close(sampled, expected, atol=1e-5, rtol=1e-5)
    weights = torch.randn(40, 5, generator=generator)
    (sampled * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(first.grad, second.grad, atol=1e-5, rtol=1e-5)


def test_sample_features_at_centres_and_between():
    maps = torch.tensor([[[[0., 1.], [2., 3.]]]])
    points = torch.tensor([[2., 2.], [6., 2.], [4., 4.], [0., 0.], [8., 8.]])
    values = sample_features(maps, points, torch.zeros(5, dtype=torch.long), (8, 8))
    torch.testing.assert_close(values[:, 0], torch.tensor([0, 1, 1.5, 0, 3]))


def test_sample_features_without_points_keeps_the_graph():
    maps = torch.randn(2, 3, 4, 4, requires_grad=True)
    sampled = sample_features(maps, torch.zeros(0, 2), torch.zeros(0, dtype=torch.long), (16, 16))
    sampled.sum().backward()
    assert sampled.shape == (0, 3)
    assert not maps.grad.any()


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_sample_features_keeps_half_precision(dtype):
    maps = torch.rand(2, 3, 4, 4)
    points, views = torch.rand(10, 2) * 16, torch.arange(10) % 2
    sampled = sample_features(maps.to(dtype), points, views, (16, 16))
    assert sampled.dtype == dtype
    torch.testing.assert_close(sampled.float(), sample_features(maps, points, views, (16, 16)), atol=0.02, rtol=0)


def test_join_matches_keeps_items_apart():
    def item(views, groups):
        return dict(points=torch.rand(len(views), 2), views=torch.tensor(views, dtype=torch.long),
                    groups=torch.tensor(groups, dtype=torch.long))

    items = [item([0, 1, 1], [0, 2, 1]), item([], []), item([3, 0], [0, 0])]
    joined = join_matches(items, [2, 4, 4])
    assert joined.views.tolist() == [0, 1, 1, 9, 6]
    assert joined.groups.tolist() == [0, 2, 1, 3, 3]
    assert joined.num_groups == 4
    torch.testing.assert_close(joined.points, torch.cat([items[0]['points'], items[2]['points']]))
    assert join_matches([item([], [])], [2]).num_groups == 0
