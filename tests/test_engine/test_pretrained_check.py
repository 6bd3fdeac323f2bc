"""The hook that looks whether pretrained weights arrived."""

import logging
from types import SimpleNamespace

import pytest
import torch
from mmengine.model import BaseModule
from torch import nn

from mmdepthcp.engine.hooks import PretrainedCheckHook
from mmdepthcp.utils.errors import InputError


class Part(BaseModule):
    def __init__(self, widths, init_cfg=None):
        super().__init__(init_cfg)
        self.layers = nn.ModuleList(nn.Linear(4, width) for width in widths)


class Model(BaseModule):
    def __init__(self, backbone, head=None, init_cfg=None):
        super().__init__(init_cfg)
        self.backbone = backbone
        if head is not None:
            self.decode_head = head


@pytest.fixture
def file(tmp_path):
    """A checkpoint with a backbone of six tensors and a head of two."""
    path = tmp_path / 'pretrained.pth'
    torch.save(dict(state_dict=Model(Part([3, 3, 3]), Part([2])).state_dict()), path)
    return str(path)


def pretrained(file, prefix='backbone.'):
    return dict(type='Pretrained', checkpoint=file, prefix=prefix)


def start_training(model, load_from=None, iteration=0, **settings):
    """What the hook logs at the start of training, by level."""
    model.init_weights()
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('mmdepthcp.engine.hooks.pretrained_check.notice',
                      lambda message, level=logging.WARNING: said.append((logging.getLevelName(level), message)))
        PretrainedCheckHook(**settings).before_train(
            SimpleNamespace(model=model, iter=iteration, _load_from=load_from))
    return said


def test_all_arrived(file):
    model = Model(Part([3, 3, 3], pretrained(file)), Part([2], pretrained(file, 'decode_head')))
    assert start_training(model) == [
        ('INFO', f'backbone: 6 of 6 tensors come from {file}'),
        ('INFO', f'decode_head: 2 of 2 tensors come from {file}')]


def test_a_new_classifier_is_a_warning(file):
    model = Model(Part([3, 3, 3]), Part([2, 5], pretrained(file, 'decode_head.')))
    (level, message), = start_training(model)
    assert level == 'WARNING'
    assert message == (f'decode_head: 2 of 4 tensors come from {file}; '
                       'missing: layers.1.weight, layers.1.bias')


@pytest.mark.parametrize(('widths', 'prefix', 'complaint'), [
    ([3, 3, 3, 3], 'backbone.', r'6 of 8 tensors .*missing: layers\.3\.weight'),
    ([3, 3, 7], 'backbone.', r'4 of 6 tensors .*layers\.2\.weight \(3, 4\) instead of \(7, 4\)'),
    ([3, 3, 3], 'decode_head.', r"0 of 6 tensors .*another prefix than 'decode_head\.'"),
    ([3, 3, 3], None, r"0 of 6 tensors .*In the file: backbone\.layers\.0\.weight.*another prefix than ''"),
], ids=['deeper', 'wider', 'wrong prefix', 'no prefix'])
def test_few_arrived(file, widths, prefix, complaint):
    with pytest.raises(InputError, match=complaint):
        start_training(Model(Part(widths, pretrained(file, prefix))))


def test_other_parts_may_have_to_arrive_as_a_whole(file):
    def model():
        return Model(Part([3, 3, 3]), Part([2, 5], pretrained(file, 'decode_head.')))
    assert len(start_training(model(), whole=('backbone',))) == 1
    with pytest.raises(InputError, match=r'decode_head: 2 of 4 tensors .*missing: layers\.1\.weight'):
        start_training(model(), whole=('backbone', 'decode_head'))


def test_the_share_can_be_chosen(file):
    model = Model(Part([3, 3, 3, 3], pretrained(file)))
    (level, message), = start_training(model, min_share=.75)
    assert level == 'WARNING' and '6 of 8' in message
    with pytest.raises(InputError, match='min_share 99'):
        PretrainedCheckHook(min_share=99)


def test_other_values_have_not_arrived(file):
    model = Model(Part([3, 3, 3], pretrained(file)))
    model.init_weights()
    with torch.no_grad():
        model.backbone.layers[1].weight.add_(1)
    with pytest.raises(InputError, match=r'5 of 6 tensors .*missing: layers\.1\.weight'):
        start_training(model)


def test_a_head_of_which_nothing_came(file):
    model = Model(Part([3, 3, 3]), Part([7], pretrained(file, 'decode_head.')))
    with pytest.raises(InputError, match='decode_head: 0 of 2'):
        start_training(model)


def test_models_filled_as_a_whole(file):
    filled = Model(Part([3, 3, 3]), Part([5]), pretrained(file, None))
    with pytest.raises(InputError, match='decode_head: 0 of 2'):
        start_training(filled)
    model = Model(Part([3, 3, 3]))
    model.load_state_dict(torch.load(file)['state_dict'], strict=False)
    assert start_training(model, load_from=file) == [('INFO', f'backbone: 6 of 6 tensors come from {file}')]


def test_counters_may_be_missing(tmp_path):
    backbone = Part([3], dict(type='Pretrained', checkpoint=str(tmp_path / 'old.pth')))
    backbone.layers.append(nn.BatchNorm1d(3))
    torch.save({name: tensor + 1 for name, tensor in backbone.state_dict().items() if 'num_batches' not in name},
               tmp_path / 'old.pth')
    (level, message), = start_training(Model(backbone))
    assert level == 'INFO' and 'backbone: 6 of 6 tensors' in message


def test_silent_without_pretraining_and_after_resuming(file):
    assert start_training(Model(Part([3, 3, 3]))) == []
    assert start_training(Model(Part([9], pretrained(file))), iteration=7) == []


@pytest.mark.parametrize(('checkpoint', 'prefix', 'complaint'), [
    ('none.pth', 'backbone.', r'none\.pth: no such checkpoint file'),
    ('text.pth', 'backbone.', r'text\.pth: not a readable checkpoint'),
    ('pretrained.pth', 'neck.', r"pretrained\.pth: nothing in it starts with 'neck\.', the prefix for backbone in "
                                r'init_cfg; in the file: backbone\.layers\.0\.weight'),
])
def test_files_are_looked_at_before_weights_are_set(file, tmp_path, checkpoint, prefix, complaint):
    (tmp_path / 'text.pth').write_text('no checkpoint')
    model = Model(Part([3, 3, 3], pretrained(str(tmp_path / checkpoint), prefix)))
    with pytest.raises(InputError, match=complaint):
        PretrainedCheckHook().before_run(SimpleNamespace(model=model, _load_from=None))
