"""Lists of classes that differ are found before training and testing."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mmdepthcp.engine.hooks import ClassListHook
from mmdepthcp.utils.errors import InputError


def loader(*classes):
    return SimpleNamespace(dataset=SimpleNamespace(metainfo=dict(classes=classes)))


def runner(train, val, heads, checkpoint=None):
    model = nn.Module()
    for name, number in heads.items():
        head = nn.Module()
        head.num_classes = number
        model.add_module(name, head)
    return SimpleNamespace(model=model, train_dataloader=train, val_dataloader=val, test_dataloader=val,
                           val_loop=val and object(), _load_from=checkpoint)


def test_agreement_is_silent(notices):
    agreed = runner(loader('road', 'car'), loader('road', 'car'), dict(decode_head=2, rpn_head=1))
    ClassListHook().before_train(agreed)
    ClassListHook().before_test(agreed)
    ClassListHook().before_train(runner(loader('road'), None, dict(decode_head=1)))
    assert notices == []


@pytest.mark.parametrize(('train', 'val', 'heads', 'message'), [
    (('road', 'car'), ('road', 'car'), dict(decode_head=19), r'decode_head.num_classes is 19, .* has 2 classes \(road'),
    (('road', 'car'), ('car', 'road'), dict(decode_head=2), r'the classes road, car, the validation set .* car, road'),
    (('road', 'car'), ('road', 'bus'), dict(decode_head=2), r'the validation set .* road, bus'),
    ((), (), dict(decode_head=2), 'it names none'),
])
def test_difference(train, val, heads, message):
    with pytest.raises(InputError, match=message):
        ClassListHook().before_train(runner(loader(*train), loader(*val), heads))


def test_difference_at_test():
    with pytest.raises(InputError, match='num_classes is 3, but'):
        ClassListHook().before_test(runner(None, loader('road'), dict(decode_head=3)))


def test_other_order_than_in_the_checkpoint(tmp_path):
    path = str(tmp_path / 'a.pth')
    heads = dict(decode_head=2)
    torch.save(dict(state_dict={}, meta=dict(dataset_meta=dict(classes=['road', 'car']))), path)
    ClassListHook().before_test(runner(None, loader('road', 'car'), heads, path))
    with pytest.raises(InputError, match=r'a\.pth has the classes road, car, the test set .* car, road'):
        ClassListHook().before_test(runner(None, loader('car', 'road'), heads, path))
    torch.save(dict(state_dict={}), path)
    ClassListHook().before_test(runner(None, loader('car', 'road'), heads, path))
