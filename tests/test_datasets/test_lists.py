from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmdepthcp.datasets import StreetDataset
from mmdepthcp.datasets.lists import read_list
from mmdepthcp.utils.errors import InputError


@pytest.fixture
def folder(tmp_path):
    for name in ('a/IMG_1.JPG', 'a/IMG_2.JPG', 'b/3.jpg', 'b/4.png', 'b/4.webp', 'c d/5.png', 'b/Straße_é.png'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        assert cv2.imencode('.png', np.zeros((2, 2, 3), np.uint8))[1].tofile(tmp_path / name) is None
    return tmp_path


def listed(folder: Path, content: bytes | str, **kwargs) -> list[str]:
    (folder / 'list.txt').write_bytes(content if isinstance(content, bytes) else content.encode())
    dataset = StreetDataset('list.txt', data_root=str(folder), **kwargs)
    return [str(Path(dataset.get_data_info(index)['img_path']).relative_to(folder)) for index in range(len(dataset))]


@pytest.mark.parametrize('lines', [
    'b/3\na/IMG_1\n', 'b/3.jpg\na/IMG_1.JPG', 'b/3.JPG\r\n\r\na/IMG_1.jpg\r\n', 'b/3.png\ra/IMG_1.png\r',
    '\ufeffb/3\na/IMG_1\n', '  b/3.jpg \t\n\n# a comment\na/IMG_1.JPG # the first\n#b/4.png',
    './b/3\n././a//IMG_1.JPG\n',
    'b\\3.jpg\n.\\a\\IMG_1.JPG\n', 'b/../b/3\na/./IMG_1'])
def test_lists_as_any_computer_writes_them(folder, lines):
    assert listed(folder, lines) == ['b/3.jpg', 'a/IMG_1.JPG']


def test_order_of_a_list_and_blanks(folder):
    assert listed(folder, 'c d/5.png\nb/3\n') == ['c d/5.png', 'b/3.jpg'] == listed(folder, f'{folder}/c d/5\nb/3')


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be', 'latin-1', 'cp1252'])
def test_encodings(folder, encoding):
    assert listed(folder, 'b/Straße_é.png\r\nb/3\r\n'.encode(encoding)) == ['b/Straße_é.png', 'b/3.jpg']


def test_names_written_in_other_bytes(folder):
    decomposed = unicodedata.normalize('NFD', 'b/Straße_é')
    assert listed(folder, decomposed) == ['b/Straße_é.png']
    os.rename(folder / 'b/Straße_é.png', os.fsencode(folder) + b'/b/Stra\xdfe_\xe9.png')
    for encoding in ('utf-8', 'latin-1'):
        assert len(listed(folder, 'b/Straße_é'.encode(encoding))) == 1


@pytest.mark.parametrize('lines', ['b/3\nb/3', 'b/3\na/IMG_1\nb/3.jpg', './b/3.jpg\nb/3.JPG\nb\\3'])
def test_names_given_twice(folder, lines, notices):
    assert len(listed(folder, lines)) == len({'b/3', *lines.split('\n')} & {'b/3', 'a/IMG_1'})
    again = lines.count('\n') - lines.count('IMG_1')
    assert any(f'{again} lines name what an earlier line names' in notice for notice in notices)
    place = lines.split('\n').index(next(line for line in lines.split('\n')[1:] if '3' in line), 1) + 1
    assert any(f'list.txt:{place}' in notice for notice in notices)


@pytest.mark.parametrize(('lines', 'message'), [
    ('b/3\n\n# c\nx\n', r'list\.txt:4: names x, but'), ('b/4', r'list\.txt:1: b/4 may be 4\.png or 4\.webp'),
    ('b/4.jpg', 'may be'), ('b/4.png\nb/4.webp', r'list\.txt:2: b/4\.webp and b/4\.png differ in nothing but the'),
    ('../x/b/3', 'names'), ('/b/3', 'names /b/3'), ('b/IMG_1', 'names'), ('b/3.jpg b/3.png', 'names'),
    ('\n# nothing\n', 'empty'), ('', 'empty'), ('img_1', 'names')])
def test_lines_that_name_no_image_or_several(folder, lines, message):
    with pytest.raises(InputError, match=message):
        listed(folder, lines)


def test_lists_that_cannot_be_read(folder):
    with pytest.raises(InputError, match=r'no such file'):
        StreetDataset('nowhere.txt', data_root=str(folder))
    with pytest.raises(InputError, match='cannot be read'):
        read_list(folder)


@pytest.mark.parametrize('line', ['ulm_1', 'ulm_1_leftImg8bit', 'ulm_1_leftImg8bit.png', 'ulm_1_LEFTIMG8BIT.PNG'])
def test_suffixes_longer_than_the_format(folder, line):
    (folder / 'ulm_1_leftImg8bit.png').touch()
    assert listed(folder, line, img_suffix=('_leftImg8bit.png', '_leftImg8bit.jpg')) == ['ulm_1_leftImg8bit.png']
