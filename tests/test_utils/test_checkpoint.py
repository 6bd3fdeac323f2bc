"""Checkpoints that fit, that are missing or corrupt, and that belong to another model."""

import pytest
import torch
from torch import nn

from mmdepthcp.utils.checkpoint import check_fit, read_state_dict
from mmdepthcp.utils.errors import InputError


def model():
    return nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))


def test_runner_wrapped_and_bare_checkpoints_are_read(tmp_path):
    state = model().state_dict()
    wrapped = {f'module.{name}': tensor for name, tensor in state.items()}
    for number, content in enumerate([{'state_dict': state, 'meta': {}}, {'state_dict': wrapped}, dict(state)]):
        path = tmp_path / f'{number}.pth'
        torch.save(content, path)
        read = read_state_dict(path)
        assert read.keys() == state.keys()
        check_fit(model(), read, path)


def test_missing_corrupt_and_empty(tmp_path):
    path = tmp_path / 'a.pth'
    with pytest.raises(InputError, match='no such checkpoint file'):
        read_state_dict(path)
    path.write_bytes(b'')
    with pytest.raises(InputError, match='not a readable checkpoint'):
        read_state_dict(path)
    torch.save({'state_dict': model().state_dict()}, path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match='not a readable checkpoint'):
        read_state_dict(path)
    path.write_text('no weights in here')
    with pytest.raises(InputError, match='not a readable checkpoint'):
        read_state_dict(path)
    torch.save({'epoch': 3}, path)
    with pytest.raises(InputError, match='holds no model weights'):
        read_state_dict(path)


def test_checkpoint_of_another_model(tmp_path):
    other = nn.Sequential(nn.Linear(3, 5), nn.ReLU()).state_dict()
    with pytest.raises(InputError, match=r'x\.pth: a checkpoint of another model: 0 of 4 tensors of Sequential fit; '
                                         r'missing: 1\.weight, 1\.bias; of another shape: '
                                         r'0\.weight \(5, 3\) instead of \(2, 3\)'):
        check_fit(model(), other, 'x.pth')


def test_further_entries_are_allowed():
    check_fit(model(), {**model().state_dict(), 'queue': torch.zeros(2)}, 'x.pth')
