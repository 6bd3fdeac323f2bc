"""tools/visualize_features.py: pictures of labelled test images, of a folder, of one image; padding."""

import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

TOOL = str(Path(__file__).parents[2] / 'tools/visualize_features.py')

CONFIG = '''
default_scope = 'mmseg'
model = dict(
    type='mmseg.EncoderDecoder',
    data_preprocessor=dict(type='mmseg.SegDataPreProcessor', mean=[120.] * 3, std=[60.] * 3,
                           test_cfg=dict(size_divisor=32)),
    backbone=dict(type='mmseg.ResNet', depth=18, base_channels=4, stem_channels=4, out_indices=(0, 1, 2, 3)),
    decode_head=dict(type='mmseg.FCNHead', in_channels=32, in_index=3, channels=4, num_convs=1, num_classes=2))
test_dataloader = dict(dataset=dict(
    type='mmdepthcp.StreetDataset',
    data_root='data',
    data_prefix=dict(img_path='images', seg_map_path='labels'),
    metainfo=dict(classes=('left', 'right'), palette=[[255, 0, 0], [0, 0, 255]]),
    pipeline=[dict(type='mmdepthcp.LoadImage'), dict(type='mmdepthcp.LoadLabels'), dict(type='mmseg.PackSegInputs')]))
'''


@pytest.fixture
def home(tmp_path, monkeypatch):
    numbers = np.random.default_rng(0)
    for name in ('images', 'labels'):
        (tmp_path / 'data' / name).mkdir(parents=True)
    halves = np.repeat([[0, 1]], 36, 1).repeat(40, 0).astype(np.uint8)
    for stem in ('a', 'b'):
        cv2.imwrite(str(tmp_path / f'data/images/{stem}.png'), numbers.integers(0, 256, (40, 72, 3), np.uint8))
        cv2.imwrite(str(tmp_path / f'data/labels/{stem}.png'), halves)
    (tmp_path / 'config.py').write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*args):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', [TOOL, *args])
        runpy.run_path(TOOL, run_name='__main__')


def pictures(folder):
    return {path.name: cv2.imread(str(path)).shape for path in sorted(folder.rglob('vis_image/*.png'))}


def test_labelled_images(home):
    call('config.py', 'none', 'out', '--points', '50')
    assert pictures(home / 'out') == {'a_0.png': (40, 144, 3), 'b_1.png': (40, 144, 3)}
    assert (home / 'out/tsne.png').stat().st_size > 1000


@pytest.mark.parametrize(('path', 'count'), [('data/images', 2), ('data/images/b.png', 1)])
def test_any_images(home, path, count):
    call('config.py', 'none', 'out', '--images', path)
    assert len(pictures(home / 'out')) == count and not (home / 'out/tsne.png').exists()


def test_clips_are_no_images(home):
    config = str(Path(TOOL).parents[1] / 'configs/monodepth/monodepth_toy.py')
    for options in ((), ('--images', 'data/images')):
        with pytest.raises(SystemExit, match='clips for a depth network; to see the features of its encoder, give'):
            call(config, 'none', 'out', *options)


def test_its_own_pictures_are_no_images(home):
    for _ in range(2):
        call('config.py', 'none', 'data/images/out', '--images', 'data/images')
        assert len(pictures(home / 'data/images/out')) == 2


def test_one_image_is_one_image(home):
    """Not all whose names end like its name."""
    for name in ('aa.png', 'deeper/a.png'):
        (home / 'data/images' / name).parent.mkdir(exist_ok=True)
        (home / 'data/images' / name).write_bytes((home / 'data/images/a.png').read_bytes())
    call('config.py', 'none', 'out', '--images', 'data/images/a.png')
    assert list(pictures(home / 'out')) == ['a_0.png']


def test_pictures_of_an_earlier_call_go(home):
    """They were drawn in other colours."""
    call('config.py', 'none', 'out', '--points', '50')
    (home / 'out/vis_data/vis_image/mine.png').write_bytes(b'')
    call('config.py', 'none', 'out', '--images', 'data/images/b.png')
    assert sorted(path.name for path in (home / 'out').rglob('*.png')) == ['b_0.png', 'mine.png']
