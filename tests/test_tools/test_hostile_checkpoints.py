"""A checkpoint that holds code runs it through none of the ways into a program."""

import os
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mmdepthcp.apis import UnsupervisedSegInferencer, export_backbone
from mmdepthcp.experiments.stages import Stage
from mmdepthcp.experiments.summary import collect
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import write_png

TOOLS = Path(__file__).parents[2] / 'tools'

MODULE = '''
import torch
from mmengine.model import BaseModel
from mmdepthcp.registry import DATASETS, MODELS

@DATASETS.register_module()
class OneNumber(torch.utils.data.Dataset):
    def __init__(self, pipeline):
        pass

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return dict(inputs=torch.ones(1))

@MODELS.register_module()
class OneLayer(BaseModel):
    def __init__(self, init_cfg=None):
        super().__init__(init_cfg=init_cfg)
        self.layer = torch.nn.Linear(1, 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return dict(loss=self.layer(torch.stack(list(inputs))).sum())
'''

CONFIG = '''
default_scope = 'mmdepthcp'
custom_imports = dict(imports=['one_layer'])
model = dict(type='OneLayer')
test_pipeline = [dict(type='LoadImage')]
loader = dict(batch_size=1, num_workers=0, dataset=dict(type='OneNumber', pipeline=test_pipeline), sampler=dict(
    type='DefaultSampler', shuffle=False))
train_dataloader = loader
test_dataloader = loader
test_evaluator = dict(type='DumpResults', out_file_path='results.pkl')
train_cfg = dict(by_epoch=True, max_epochs=2)
test_cfg = dict()
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01))
'''


class Payload:
    """Makes a folder when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ('run',)


@pytest.fixture(scope='module')
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp('hostile')
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.chdir(folder)
        Path('one_layer.py').write_text(MODULE)
        Path('c.py').write_text(CONFIG)
        write_png('images/a.png', np.zeros((8, 8, 3), np.uint8))
        yield folder


def tool(name, *args):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', [name, *args])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(TOOLS / name), run_name='__main__')
    return str(ended.value)


def refused(call, *args):
    with pytest.raises(InputError) as error:
        call(*args)
    return str(error.value)


PRETRAIN = Stage('pretrain', ('tools/train.py',), ('w/pretrain/epoch_1.pth',), '', reports=(('a.b', 'iterations'),))
WAYS = {
    'test': lambda: tool('test.py', 'c.py', 'bad.pth'),
    'resume a file': lambda: tool('train.py', 'c.py', '--resume', 'bad.pth'),
    'resume': lambda: tool('train.py', 'c.py', '--work-dir', 'w/pretrain', '--resume'),
    'load_from': lambda: tool('train.py', 'c.py', '--cfg-options', 'load_from=bad.pth'),
    'init_cfg': lambda: tool('train.py', 'c.py', '--cfg-options', 'model.init_cfg.type=Pretrained',
                             'model.init_cfg.checkpoint=bad.pth'),
    'init_cfg with a prefix': lambda: tool(
        'test.py', 'c.py', 'none', '--cfg-options', 'model.init_cfg.type=Pretrained',
        'model.init_cfg.checkpoint=bad.pth', 'model.init_cfg.prefix=layer.'),
    'export': lambda: refused(export_backbone, 'bad.pth', 'out.pth', 'mmseg'),
    'inferencer': lambda: refused(UnsupervisedSegInferencer, 'bad.pth'),
    'infer_depth': lambda: tool('infer_depth.py', 'c.py', 'bad.pth', 'images', 'out'),
    'visualise': lambda: tool('visualize_features.py', 'c.py', 'bad.pth', 'out'),
    'summarise': lambda: collect('w', [PRETRAIN]).missing[-1],
}


@pytest.mark.parametrize('kind', ['zip', 'old'])
@pytest.mark.parametrize('way', WAYS)
def test_no_way_in(home, way, kind):
    (home / 'w/pretrain').mkdir(parents=True, exist_ok=True)
    (home / 'w/pretrain/last_checkpoint').write_text('bad.pth')
    weights = dict.fromkeys(('layer.weight', 'layer.bias'), torch.zeros(1))
    torch.save(dict(state_dict=weights, meta=dict(iter=3, epoch=1, cfg='', x=Payload())), home / 'bad.pth',
               _use_new_zipfile_serialization=kind == 'zip')
    message = WAYS[way]()
    assert 'bad.pth: is not read, for it holds objects of Python (posix.mkdir)' in message
    assert not (home / 'run').exists()


def test_the_config_in_a_checkpoint_is_not_executed(home):
    torch.save(dict(state_dict=dict(weight=torch.zeros(1)), meta=dict(
        cfg="model = dict(type='DepthCP')\nmodel['x'] = __import__('os').mkdir('run')")), 'text.pth')
    assert 'more than data' in refused(UnsupervisedSegInferencer, 'text.pth')
    refused(export_backbone, 'text.pth', 'out.pth', 'mmseg')
    torch.save(dict(state_dict=dict(weight=torch.zeros(1)), meta=dict(
        cfg="model = dict(type='DepthCP', backbone=dict(type='os.mkdir', path='run'))")), 'type.pth')
    assert 'the type os.mkdir' in refused(UnsupervisedSegInferencer, 'type.pth')
    assert not (home / 'run').exists()
