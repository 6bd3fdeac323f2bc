from __future__ import annotations

import errno
import json
import os
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.fileio import get_text, put, put_text
from mmengine.runner import save_checkpoint
from PIL import Image

from mmdepthcp.utils import fileio
from mmdepthcp.utils.checkpoint import read_state_dict
from mmdepthcp.utils.errors import InputError, notice
from mmdepthcp.utils.fileio import atomic_path, read_json, read_text, write_json
from mmdepthcp.utils.images import (
    image_size,
    read_depth,
    read_disparity,
    read_image,
    read_labels,
    read_regions,
    write_disparity,
    write_png,
    write_regions,
)
from mmdepthcp.utils.walks import find_files, find_folders, in_any_letters
from mmdepthcp.visualization import LocalVisBackend

REPO = Path(__file__).parents[2]


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


WRITER = """
import os, sys, time
from mmdepthcp.utils.fileio import atomic_path
with atomic_path(sys.argv[1]) as aside:
    aside.write_text('half')
    print(aside, flush=True)
    time.sleep(600)
"""


def test_what_killed_writers_left_is_removed(tmp_path):
    """By the next writer in the folder; what a living process writes, and what is not ours, stays."""
    path = tmp_path / 'b/f.txt'
    with subprocess.Popen([sys.executable, '-c', WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        aside = Path(writer.stdout.readline().strip())
        others = [path.parent / name for name in ('.f.tmp.txt', '.abc.tmp', 'f.123.tmp.txt', '.0123456789abcdef.tmp.d')]
        for other in others[:3]:
            other.touch()
        others[3].mkdir()
        fileio._tidied.clear()
        write_json(path.parent / 'a.json', {})
        assert aside.read_text() == 'half'
        writer.kill()
    (path.parent / '.f.4711.tmp.txt').touch()  # of version 0.1
    write_json(path.parent / 'a.json', {})
    assert aside.exists()  # a process looks once
    fileio._tidied.clear()
    write_json(path.parent / 'a.json', {})
    assert sorted(path.parent.iterdir()) == sorted([*others, path.parent / 'a.json'])


def test_mmengine_writes_aside_too(tmp_path, monkeypatch):
    def fail(*names):
        raise OSError(28, 'No space left on device')

    put_text('before', tmp_path / 'a.txt')
    monkeypatch.setattr(os, 'replace', fail)
    for write in (lambda: put(b'after', tmp_path / 'a.txt'),
                  lambda: save_checkpoint({'state_dict': {}}, str(tmp_path / 'a.txt'))):
        with pytest.raises(OSError, match=r'No space left on device.*a\.txt'):
            write()
    assert [path.name for path in tmp_path.iterdir()] == ['a.txt'] and get_text(tmp_path / 'a.txt') == 'before'


def test_finding_files(tmp_path):
    for name in ('b/2.PNG', 'a.jpg', 'b/.hidden.png', 'c.txt'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.as_posix() for path in find_files(tmp_path)] == ['a.jpg', 'b/2.PNG']
    with pytest.raises(InputError, match='holds no file'):
        find_files(tmp_path, ('.npy',))
    with pytest.raises(InputError, match='no such folder'):
        find_files(tmp_path / 'nowhere')


def test_endings_in_any_letters(tmp_path):
    for name in ('a_ids.PNG', 'A_ids.png', 'b_ids.png', 'b_ids.PNG'):
        (tmp_path / name).touch()
    found = {name: in_any_letters(tmp_path / name, '_ids.png').name for name in ('a_ids.png', 'b_ids.png', 'c_ids.png')}
    assert found == {'a_ids.png': 'a_ids.PNG', 'b_ids.png': 'b_ids.png', 'c_ids.png': 'c_ids.png'}
    assert in_any_letters(tmp_path / 'none/a.png', '.png') == tmp_path / 'none/a.png'
    (tmp_path / 'c_IDS.Png').touch()
    assert in_any_letters(tmp_path / 'c_ids.png', '_ids.png').name == 'c_IDS.Png'


def _touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _found(root, **kwargs):
    return [path.as_posix() for path in find_files(root, **kwargs)]


@pytest.mark.parametrize('folder', [
    '.ipynb_checkpoints', '@eaDir/1.png', '__MACOSX', 'a/.git', 'lost+found', '$RECYCLE.BIN', '#recycle', 'Thumbs'])
def test_folders_of_systems_hold_no_data(tmp_path, folder):
    _touch(tmp_path / 'a/1.png', tmp_path / folder / '2.png')
    assert _found(tmp_path) == ['a/1.png']
    assert _found(tmp_path / folder) == ['2.png']  # unless they are asked for


def test_links_are_followed_once(tmp_path):
    root = tmp_path / 'root'
    _touch(root / 'b/1.png', tmp_path / 'elsewhere/deep/2.png', tmp_path / 'beside.png')
    for name, target in (('b/circle', root), ('b/up', tmp_path), ('a', root / 'b'), ('linked', tmp_path / 'elsewhere'),
                         ('twice', tmp_path / 'elsewhere/deep'), ('self', 'self')):
        (root / name).symlink_to(target)
    (tmp_path / 'elsewhere/back').symlink_to(root)
    assert _found(root) == ['b/1.png', 'linked/deep/2.png']
    assert [folder.relative_to(root).as_posix() for folder in find_folders(root)] == ['.', 'b', 'linked', 'linked/deep']


def test_folders_that_cannot_be_read(tmp_path, monkeypatch):
    _touch(tmp_path / '1.png', tmp_path / 'drive/2.png')
    scan = os.scandir

    def refuse(path):
        if str(path).endswith('drive'):
            raise PermissionError(13, 'Permission denied', str(path))
        return scan(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, 'scandir', refuse)
        with pytest.raises(InputError, match=r'drive: cannot be read \(Permission denied\)'):
            find_files(tmp_path)
    (tmp_path / 'disk').symlink_to(tmp_path / 'not mounted')
    with pytest.raises(InputError, match='disk: cannot be read'):
        find_files(tmp_path)


def test_output_below_the_input(tmp_path, notices):
    _touch(tmp_path / '1.png', tmp_path / 'out/deep/1.png')
    assert _found(tmp_path, leave_out=[tmp_path / 'out', tmp_path / 'nowhere']) == ['1.png']
    for content in (dict(camera='front'), dict(source='a web page', version='2'), ['made_by']):
        (tmp_path / 'out/meta.json').write_text(json.dumps(content))
        assert _found(tmp_path) == ['1.png', 'out/deep/1.png']
    for content in (dict(mode='raw', version='1'), dict(params={}, intrinsics=[], scale=None),
                    dict(source='five crops', kind='image', ratio=.5, version='1'), dict(made_by='mmdepthcp')):
        (tmp_path / 'out/meta.json').write_text(json.dumps(content))
        assert _found(tmp_path) == ['1.png'] and 'left out out,' in notices.pop()
    with pytest.raises(InputError, match='one of its own'):
        find_files(tmp_path, leave_out=[tmp_path])


@pytest.mark.parametrize('names', [('a/1.jpg', 'a/1.png'), ('1.png', '1.PNG'), ('x.y.jpeg', 'x.y.bmp')])
def test_names_that_differ_in_the_suffix_only(tmp_path, names):
    _touch(*(tmp_path / name for name in names))
    with pytest.raises(InputError) as caught:
        find_files(tmp_path)
    assert all(name in str(caught.value) for name in names)
    if names[0].endswith('g') and names[1] != '1.PNG':
        assert _found(tmp_path, suffixes=(names[0][-4:],)) == [names[0]]


def _png_header(width, height):
    """A PNG that claims to be of a size."""
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    header = struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)
    content = chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(b'\0' * 99)) + chunk(b'IEND', b'')
    return b'\x89PNG\r\n\x1a\n' + content


@pytest.mark.parametrize('reader', [read_image, read_disparity, read_regions, read_depth, read_labels, image_size])
@pytest.mark.parametrize('size', [(30000, 30000), (8193, 8192), (2**31 - 1, 2**31 - 1), (3_000_000, 100)])
def test_larger_images_than_are_decoded(tmp_path, monkeypatch, reader, size):
    (tmp_path / 'i.png').write_bytes(_png_header(*size))
    monkeypatch.setattr(cv2, 'imdecode', None)
    monkeypatch.setattr(np, 'fromfile', None)
    with pytest.raises(InputError, match=r'i\.png: has more than 67108864 pixels.*OPENCV_IO_MAX_IMAGE_PIXELS'):
        reader(tmp_path / 'i.png')


def test_larger_arrays_than_are_read(tmp_path):
    header = np.lib.format.header_data_from_array_1_0(np.broadcast_to(np.float32(1), (30000, 30000)))
    with open(tmp_path / 'd.npy', 'wb') as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(30000 * 30000 * 4 + 128)
    with pytest.raises(InputError, match='at most 67108864 pixels'):
        read_depth(tmp_path / 'd.npy')


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.webp', '.bmp'])
@pytest.mark.parametrize('share', [.1, .5, .9, .999])
def test_images_cut_short(tmp_path, suffix, share):
    content = cv2.imencode(suffix, np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8))[1].tobytes()
    (tmp_path / 'i').write_bytes(content)
    read_image(tmp_path / 'i')
    (tmp_path / 'i').write_bytes(content[:int(share * len(content))])
    with pytest.raises(InputError, match=r'i: not a readable image \(corrupt or cut short\)'):
        read_image(tmp_path / 'i')


def test_jpeg_cut_short_behind_its_thumbnail(tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, 'imdecode', lambda raw, flags: np.zeros((1, 1, 3), np.uint8))  # as OpenCV 4.10 would
    image = np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8)
    content = cv2.imencode('.jpg', image)[1].tobytes()
    thumbnail = cv2.imencode('.jpg', image[:8, :8])[1].tobytes()
    whole = content[:2] + b'\xff\xe1' + struct.pack('>H', len(thumbnail) + 2) + thumbnail + content[2:]
    for readable in (content, whole, whole + bytes(100)):
        (tmp_path / 'i.jpg').write_bytes(readable)
        read_image(tmp_path / 'i.jpg')
    for cut in (whole[:-2], whole[:len(thumbnail) + 400], whole[:100], whole[:3], content[:-1]):
        (tmp_path / 'i.jpg').write_bytes(cut)
        with pytest.raises(InputError, match='cut short'):
            read_image(tmp_path / 'i.jpg')


def test_labels_are_indices(tmp_path):
    values = np.array([[0, 1, 3], [2, 200, 255]], np.uint8)
    palette = Image.fromarray(values).convert('P')
    palette.putpalette(np.random.default_rng(0).integers(0, 255, 768).tolist())
    for image, expected in ((Image.fromarray(values), values), (palette, values),
                            (Image.fromarray(values.astype(np.uint16) * 256), values.astype(int) * 256),
                            (Image.fromarray(values > 2), values > 2)):
        image.save(tmp_path / 'l.png')
        assert read_labels(tmp_path / 'l.png').tolist() == expected.astype(int).tolist()
    for image in (Image.fromarray(np.dstack([values] * 3)), palette.convert('RGBA'), palette.convert('LA')):
        image.save(tmp_path / 'l.png')
        with pytest.raises(InputError, match=r'l\.png: labels are class indices in a PNG with one channel'):
            read_labels(tmp_path / 'l.png')
    Image.fromarray(values).save(tmp_path / 'l.jpg')
    with pytest.raises(InputError, match='JPEG'):
        read_labels(tmp_path / 'l.jpg')


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be', 'latin-1', 'utf-32'])
def test_texts_in_any_encoding(tmp_path, encoding):
    (tmp_path / 't').write_bytes('{"Straße": 1}\r\n'.encode(encoding))
    assert read_text(tmp_path / 't') == '{"Straße": 1}\r\n' and read_json(tmp_path / 't') == {'Straße': 1}
    with pytest.raises(InputError, match='no such file'):
        read_text(tmp_path / 'nothing')
    with pytest.raises(InputError, match='cannot be read'):
        read_text(tmp_path)


@pytest.fixture
def odd_name():
    """A name of Latin-1, as in archives made on other systems."""
    return os.fsdecode(b'Stra\xdfe')


def test_names_that_are_not_utf8(tmp_path, odd_name):
    path = tmp_path / odd_name / f'{odd_name}.png'
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    write_png(path, image)
    assert (read_image(path) == image).all() and image_size(path) == (4, 2)
    write_disparity(path, np.array([[.5, 1]]))
    assert read_disparity(path)[0, 1] == 1
    write_regions(path, np.array([[3, 65535]]))
    assert read_regions(path).tolist() == [[3, 65535]]
    write_png(path, image[..., 0])
    assert (read_labels(path) == image[..., 0]).all()
    write_json(path.with_suffix('.json'), {'file': str(path)})
    assert read_json(path.with_suffix('.json'))['file'] == str(path)
    assert find_files(tmp_path) == [path.relative_to(tmp_path)]


def test_pictures_and_weights_under_such_names(tmp_path, odd_name, notices):
    folder = tmp_path / odd_name
    backend = LocalVisBackend(str(folder))
    backend.add_image(odd_name, np.full((2, 3, 3), (1, 2, 3), np.uint8), 7)
    assert read_image(folder / f'vis_image/{odd_name}_7.png')[0, 0].tolist() == [3, 2, 1]
    torch.save({'weight': torch.ones(2)}, tmp_path / 'a.pth')
    os.rename(tmp_path / 'a.pth', folder / 'a.pth')
    assert read_state_dict(folder / 'a.pth')['weight'].tolist() == [1, 1]
    notice(f'{folder}: a notice')
    assert notices[-1].endswith('Stra?e: a notice')


def test_no_module_gives_opencv_a_path():
    """OpenCV ends the program with a segmentation fault at some names: it encodes and decodes, files are Python's."""
    for path in [*REPO.glob('mmdepthcp/**/*.py'), *REPO.glob('tools/**/*.py')]:
        found = re.search(r'(cv2|mmcv)\.(imread|imwrite|imreadmulti|VideoCapture|VideoWriter)\((?!f./proc/self/fd/)',
                          path.read_text())
        assert not found, path


def test_errors_name_the_file_that_was_to_be_written(tmp_path, monkeypatch):
    def refuse(path, *args):
        raise PermissionError(errno.EACCES, 'Permission denied', path)

    monkeypatch.setattr(fileio.os, 'open', refuse)
    with pytest.raises(PermissionError) as error:
        write_json(tmp_path / 'scores.json', {})
    assert error.value.filename == str(tmp_path / 'scores.json') and not list(tmp_path.iterdir())
