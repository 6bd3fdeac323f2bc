"""Probes: votes against scikit-learn, features that do not learn, the bank of labelled pixels."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from sklearn.neighbors import KNeighborsClassifier
from torch.nn.functional import pad

from mmdepthcp.engine.hooks import FeatureBankHook
from mmdepthcp.evaluation.functional.knn import knn_votes
from mmdepthcp.models.backbones import FrozenFeatures, hypercolumns
from mmdepthcp.models.probes import KNNHead, LinearProbeHead
from mmdepthcp.utils.errors import InputError

BACKBONE = dict(type='mmseg.ResNet', depth=18, base_channels=4, stem_channels=4, out_indices=(0, 1, 2, 3))


def unit_rows(rows, columns, seed):
    vectors = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(vectors, dim=1)


def test_votes_are_those_of_scikit_learn():
    queries, bank = unit_rows(3000, 6, 0), unit_rows(50, 6, 1)
    labels = torch.arange(50) % 4
    plain = KNeighborsClassifier(
        7, metric='cosine', algorithm='brute', weights=lambda distance: np.exp((1 - distance) / 0.2))
    plain.fit(bank.numpy(), labels.numpy())
    votes = knn_votes(queries, bank, labels, 4, 7, 0.2)
    np.testing.assert_allclose(votes.numpy(), plain.predict_proba(queries.numpy()), atol=1e-5)


def test_a_small_bank_votes_as_a_whole():
    votes = knn_votes(torch.eye(2), torch.eye(2), torch.tensor([0, 2]), 3, num_neighbours=20, temperature=1)
    share = np.e / (np.e + 1)
    np.testing.assert_allclose(votes, [[share, 0, 1 - share], [1 - share, 0, share]], atol=1e-6)


def test_hypercolumns_enlarge_coarse_maps():
    fine, coarse = torch.rand(1, 2, 4, 8), torch.full((1, 3, 2, 4), 5.)
    joined = hypercolumns([fine, coarse])
    assert torch.equal(joined[:, :2], fine) and torch.equal(joined[:, 2:], torch.full((1, 3, 4, 8), 5.))


def test_frozen_features_stay_as_they_are():
    features = FrozenFeatures(BACKBONE).train()
    before = {name: tensor.clone() for name, tensor in features.state_dict().items()}
    first, = features(torch.rand(2, 3, 32, 64))
    assert first.shape == (2, 4 + 8 + 16 + 32, 8, 16) and not first.requires_grad
    assert not any(parameter.requires_grad for parameter in features.parameters())
    for name, tensor in features.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_with_a_neck_its_levels_are_the_features():
    neck = dict(type='mmseg.FPN', in_channels=[4, 8, 16, 32], out_channels=5, num_outs=4)
    assert FrozenFeatures(BACKBONE, neck)(torch.rand(1, 3, 32, 32))[0].shape == (1, 20, 8, 8)


def test_only_the_classifier_of_the_linear_probe_learns():
    head = LinearProbeHead(6, 3)
    assert {name for name, _ in head.named_parameters()} == {'conv_seg.weight', 'conv_seg.bias'}
    small, large = torch.rand(2, 6, 4, 4), torch.rand(2, 6, 4, 4)
    torch.testing.assert_close(head((small,)), head((1000 * small + 7,)), atol=1e-2, rtol=1e-2)
    assert not torch.allclose(head((small,)), head((large,)), atol=1e-2)


def test_knn_head_finds_the_labelled_pixel():
    head = KNNHead(4, 3, num_neighbours=1)
    with pytest.raises(InputError, match='the bank holds no labelled pixel'):
        head((torch.rand(1, 4, 2, 2),))
    head.remember(10 * torch.eye(4)[:3], torch.tensor([2, 0, 1]))
    votes = head((torch.eye(4)[[1, 0, 2, 2]].T.reshape(1, 4, 2, 2) * 3,))
    assert votes.argmax(1).tolist() == [[[0, 2], [1, 1]]]


class Pictures(torch.nn.Module):
    """Gives the pictures themselves as features."""

    def __init__(self, classes, rows):
        super().__init__()
        self.decode_head = KNNHead(3, classes)
        self.rows = rows

    def data_preprocessor(self, batch, training):
        """Pads below, as a size divisor does, image and labels by as many rows."""
        for sample in batch['data_samples']:
            sample.gt_sem_seg = PixelData(data=pad(sample.gt_sem_seg.data, (0, 0, 0, self.rows), value=255))
        return dict(batch, inputs=torch.stack([pad(image, (0, 0, 0, self.rows)) for image in batch['inputs']]))

    def extract_feat(self, inputs):
        return (inputs,)


def fill_bank(labels, classes=3, rows=0, **hook):
    pictures = torch.rand(len(labels), 3, 4, 4)
    samples = [SegDataSample(gt_sem_seg=PixelData(data=torch.tensor(label)[None])) for label in labels]
    model = Pictures(classes, rows)
    runner = SimpleNamespace(
        cfg=Config(dict(bank_dataloader={})), model=model, iter=0, _load_from=None,
        logger=SimpleNamespace(info=lambda text: None, warning=lambda text: None),
        build_dataloader=lambda *_, **__: [dict(inputs=list(pictures), data_samples=samples)])
    FeatureBankHook(**hook).before_test(runner)
    return pictures, model.decode_head


def test_the_bank_takes_labelled_pixels_only():
    label = np.full((8, 8), 255)
    label[2:4, 4:6] = 1
    pictures, head = fill_bank([label, np.full((8, 8), 2)], pixels_per_image=5)
    assert head.bank_labels.tolist() == [1, 2, 2, 2, 2, 2]
    expected = torch.nn.functional.normalize(pictures[0, :, 1, 2], dim=0)
    torch.testing.assert_close(head.bank[0], expected)


def test_padding_does_not_shift_labels():
    label = np.repeat([0, 1, 2, 0], 8)[:, None].repeat(32, 1)  # eight times the size of the picture
    pictures, head = fill_bank([label], rows=4, pixels_per_image=100)
    assert len(head.bank) == 16
    rows = torch.nn.functional.normalize(pictures[0], dim=0).flatten(1).T
    for vector, known in zip(head.bank, head.bank_labels, strict=True):
        position = (rows - vector).norm(dim=1).argmin()
        assert known == label[8 * (position // 4), 0]


def test_without_labels_there_is_no_bank():
    with pytest.raises(InputError, match='have no labelled pixel'):
        fill_bank([np.full((4, 4), 255)])
    runner = SimpleNamespace(cfg={})
    with pytest.raises(InputError, match='the config has no bank_dataloader'):
        FeatureBankHook().before_test(runner)
