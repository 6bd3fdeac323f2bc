"""What the files of an export were made of, and with which settings."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from mmdepthcp.preparation import exports
from mmdepthcp.preparation.exports import claim_export, digest_of, select_outdated
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import read_json
from mmdepthcp.utils.images import read_png_note, read_uint16, write_png
from mmdepthcp.utils.walks import find_files


def claim(out, shard=(0, 1), **settings):
    with claim_export(out, settings, shard):
        pass


def test_an_export_belongs_to_one_setting(tmp_path):
    for _ in range(2):
        with claim_export(tmp_path, dict(mode='raw', size=(4, 2), params=dict(a=1))):
            write_png(tmp_path / 'x/a.png', np.zeros((2, 2), np.uint8))
    meta = read_json(tmp_path / 'meta.json')
    assert meta['mode'] == 'raw' and 'version' in meta
    for settings, words in ((dict(mode='minmax'), "mode was 'raw', is 'minmax'"), (dict(crop=.5), 'crop was None'),
                            (dict(params=dict(a=2)), r'params\.a was 1, is 2')):
        with pytest.raises(InputError, match=words):
            claim(tmp_path, **settings)
    assert read_json(tmp_path / 'meta.json') == meta


def test_what_was_made_of_images_is_not_taken_for_images(tmp_path):
    write_png(tmp_path / 'a.png', np.zeros((2, 2), np.uint8))
    with claim_export(tmp_path / 'out', dict(anything='at all')):
        write_png(tmp_path / 'out/a_0.png', np.zeros((2, 2), np.uint8))
    assert find_files(tmp_path) == [Path('a.png')]


def test_settings_that_made_nothing_bind_nobody(tmp_path):
    out = tmp_path / 'out'
    claim(out, mode='wrong')
    assert not out.exists()
    with pytest.raises(ZeroDivisionError), claim_export(out, dict(mode='wrong')):
        raise ZeroDivisionError
    assert not out.exists()
    claim(out, (0, 2), mode='wrong')  # another shard may be about to write
    assert read_json(out / 'meta.json')['mode'] == 'wrong'
    (out / '.a.123.tmp.png').touch()
    with claim_export(out, dict(mode='right')):
        write_png(out / 'a.png', np.zeros((2, 2), np.uint8))
    assert read_json(out / 'meta.json')['mode'] == 'right'


def test_notes_stay_beside_the_pixels(tmp_path):
    image = np.arange(600, dtype=np.uint16).reshape(20, 30) * 100
    write_png(tmp_path / 'a.png', image, 'made of this and that')
    write_png(tmp_path / 'b.png', image)
    assert read_png_note(tmp_path / 'a.png') == 'made of this and that' and read_png_note(tmp_path / 'b.png') is None
    for name in 'ab':
        assert np.array_equal(read_uint16(tmp_path / f'{name}.png', 'x', 'y'), image)


@pytest.mark.parametrize('suffix', ['png', 'jpg', 'npy', 'json'])
def test_any_change_of_content_shows_whatever_size_and_time(tmp_path, suffix):
    file = tmp_path / f'a.{suffix}'
    values = np.random.default_rng(0).integers(0, 255, (400, 600), np.uint8)
    digests = set()
    for change in range(3):
        values[200, 300] = change
        values[390:, 590:] = change  # what a compressed file shows anywhere, it shows at its end
        if suffix == 'png':
            write_png(file, values)
        else:
            file.write_bytes(values.tobytes())
        os.utime(file, (1, 1))
        digests.add(digest_of([file]))
    assert len(digests) == 3 and digest_of([file, file]) != digest_of([file])


def select(folder, names, shard=(0, 1)):
    return select_outdated(
        names, lambda name: folder / f'out/{name}.png', lambda name: [folder / name, folder / 'all'], shard)


def write(folder, *names, note=True):
    for name in names:
        write_png(folder / f'out/{name}.png', np.zeros((2, 2), np.uint8),
                  digest_of([folder / name, folder / 'all']) if note else None)


def test_what_was_made_of_other_files_is_made_anew(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(exports, 'notice', said.append)
    for name in ('a', 'b', 'c', 'all'):
        (tmp_path / name).write_text(name)
    assert select(tmp_path, ['a', 'b', 'c']) == ['a', 'b', 'c']
    write(tmp_path, 'a', 'b')
    assert select(tmp_path, ['a', 'b', 'c']) == ['c']
    (tmp_path / 'a').write_text('A')
    os.utime(tmp_path / 'a', (1, 1))
    assert select(tmp_path, ['a', 'b', 'c'], (1, 2)) == []
    assert select(tmp_path, ['a', 'b', 'c']) == ['a', 'c'] and not (tmp_path / 'out/a.png').exists()
    assert said == ['files made anew, for what they were made of has changed: 1']
    write(tmp_path, 'a', 'b', 'c')
    (tmp_path / 'all').write_text('other')
    assert select(tmp_path, ['a', 'b', 'c']) == ['a', 'b', 'c']


def test_outputs_without_a_note_or_without_inputs(tmp_path):
    for name in ('a', 'all'):
        (tmp_path / name).write_text(name)
    write(tmp_path, 'a', note=False)
    assert select(tmp_path, ['a']) == []
    os.utime(tmp_path / 'out/a.png', (1, 1))
    assert select(tmp_path, ['a']) == ['a']
    write(tmp_path, 'a')
    (tmp_path / 'all').unlink()
    assert select(tmp_path, ['a']) == []
