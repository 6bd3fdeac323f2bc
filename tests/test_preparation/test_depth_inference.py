from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseDataPreprocessor, BaseModel
from mmengine.structures import PixelData
from torch.nn import functional as F

from mmdepthcp.preparation.depth_inference import ModelPredictor, infer_tree, stretch
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.digests import digest_of_settings
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import read_json, write_json
from mmdepthcp.utils.images import read_disparity


@MODELS.register_module()
class BrightnessDepth(BaseModel):
    """Says that bright is close."""

    def __init__(self, flip_test=False):
        super().__init__(BaseDataPreprocessor())
        self.gain = torch.nn.Parameter(torch.tensor(1.))
        self.flip_test = flip_test
        self.min_depth, self.max_depth = .1, 100.

    def forward(self, inputs, data_samples, mode='predict'):
        assert mode == 'predict' and not self.training
        for frames, sample in zip(inputs['clean'], data_samples, strict=True):
            disparity = self.gain * frames.float().mean(1, keepdim=True) / 255
            resized = F.interpolate(disparity, sample.ori_shape, mode='bilinear')[0]
            sample.pred_disparity = PixelData(data=resized.flip(-1) if self.flip_test else resized)
        return data_samples


CONFIG = dict(model=dict(type='BrightnessDepth'), test_pipeline=[
    dict(type='LoadClip'), dict(type='ResizeClip', scale=(16, 8)), dict(type='PackMonoInputs')])


@pytest.fixture
def images(tmp_path):
    """Images of a left and a right brightness, of two sizes and kinds."""
    for name, size, values in (
            ('a/1.png', (8, 16), (51, 102)), ('a/2.jpg', (16, 32), (153, 204)), ('b/3.png', (8, 16), (0, 255))):
        path = tmp_path / 'images' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = np.full((*size, 3), values[1], np.uint8)
        image[:, :size[1] // 2] = values[0]
        cv2.imwrite(str(path), image)
    return tmp_path / 'images'


@pytest.fixture
def predictor(tmp_path):
    return _predictor(tmp_path)


def _config(folder, **content) -> Config:
    Config(content or CONFIG).dump(folder / 'config.py')
    return Config.fromfile(folder / 'config.py')


def _predictor(folder, gain=1., **kwargs):
    config = _config(folder)
    torch.save(dict(state_dict=dict(gain=torch.tensor(gain))), folder / f'{gain}.pth')
    return ModelPredictor(config, folder / f'{gain}.pth', 'cpu', **kwargs)


def _halves(path) -> list[float]:
    disparity = read_disparity(path)
    return [round(float(value), 2) for value in (disparity[0, 0], disparity[-1, -1])]


@pytest.mark.parametrize(('batch_size', 'num_workers'), [(1, 0), (2, 0), (2, 2)])
def test_whole_trees(images, predictor, tmp_path, batch_size, num_workers):
    out = tmp_path / 'out'
    assert infer_tree(predictor, images, out, batch_size=batch_size, num_workers=num_workers) == ([], 3)
    assert {str(path.relative_to(out)) for path in out.rglob('*.*')} == {'a/1.png', 'a/2.png', 'b/3.png', 'meta.json'}
    assert _halves(out / 'a/1.png') == [.2, .4]
    assert _halves(out / 'a/2.png') == [.6, .8]
    assert read_disparity(out / 'a/2.png').shape == (16, 32)
    meta = read_json(out / 'meta.json')
    assert meta['mode'] == 'raw' and meta['input_size'] == [16, 8] and (meta['d_min'], meta['d_max']) == (.1, 100)
    assert len(meta['checkpoint_sha256']) == 64 and meta['source'] == 'config.py'


def test_restart_shards_and_failures(images, predictor, tmp_path):
    out = tmp_path / 'out'
    (images / 'a/2.jpg').write_bytes(b'')
    cv2.imwrite(str(images / 'black.png'), np.zeros((8, 16, 3), np.uint8))
    failures, tried = infer_tree(predictor, images, out, batch_size=4)
    assert tried == 4 and [failure.path for failure in failures] == ['a/2.jpg', 'black.png']
    assert 'empty' in failures[0].message and 'no finite disparity' in failures[1].message
    cv2.imwrite(str(images / 'a/2.jpg'), np.full((8, 16, 3), 51, np.uint8))
    (images / 'black.png').unlink()
    assert infer_tree(predictor, images, out, shard=(0, 2)) == ([], 0)
    assert infer_tree(predictor, images, out, shard=(1, 2)) == ([], 1)
    assert infer_tree(predictor, images, out) == ([], 0)


def test_modes_and_sizes(images, predictor, tmp_path):
    infer_tree(predictor, images, tmp_path / 'minmax', mode='minmax', size=(10, 6))
    assert read_disparity(tmp_path / 'minmax/a/2.png').shape == (6, 10)
    assert _halves(tmp_path / 'minmax/a/1.png') == [0, 1] == _halves(tmp_path / 'minmax/a/2.png')
    infer_tree(_predictor(tmp_path, flip=True), images, tmp_path / 'flip')
    assert _halves(tmp_path / 'flip/a/1.png') == [.4, .2]
    np.testing.assert_array_equal(stretch(np.full((2, 2), .3, np.float32)), 0)


def test_two_networks_do_not_mix(images, predictor, tmp_path):
    infer_tree(predictor, images, tmp_path / 'out')
    with pytest.raises(InputError, match='checkpoint_sha256 was'):
        infer_tree(_predictor(tmp_path, .5), images, tmp_path / 'out')


def _cropping(tmp_path, train, test=None):
    """A predictor whose config cuts the part ``train`` off its training images; of several sets, if it is a list."""
    sets = [dict(type='VideoClipDataset', crop_bottom=crop) for crop in np.atleast_1d(train).tolist()]
    content = dict(CONFIG, train_dataloader=dict(dataset=dict(type='ConcatDataset', datasets=sets)))
    if test is not None:
        content['test_dataloader'] = dict(dataset=dict(type='VideoClipDataset', crop_bottom=test))
    torch.save(dict(state_dict=dict(gain=torch.tensor(1.))), tmp_path / 'w.pth')
    return ModelPredictor(_config(tmp_path, **content), tmp_path / 'w.pth', 'cpu')


def test_what_training_cut_off_below_is_not_seen(images, tmp_path):
    image = np.zeros((16, 32, 3), np.uint8)
    image[:12] = np.linspace(0, 255, 12)[:, None, None]
    image[12:] = 128  # the bonnet
    cv2.imwrite(str(images / 'a/1.png'), image)
    infer_tree(_cropping(tmp_path, .25), images, tmp_path / 'out')
    found = read_disparity(tmp_path / 'out/a/1.png')
    assert found.shape == (16, 32) and (found[12:] == found[11]).all() and (np.diff(found[:12, 0]) >= 0).all()
    assert found[11, 0] > .9  # of the last row above the bonnet, and the 12 rows fill the input
    cv2.imwrite(str(images / 'a/1.png'), image[:12])
    infer_tree(_cropping(tmp_path, 0), images, tmp_path / 'top')
    np.testing.assert_array_equal(read_disparity(tmp_path / 'top/a/1.png'), found[:12])
    assert read_json(tmp_path / 'out/meta.json')['crop_bottom'] == .25
    with pytest.raises(InputError, match=r'crop_bottom was 0\.25, is None'):
        infer_tree(_cropping(tmp_path, 0), images, tmp_path / 'out')


def test_which_part_is_cut_off(images, tmp_path):
    assert _cropping(tmp_path, .25, 0.).crop_bottom == .25 == _cropping(tmp_path, [.25, .25]).crop_bottom
    assert _cropping(tmp_path, [.25, 0.], .125).crop_bottom == .125
    with pytest.raises(InputError, match=r'different crop_bottom \(0.25, 0.0\)'):
        _cropping(tmp_path, [.25, 0.])
    with pytest.raises(InputError, match=r'must lie in 0\.\.1'):
        _cropping(tmp_path, 1.)


def test_changed_images_are_done_anew(images, predictor, tmp_path):
    assert infer_tree(predictor, images, tmp_path / 'out') == ([], 3)
    cv2.imwrite(str(images / 'b/3.png'), np.full((8, 16, 3), 51, np.uint8))
    assert infer_tree(predictor, images, tmp_path / 'out') == ([], 1)
    assert _halves(tmp_path / 'out/b/3.png') == [.2, .2]
    (images / 'b/3.png').write_bytes(b'')
    failures, tried = infer_tree(predictor, images, tmp_path / 'out')
    assert len(failures) == tried == 1 and not (tmp_path / 'out/b/3.png').exists()


def test_a_network_that_wrote_nothing_binds_nobody(images, predictor, tmp_path):
    failures, tried = infer_tree(_predictor(tmp_path, float('nan')), images, tmp_path / 'out')
    assert len(failures) == tried == 3 and not (tmp_path / 'out/meta.json').exists()
    assert infer_tree(predictor, images, tmp_path / 'out') == ([], 3)


def test_other_settings_of_the_model_are_told(images, predictor, tmp_path):
    infer_tree(predictor, images, tmp_path / 'out')
    meta = read_json(tmp_path / 'out/meta.json')
    start = dict(CONFIG, model=dict(CONFIG['model'], init_cfg=dict(checkpoint='elsewhere.pth')))
    other = dict(CONFIG, test_pipeline=[dict(type='LoadClip'), *CONFIG['test_pipeline'][1:], dict(type='ResizeClip')])
    assert digest_of_settings(start['model'], start['test_pipeline']) == meta['config_digest']
    assert digest_of_settings(other['model'], other['test_pipeline']) != meta['config_digest']
    predictor.settings['config_digest'] = 'other'
    with pytest.raises(InputError, match='config_digest was'):
        infer_tree(predictor, images, tmp_path / 'out')
    del meta['config_digest']  # as before it was recorded
    write_json(tmp_path / 'out/meta.json', meta)
    assert infer_tree(predictor, images, tmp_path / 'out') == ([], 0)


def test_bad_checkpoints_and_configs(tmp_path):
    config = _config(tmp_path)
    for content, word in ((dict(state_dict=dict(other=torch.ones(2))), 'another model'), (b'', 'not a readable')):
        file = tmp_path / 'bad.pth'
        file.write_bytes(content) if isinstance(content, bytes) else torch.save(content, file)
        with pytest.raises(InputError, match=word):
            ModelPredictor(config, file, 'cpu')
    with pytest.raises(InputError, match='no such'):
        ModelPredictor(config, tmp_path / 'nowhere.pth', 'cpu')
    with pytest.raises(InputError, match='test_pipeline'):
        ModelPredictor(_config(tmp_path, model=CONFIG['model']), file, 'cpu')
