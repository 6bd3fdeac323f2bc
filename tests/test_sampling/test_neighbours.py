from __future__ import annotations

import numpy as np
import pytest
import torch

from mmdepthcp.sampling import nearest_neighbours, neighbours, read_made_of, read_neighbours, write_neighbours
from mmdepthcp.utils.errors import InputError


@pytest.mark.parametrize('chunk', [3, 7, 64])
def test_parts_and_chunks_change_nothing(chunk, monkeypatch):
    monkeypatch.setattr(neighbours, 'CHUNK_ROWS', chunk)
    rows = torch.nn.functional.normalize(torch.randn(50, 8, generator=torch.Generator().manual_seed(0)), dim=1)
    expected = np.argsort(-(rows.double() @ rows.double().T).numpy() - 9 * np.eye(50), axis=1)[:, :12]
    for start, end in ((0, 50), (0, 20), (20, 50)):
        found = nearest_neighbours(rows[start:end], start, rows.split([10, 1, 25, 14]), 12)
        np.testing.assert_array_equal(found, expected[start:end])


def test_an_image_comes_first_beside_its_copies():
    rows = torch.tensor([[1., 0], [1, 0], [1, 0]])
    assert nearest_neighbours(rows, 0, [rows], 2)[:, 0].tolist() == [0, 1, 2]
    with pytest.raises(InputError, match='4 neighbours of 3 images'):
        nearest_neighbours(rows, 0, [rows], 4)


def test_files_are_held_against_the_data_set(tmp_path):
    path, names = tmp_path / 'n.npz', ['a/1.png', 'a/2.png']
    write_neighbours(path, names, np.array([[0, 1], [1, 0]]))
    assert read_neighbours(path, names).tolist() == [[0, 1], [1, 0]]
    for other, message in ((['a/1.png', 'b/2.png'], 'its image 1 is a/2.png, that of the data set b/2.png'),
                           (['a/1.png'], 'it has 2 images, the data set 1')):
        with pytest.raises(InputError, match=message):
            read_neighbours(path, other)
    with pytest.raises(InputError, match=r'no such neighbour file; make it with tools/nearest_neighbours\.py'):
        read_neighbours(tmp_path / 'none.npz', names)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match='no neighbour file'):
        read_neighbours(path, names)
    for wrong in (np.array([[0, 2], [1, 0]]), np.array([0, 1]), np.empty((2, 0))):
        write_neighbours(path, names, wrong)
        with pytest.raises(InputError, match='no indices of its 2 images'):
            read_neighbours(path, names)
    write_neighbours(path, names, np.array([[0, 1], [0, 1]]))
    with pytest.raises(InputError, match=r'a/2\.png is not first among its own neighbours; make it with'):
        read_neighbours(path, names)


def test_files_say_what_they_were_made_of(tmp_path):
    for made_of in ({}, dict(weights='abc', centred=False)):
        write_neighbours(tmp_path / 'n.npz', ['a', 'b'], np.array([[0, 1], [1, 0]]), made_of)
        assert read_made_of(tmp_path / 'n.npz') == made_of
    np.savez(tmp_path / 'old.npz', names=['a'], neighbours=np.array([[0]]))
    assert read_made_of(tmp_path / 'old.npz') == {}
