from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmdepthcp.preparation.depth_inference import infer_tree
from mmdepthcp.preparation.foreign_depth import set_common_scale
from mmdepthcp.preparation.onnx_depth import OnnxPredictor
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import read_json
from mmdepthcp.utils.images import read_disparity, read_image

pytest.importorskip('onnxruntime')
onnx = pytest.importorskip('onnx')
ROOT = Path(__file__).parents[2]


def write_network(path, shape=('b', 3, 'h', 'w'), channel=0, flat=False):
    """A network that gives one channel of its input, and another output that is no map."""
    helper, kind = onnx.helper, onnx.TensorProto
    first = helper.make_tensor('start', kind.INT64, [1], [channel])
    last = helper.make_tensor('stop', kind.INT64, [1], [channel + 1])
    axis = helper.make_tensor('axis', kind.INT64, [1], [1])
    nodes = [helper.make_node('Slice', ['image', 'start', 'stop', 'axis'], ['map' if not flat else 'cut'])]
    if flat:
        nodes.append(helper.make_node('Squeeze', ['cut', 'axis'], ['map']))
    nodes.append(helper.make_node('Shape', ['image'], ['size']))
    outputs = [helper.make_tensor_value_info('map', kind.FLOAT, [None] * (3 if flat else 4)),
               helper.make_tensor_value_info('size', kind.INT64, [4])]
    graph = helper.make_graph(nodes, 'depth', [helper.make_tensor_value_info('image', kind.FLOAT, shape)], outputs,
                              [first, last, axis])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8), path)
    return path


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    for name, size in (('a/1.png', (8, 16)), ('a/2.png', (8, 16)), ('b/3.png', (16, 24))):
        path = tmp_path / 'images' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), rng.integers(1, 255, (*size, 3), np.uint8))
    return tmp_path / 'images'


@pytest.mark.parametrize('flat', [False, True])
@pytest.mark.parametrize('bgr', [False, True])
def test_input_and_output_are_as_described(images, tmp_path, bgr, flat):
    predictor = OnnxPredictor(write_network(tmp_path / 'net.onnx', channel=1, flat=flat), size=(16, 8), bgr=bgr,
                              mean=(1, 20, 3), std=(10, 40, 30), affine=(2., 5.))
    names = ['a/1.png', 'a/2.png']
    maps = predictor.raw([predictor.prepare(images / name) for name in names])
    for found, name in zip(maps, names, strict=True):
        np.testing.assert_allclose(found, 2 * (read_image(images / name)[..., 1] - 20.) / 40 + 5, rtol=1e-5)


def test_channels_come_in_the_order_asked_for(images, tmp_path):
    network = write_network(tmp_path / 'net.onnx')
    blue_first = read_image(images / 'a/1.png').astype(float)
    for bgr, channel in ((False, 2), (True, 0)):
        predictor = OnnxPredictor(network, size=(16, 8), bgr=bgr)
        found, = predictor.raw([predictor.prepare(images / 'a/1.png')])
        np.testing.assert_allclose(found, blue_first[..., channel] / 255, rtol=1e-5)


@pytest.mark.parametrize('shape', [('b', 3, 'h', 'w'), (1, 3, 8, 16)])
def test_whole_trees_in_one_scale(images, tmp_path, shape):
    predictor = OnnxPredictor(write_network(tmp_path / 'net.onnx', shape), size=(16, 8))
    set_common_scale(predictor, images, tmp_path / 'out', batch_size=2)
    assert infer_tree(predictor, images, tmp_path / 'out', batch_size=2) == ([], 3)
    raw = predictor.raw([predictor.prepare(images / 'a/2.png')])[0]
    np.testing.assert_allclose(read_disparity(tmp_path / 'out/a/2.png'), np.minimum(raw / predictor.scale, 1),
                               atol=1e-4)
    assert read_disparity(tmp_path / 'out/b/3.png').shape == (16, 24)
    assert read_json(tmp_path / 'out/meta.json')['source'] == 'net.onnx'


def test_metres(images, tmp_path):
    predictor = OnnxPredictor(write_network(tmp_path / 'net.onnx'), 'metric', (16, 8), affine=(100., 0.), nearest=2.)
    set_common_scale(predictor, images, tmp_path / 'out')
    infer_tree(predictor, images, tmp_path / 'out')
    metres = read_image(images / 'a/1.png')[..., 2] / 2.55
    np.testing.assert_allclose(read_disparity(tmp_path / 'out/a/1.png'), np.minimum(2 / metres, 1), atol=1e-4)


def test_what_is_no_such_network(tmp_path):
    with pytest.raises(InputError, match='no such ONNX file'):
        OnnxPredictor(tmp_path / 'none.onnx')
    (tmp_path / 'text.onnx').write_text('text')
    with pytest.raises(InputError, match=r'text\.onnx: cannot be loaded as an ONNX network'):
        OnnxPredictor(tmp_path / 'text.onnx')
    with pytest.raises(InputError, match='--onnx-size WIDTH HEIGHT'):
        OnnxPredictor(write_network(tmp_path / 'any.onnx'))
    fixed = write_network(tmp_path / 'fixed.onnx', (1, 3, 8, 16))
    with pytest.raises(InputError, match='its input is 16x8, another size than 32x8'):
        OnnxPredictor(fixed, size=(32, 8))
    with pytest.raises(InputError, match="no output 'depth'; there are map, size"):
        OnnxPredictor(fixed, result='depth')
    with pytest.raises(InputError, match='expected one input'):
        OnnxPredictor(write_network(tmp_path / 'flat.onnx', (3, 8, 16)))


def test_an_output_that_is_no_map_is_told(images, tmp_path):
    predictor = OnnxPredictor(write_network(tmp_path / 'net.onnx', (1, 3, 8, 16)), result='size')
    with pytest.raises(InputError, match=r'has the shape .*--onnx-result NAME'):
        predictor.raw([predictor.prepare(images / 'a/1.png')])


def test_onnxruntime_missing(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(ImportError, match='pip install onnxruntime'):
        OnnxPredictor(tmp_path / 'net.onnx')


def test_command_line(images, tmp_path):
    network = write_network(tmp_path / 'net.onnx')
    command = [sys.executable, ROOT / 'tools/infer_depth.py', images, tmp_path / 'out', '--onnx', network,
               '--onnx-size', '16', '8', '--onnx-affine', '-1', '1', '--device', 'cpu']
    subprocess.run(command, check=True, capture_output=True, text=True)
    assert read_json(tmp_path / 'out/meta.json')['affine'] == [-1, 1]
    assert read_disparity(tmp_path / 'out/a/1.png').shape == (8, 16)


def test_a_real_network(data_root, tmp_path):
    """RT-MonoDepth-S on a street: the road below is nearer than the sky above."""
    network = data_root / 'pretrained/rtmonodepth_s/m_640_192.onnx'
    frame = min((data_root / 'kitti_sample').rglob('*.jpg'))
    predictor = OnnxPredictor(network, affine=(9.99, .01))
    disparity, = predictor.raw([predictor.prepare(frame)])
    assert disparity.shape == read_image(frame).shape[:2] and disparity.min() >= .01
    height = len(disparity)
    assert disparity[-height // 8:].mean() > 2 * disparity[height // 3:height // 2].mean()
