"""Segments of any image in three lines."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from mmseg.structures import SegDataSample
from tiny_depthcp import CONFIG, write_checkpoint

import mmdepthcp
from mmdepthcp.apis import UnsupervisedSegInferencer, export_backbone
from mmdepthcp.apis.segmentation_inference import distinct_colours
from mmdepthcp.datasets.transforms import CentreSquare, LoadImage, ResizeStreet
from mmdepthcp.models import DepthCP  # noqa: F401
from mmdepthcp.registry import MODELS, TRANSFORMS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import read_image, write_png


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp('depthcp'))


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp('images')
    for number, size in enumerate([(80, 40), (70, 50)]):
        noise = np.random.default_rng(number).integers(0, 256, (4, 6, 3), np.uint8)
        write_png(folder / f'{number}.png', cv2.resize(noise, size))
    (folder / 'notes.txt').write_text('not an image')
    return folder


@pytest.fixture(scope='module')
def inferencer(checkpoint):
    return UnsupervisedSegInferencer(checkpoint, device='cpu')


def test_segments_are_those_of_the_model(inferencer, images):
    path = str(images / '1.png')
    segments = inferencer(path)['predictions']
    assert segments.shape == (50, 70) and set(np.unique(segments)) <= {0, 1, 2} and len(np.unique(segments)) > 1
    results = ResizeStreet(scale=(64, 32)).transform(LoadImage().transform(dict(img_path=path)))
    pixels = torch.from_numpy(results['img'].transpose(2, 0, 1).copy())
    packed = pseudo_collate([dict(inputs=pixels, data_samples=inferencer(path, return_datasamples=True))])
    expected = inferencer.model.test_step(packed)[0].pred_sem_seg.data[0]
    np.testing.assert_array_equal(segments, expected)


def test_files_folders_and_arrays_are_alike(inferencer, images):
    first, second = inferencer(str(images), batch_size=2)['predictions']
    np.testing.assert_array_equal(inferencer(images / '0.png')['predictions'], first)
    from_array, from_file = inferencer([read_image(images / '1.png'), images / '1.png'])['predictions']
    np.testing.assert_array_equal(from_array, second)
    np.testing.assert_array_equal(from_file, second)


def test_pictures_and_files(inferencer, images, tmp_path):
    result = inferencer(images / '0.png', out_dir=str(tmp_path), return_vis=True, opacity=1.)
    assert result['visualization'].shape == (40, 80, 3)
    palette = np.array(distinct_colours(3))
    coloured = (result['visualization'] == palette[result['predictions']]).all(-1)
    assert coloured.mean() > .8  # the rest is under the clusters' numbers
    assert (tmp_path / 'vis/0.png').is_file()
    written, = (tmp_path / 'pred').iterdir()
    np.testing.assert_array_equal(cv2.imread(str(written), cv2.IMREAD_UNCHANGED), result['predictions'])


def _written(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob('*.*') if path.is_file())


@pytest.fixture
def streets(images, tmp_path):
    """Images of equal names in two folders, and of equal names but for the suffix."""
    for name, number in (('A/0.png', 0), ('B/0.png', 1), ('A/0.jpg', 1)):
        (tmp_path / 'streets' / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / 'streets' / name), read_image(images / f'{number}.png'))
    return tmp_path / 'streets'


def test_equal_names_do_not_meet(inferencer, streets, tmp_path):
    out = tmp_path / 'out'
    files = [streets / name for name in ('A/0.png', 'B/0.png', 'A/0.jpg')]
    segments = inferencer(files, out_dir=str(out))['predictions']
    names = ['pred/A/0.jpg_pred.png', 'pred/A/0.png_pred.png', 'pred/B/0_pred.png', 'vis/A/0.jpg', 'vis/A/0.png',
             'vis/B/0.png']
    assert _written(out) == names
    for name, expected in zip((names[1], names[2], names[0]), segments, strict=True):
        np.testing.assert_array_equal(cv2.imread(str(out / name), cv2.IMREAD_UNCHANGED), expected)
    (streets / 'A/0.jpg').unlink()
    for _ in range(2):
        inferencer(streets, out_dir=str(tmp_path / 'folder'))
        assert _written(tmp_path / 'folder') == ['pred/A/0_pred.png', 'pred/B/0_pred.png', 'vis/A/0.png', 'vis/B/0.png']
    for name in ('A/0.png', 'B/0.png', 'A/0.png'):
        inferencer(streets / name, out_dir=tmp_path / 'calls')
    assert _written(tmp_path / 'calls') == ['pred/0_pred.png', 'pred/0_pred_2.png', 'vis/0.png', 'vis/0_2.png']
    image = read_image(streets / 'A/0.png')
    for _ in range(2):
        inferencer([image, image], out_dir=str(tmp_path / 'arrays'))
    assert len(_written(tmp_path / 'arrays')) == 8


@pytest.mark.parametrize('inside', ['', 'A/segments'])
def test_what_was_written_is_not_read(inferencer, streets, inside):
    (streets / 'A/0.jpg').unlink()
    for _ in range(2):
        assert len(inferencer(str(streets), out_dir=str(streets / inside))['predictions']) == 2


def test_number_of_clusters_and_config_can_be_given(checkpoint, images, tmp_path):
    config = tmp_path / 'config.py'
    config.write_text(CONFIG.replace('(64, 32)', '(96, 64)'))
    many = UnsupervisedSegInferencer(checkpoint, config=config, num_clusters=10, device='cpu')
    segments = many(images / '0.png')['predictions']
    assert segments.max() > 2 and len(many.model.dataset_meta['classes']) == 10
    with pytest.raises(InputError, match='num_clusters 11'):
        UnsupervisedSegInferencer(checkpoint, num_clusters=11)


def test_in_one_call(inferencer, checkpoint, images, tmp_path):
    expected = inferencer(str(images))['predictions']
    several = mmdepthcp.segment(images, checkpoint, out_dir=tmp_path, batch_size=2, device='cpu')
    assert isinstance(several, list) and all(map(np.array_equal, several, expected))
    assert sorted(path.name for path in (tmp_path / 'pred').iterdir()) == ['0_pred.png', '1_pred.png']
    one = mmdepthcp.segment(images / '0.png', checkpoint, device='cpu')
    listed = mmdepthcp.segment([read_image(images / '0.png')], checkpoint, num_clusters=3, device='cpu')
    np.testing.assert_array_equal(one, expected[0])
    assert isinstance(listed, list) and np.array_equal(listed[0], expected[0])
    with pytest.raises(InputError, match='list of images is empty'):
        mmdepthcp.segment([], checkpoint)


def test_colours_differ():
    colours = np.array(distinct_colours(27))
    assert colours.min() >= 0 and colours.max() <= 255
    apart = np.abs(colours[:, None] - colours[None]).sum(-1)[np.triu_indices(27, 1)]
    assert apart.min() > 10


def test_unusable_input(inferencer, checkpoint, images, tmp_path):
    with pytest.raises(InputError, match=r'none\.png: no such image file'):
        inferencer(str(images / 'none.png'))
    with pytest.raises(InputError, match=r'notes\.txt: not a readable image'):
        inferencer(str(images / 'notes.txt'))
    with pytest.raises(InputError, match=r'float64 of shape \(4, 4\)'):
        inferencer(np.zeros((4, 4)))
    with pytest.raises(InputError, match='no such checkpoint'):
        UnsupervisedSegInferencer(tmp_path / 'none.pth')
    export_backbone(checkpoint, tmp_path / 'slim.pth', 'mmseg')
    with pytest.raises(InputError, match='holds no config'):
        UnsupervisedSegInferencer(tmp_path / 'slim.pth')
    torch.save(dict(state_dict={'a': torch.zeros(1)}, meta=dict(cfg=CONFIG)), tmp_path / 'other.pth')
    with pytest.raises(InputError, match='a checkpoint of another model'):
        UnsupervisedSegInferencer(tmp_path / 'other.pth')
    depth = "model = dict(type='MonoDepth')"
    torch.save(dict(state_dict={'a': torch.zeros(1)}, meta=dict(cfg=depth)), tmp_path / 'depth.pth')
    with pytest.raises(InputError, match='need a model that clusters, such as DepthCP; the config builds MonoDepth'):
        UnsupervisedSegInferencer(tmp_path / 'depth.pth')


DEPTHG = '''
default_scope = 'mmseg'
model = dict(
    type='mmdepthcp.DepthG', in_channels=24, code_channels=5, num_clusters=4, num_classes=2, standardise=False,
    self_term=dict(shift=.1), neighbour_term=dict(shift=.1), negative_term=dict(shift=.1),
    test_cfg=dict(crf=dict(iterations=2)),
    backbone=dict(type='mmdepthcp.DINOViT', patch_size=8, img_size=32, arch=dict(
        embed_dims=24, num_layers=2, num_heads=2, feedforward_channels=24),
        init_cfg=dict(type='Pretrained', checkpoint='long_gone.pth')))
test_dataloader = dict(dataset=dict(pipeline=[
    dict(type='mmdepthcp.LoadImage'), dict(type='mmdepthcp.LoadLabels'),
    dict(type='mmdepthcp.CentreSquare', size=32), dict(type='PackSegInputs')]))
'''


@TRANSFORMS.register_module(force=True)
class OwnSquare(CentreSquare):
    """By another name."""


@pytest.mark.parametrize('square', ['CentreSquare', 'OwnSquare'])
def test_codes_on_a_transformer(images, tmp_path, square):
    """The whole image at the size of STEGO's protocol, with its random field."""
    torch.manual_seed(1)
    with DefaultScope.overwrite_default_scope('mmdepthcp'):
        model = MODELS.build(Config.fromstring(DEPTHG, '.py').model)
    path = tmp_path / 'iter_1.pth'
    torch.save(dict(state_dict=model.state_dict(), meta=dict(cfg=DEPTHG.replace('CentreSquare', square))), path)
    inferencer = UnsupervisedSegInferencer(path, device='cpu')
    segments = inferencer(images / '0.png', out_dir=str(tmp_path / 'out'))['predictions']
    assert segments.shape == (40, 80) and set(np.unique(segments)) <= {0, 1, 2, 3}
    model.eval()
    resized = cv2.resize(read_image(images / '0.png'), (64, 32), interpolation=cv2.INTER_AREA)
    inputs = model.data_preprocessor(dict(inputs=[torch.from_numpy(resized.transpose(2, 0, 1).copy())]))['inputs']
    sample = SegDataSample(metainfo=dict(ori_shape=(40, 80)))
    np.testing.assert_array_equal(segments, model(inputs, [sample], mode='predict')[0].pred_sem_seg.data[0])
    assert list((tmp_path / 'out').rglob('*.png')) or list((tmp_path / 'out').rglob('*.jpg'))
