"""Files of weights are data: what they hold is read by both unpicklers, code in them is never run."""

import io
import json
import os
import pickle
import tarfile
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader, load_checkpoint
from torch import nn

import mmdepthcp.registry  # noqa: F401
from mmdepthcp.utils import weight_files
from mmdepthcp.utils.checkpoint import read_checkpoint, read_state_dict
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.weight_files import read_weight_file


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder='run'):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (self.folder,)


class Attribute:
    """Becomes an attribute of a class that checkpoints may name."""

    def __reduce__(self):
        return getattr, (HistoryBuffer, '__init__')


def as_zip(content, **kinds):
    file = io.BytesIO()
    torch.save(content, file, **kinds)
    return file.getvalue()


def as_old(content):
    return as_zip(content, _use_new_zipfile_serialization=False)


def as_tar(content):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode='w') as archive:
        for name in ('storages', 'tensors', 'pickle'):
            archived = pickle.dumps(content, protocol=2)
            entry = tarfile.TarInfo(name)
            entry.size = len(archived)
            archive.addfile(entry, io.BytesIO(archived))
    return file.getvalue()


@pytest.fixture(params=['by PyTorch', 'by the package'], autouse=True)
def unpickler(request, monkeypatch, tmp_path):
    if request.param == 'by PyTorch' and not weight_files._is_native():
        pytest.skip('this PyTorch cannot')
    monkeypatch.setattr(weight_files, '_is_native', lambda: request.param == 'by PyTorch')
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize('write', [
    as_zip, as_old, as_tar, pickle.dumps, lambda content: pickle.dumps(content, protocol=0),
    lambda content: as_zip(content, pickle_protocol=4)], ids=['zip', 'old', 'tar', 'pickle', 'ascii', 'protocol 4'])
@pytest.mark.parametrize('content', [
    Payload(), {'state_dict': {'weight': torch.zeros(2)}, 'meta': {'epoch': Payload()}}, {Payload(): 1},
    {'optimizer': np.array([Payload()], dtype=object), 'state_dict': {}}], ids=['all', 'meta', 'key', 'array'])
def test_code_is_not_run(write, content):
    Path('bad.pth').write_bytes(write(content))
    with pytest.raises(InputError, match=r'bad\.pth: (is not read|not a readable checkpoint)'):
        read_checkpoint('bad.pth')
    with pytest.raises(InputError, match=r'bad\.pth: (is not read|not a readable checkpoint)'):
        CheckpointLoader.load_checkpoint('bad.pth')
    assert not Path('run').exists()


def test_the_refusal_names_what_is_in_the_way():
    for write in (as_zip, as_old):
        Path('bad.pth').write_bytes(write({'state_dict': {}, 'meta': Payload()}))
        with pytest.raises(InputError, match=r'holds objects of Python \((posix|nt)\.mkdir\), and such a file can run'):
            read_checkpoint('bad.pth')
    torch.save(nn.Linear(2, 2), 'model.pth')
    with pytest.raises(InputError, match=r'torch\.nn\.modules\.linear\.Linear.*torch\.save\(model\.state_dict\(\)'):
        read_checkpoint('model.pth')
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), 'script.pth')
    with pytest.raises(InputError, match='TorchScript'):
        read_checkpoint('script.pth')


def test_state_cannot_change_classes_or_functions():
    """``(torch.Tensor, state) BUILD``: an attribute for a class."""
    pickled = b"\x80\x02ctorch\nTensor\nN}X\x05\x00\x00\x00wrongq\x00K\x01s\x86b."
    assert set(pickle.loads(b"\x80\x02N}X\x05\x00\x00\x00wrongq\x00K\x01s\x86.")[1]) == {'wrong'}
    Path('bad.pth').write_bytes(as_old({'a': 1})[:-1])
    with io.BytesIO(as_old({})) as file:
        for _ in range(3):
            pickle.load(file)
        head = file.getvalue()[:file.tell()]
    Path('bad.pth').write_bytes(head + pickled + pickle.dumps([], protocol=2))
    with pytest.raises(InputError):
        read_checkpoint('bad.pth')
    assert not hasattr(torch.Tensor, 'wrong')


def test_attributes_are_not_handed_out():
    torch.save({'a': Attribute()}, 'a.pth')
    assert read_checkpoint('a.pth') == {'a': None}


def checkpoint():
    """What runners and others write down."""
    buffer = HistoryBuffer([3., 1., 2.], [1, 1, 2])
    return dict(
        meta=dict(epoch=2, mmengine_version='0', seed=np.int64(3), palette=np.arange(6, dtype=np.uint8).reshape(2, 3)),
        message_hub=dict(log_scalars={'train/loss': buffer}, runtime_info={'iter': 4}, resumed_keys={'iter': True}),
        state_dict=nn.BatchNorm1d(3).state_dict(), args=Namespace(path=Path('a/b'), rate=.1), betas=(0.9, 0.99),
        half=torch.ones(3, dtype=torch.bfloat16), names={'a'}, parameter=nn.Parameter(torch.ones(2)))


@pytest.mark.parametrize('write', [as_zip, as_old])
def test_data_is_read(write):
    content = read_weight_file(io.BytesIO(write(checkpoint())), 'cpu')
    buffer = content['message_hub']['log_scalars']['train/loss']
    assert type(buffer) is HistoryBuffer
    assert [list(values) for values in buffer.data] == [[3, 1, 2], [1, 1, 2]]
    assert buffer.statistics('mean', 2) == 1 and buffer.max_length == 1000000
    assert content['meta']['seed'] == 3 and content['meta']['palette'].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert content['args'].path == 'a/b' and content['names'] == {'a'} and content['half'].dtype == torch.bfloat16
    nn.BatchNorm1d(3).load_state_dict(content['state_dict'])
    assert content['state_dict']._metadata['']['version'] == 2
    again = read_weight_file(io.BytesIO(write(content['message_hub'])))
    assert again['log_scalars']['train/loss'].max() == 3


def safetensors(header, content):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, 'little') + text + content


def test_safetensors():
    numbers = np.arange(6, dtype=np.float32)
    header = {'__metadata__': {'format': 'pt'}, 'a': dict(dtype='I64', shape=[], data_offsets=[24, 32]),
              'w': dict(dtype='F32', shape=[2, 3], data_offsets=[0, 24]),
              'none': dict(dtype='F16', shape=[0, 4], data_offsets=[32, 32])}
    Path('a.safetensors').write_bytes(safetensors(header, numbers.tobytes() + np.int64(-7).tobytes()))
    state = read_state_dict('a.safetensors')
    assert state['w'].tolist() == [[0, 1, 2], [3, 4, 5]] and int(state['a']) == -7 and state['none'].shape == (0, 4)
    linear = nn.Linear(3, 2)
    Path('l.safetensors').write_bytes(safetensors({
        'weight': dict(dtype='F32', shape=[2, 3], data_offsets=[0, 24]),
        'bias': dict(dtype='F32', shape=[2], data_offsets=[24, 32])}, np.arange(8, dtype=np.float32).tobytes()))
    load_checkpoint(linear, 'l.safetensors')
    assert linear.bias.tolist() == [6, 7]
    for entry in (dict(dtype='F32', shape=[2, 3], data_offsets=[0, 40]),
                  dict(dtype='F32', shape=[2, 2], data_offsets=[0, 24]),
                  dict(dtype='?', shape=[1], data_offsets=[0, 4])):
        Path('bad.safetensors').write_bytes(safetensors({'w': entry}, numbers.tobytes()))
        with pytest.raises(InputError, match='not a readable checkpoint'):
            read_state_dict('bad.safetensors')


def test_a_config_by_mmcv_is_not_kept_where_mmengine_would_execute_it():
    torch.save(dict(state_dict=nn.Linear(2, 2).state_dict(), meta=dict(config='import os', epoch=1)), 'old.pth')
    assert CheckpointLoader.load_checkpoint('old.pth')['meta'] == dict(epoch=1)


def test_every_address_is_read_strictly(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    fetched = []

    def download(url, file, **settings):
        fetched.append(url)
        torch.save({'state_dict': {'weight': torch.zeros(2), 'x': Payload()}}, file)

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    for address in ('https://example.org/a.pth', 'torchvision://resnet18', 'open-mmlab://detectron2/resnet50_caffe',
                    'http://example.org/b.pth'):
        with pytest.raises(InputError, match='is not read'):
            CheckpointLoader.load_checkpoint(address)
    assert len(fetched) == 4 and not Path('run').exists()
    for address in ('s3://a/b.pth', 'pavi://x', 'torchvision://resnet19'):
        with pytest.raises(InputError, match=address):
            CheckpointLoader.load_checkpoint(address)


def test_an_address_out_of_reach(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))

    def download(url, file, **settings):
        raise OSError('Name or service not known')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    with pytest.raises(InputError, match=r'https://example\.org/a\.pth: cannot be downloaded.*bring https://example'):
        CheckpointLoader.load_checkpoint('https://example.org/a.pth')
