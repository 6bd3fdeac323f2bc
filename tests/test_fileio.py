from __future__ import annotations

import cv2
import numpy as np
import pytest

from mmdepthcp.fileio import (
    InputError,
    atomic_path,
    find_files,
    read_depth,
    read_disparity,
    read_image,
    read_regions,
    write_disparity,
    write_regions,
)


def test_disparity_numbers(tmp_path):
    file = tmp_path / 'd.png'
    write_disparity(file, np.array([[.25, .5], [1, 0]]))
    assert cv2.imread(str(file), cv2.IMREAD_UNCHANGED).tolist() == [[16384, 32768], [65535, 0]]
    np.testing.assert_allclose(read_disparity(file), [[.2500038, .5000076], [1, 1e-6]], atol=1e-7)


def test_disparity_round_trip(tmp_path):
    disparity = np.random.default_rng(0).random((20, 30))
    write_disparity(tmp_path / 'a/d.png', disparity)
    assert np.abs(read_disparity(tmp_path / 'a/d.png') - disparity).max() <= 1 / 131070 + 1e-7
    write_disparity(tmp_path / 'd.png', np.array([[-1., 7.]]))
    np.testing.assert_allclose(read_disparity(tmp_path / 'd.png'), [[1e-6, 1]])


def test_regions_round_trip(tmp_path):
    regions = np.array([[0, 700], [65534, 65535]])
    write_regions(tmp_path / 'r.png', regions)
    np.testing.assert_array_equal(read_regions(tmp_path / 'r.png'), regions)
    for wrong in (-1, 65536):
        with pytest.raises(InputError, match='ids'):
            write_regions(tmp_path / 'r.png', np.array([[wrong]]))


def test_depth_files(tmp_path):
    cv2.imwrite(str(tmp_path / 'd.png'), np.array([[0, 256, 1000]], np.uint16))
    np.testing.assert_allclose(read_depth(tmp_path / 'd.png'), [[0, 1, 1000 / 256]])
    np.save(tmp_path / 'd.npy', np.array([[np.nan, np.inf, -1, 2.5]]))
    np.testing.assert_allclose(read_depth(tmp_path / 'd.npy'), [[0, 0, 0, 2.5]])
    np.save(tmp_path / 'd.npy', np.zeros((1, 2, 3)))
    with pytest.raises(InputError, match='shape'):
        read_depth(tmp_path / 'd.npy')
    (tmp_path / 'd.npy').write_bytes(b'')
    with pytest.raises(InputError, match='not a readable array'):
        read_depth(tmp_path / 'd.npy')
    for name in ('nowhere.npy', 'nowhere.png'):
        with pytest.raises(InputError, match='no such file'):
            read_depth(tmp_path / name)


def test_image_cut_short(tmp_path):
    rng = np.random.default_rng(0)
    content = cv2.imencode('.png', rng.integers(0, 255, (50, 50, 3), np.uint8))[1].tobytes()
    (tmp_path / 'i.png').write_bytes(content[:30])
    with pytest.raises(InputError, match='corrupt'):
        read_image(tmp_path / 'i.png')


def test_failed_writing_leaves_nothing(tmp_path):
    (tmp_path / 'f.txt').write_text('before')
    with pytest.raises(RuntimeError), atomic_path(tmp_path / 'f.txt') as aside:
        aside.write_text('half')
        raise RuntimeError
    assert (tmp_path / 'f.txt').read_text() == 'before' and len(list(tmp_path.iterdir())) == 1


def test_finding_files(tmp_path):
    for name in ('b/2.PNG', 'a.jpg', 'b/.hidden.png', 'c.txt'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.as_posix() for path in find_files(tmp_path)] == ['a.jpg', 'b/2.PNG']
    with pytest.raises(InputError, match='holds no file'):
        find_files(tmp_path, ('.npy',))
    with pytest.raises(InputError, match='no such folder'):
        find_files(tmp_path / 'nowhere')
