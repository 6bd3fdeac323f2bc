"""Fine-tuning that was interrupted ends with the weights of one that was not, bit for bit."""

from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.config.loading import load_config
from tests.test_configs import write_data

ROOT = Path(__file__).parents[2]
STEPS, INTERRUPTED = 4, 2
SMALL = {
    'semantic_fpn_toy': ['model.decode_head.dropout_ratio=0.5'],
    'linear_toy': [],
    'pad_toy': ['model.backbone.init_cfg=None', 'model.decode_head.decoder.init_cfg=None',
                'model.pose_net.init_cfg=None', 'model.decode_head.decoder.aspp_dilations=[1,2]',
                'model.view_synthesis.automasked=True'],
    'mask_rcnn_toy': ['model.train_cfg.rcnn.sampler.num=16', 'model.train_cfg.rpn.sampler.num=32',
                      'model.train_cfg.rpn_proposal.max_per_img=50', 'model.train_cfg.rpn_proposal.nms_pre=100'],
}


@pytest.fixture(params=SMALL)
def train(request, tmp_path, monkeypatch):
    """Trains for some steps into a folder, on few images, and validates on the way."""
    register_modules()
    name = request.param
    if name == 'mask_rcnn_toy':
        pytest.importorskip('mmcv.ops')
    monkeypatch.setattr('mmengine.runner.runner.collect_env', dict)
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)

    def train(folder, steps, num_workers=0, **more):
        path, = (ROOT / 'configs').rglob(f'{name}.py')
        config = load_config(path, [
            *SMALL[name], f'train_cfg.max_iters={steps}', f'train_cfg.val_interval={INTERRUPTED}',
            f'default_hooks.checkpoint.interval={INTERRUPTED}', 'default_hooks.checkpoint.max_keep_ckpts=5',
            f'train_dataloader.num_workers={num_workers}', f'train_dataloader.persistent_workers={num_workers > 0}',
            'train_dataloader.batch_size=2', 'val_dataloader.num_workers=0', 'val_dataloader.persistent_workers=False'])
        config.update(work_dir=folder, log_level='ERROR', test_dataloader=None, test_cfg=None, test_evaluator=None,
                      param_scheduler=[dict(type='PolyLR', power=0.9, begin=0, end=STEPS, by_epoch=False)], **more)
        init_default_scope(config.default_scope)
        if not Path(config.val_dataloader.dataset.data_root).exists():
            write_data({key: config[key] for key in ('train_dataloader', 'val_dataloader')})
        if 'labelled' not in config.train_dataloader.dataset:
            config.train_dataloader.dataset.indices = 5
        config.val_dataloader.dataset.indices = 1
        Runner.from_cfg(config).train()
        return torch.load(f'{folder}/iter_{steps}.pth', weights_only=False)

    return train


def test_resumed_equals_uninterrupted(train):
    whole = train('whole', STEPS)
    train('parts', INTERRUPTED)
    torch.rand(7)
    resumed = train('parts', STEPS, num_workers=1, resume=True)
    before = torch.load(f'parts/iter_{INTERRUPTED}.pth', weights_only=False)['state_dict']
    changed = [name for name, tensor in whole['state_dict'].items() if not torch.equal(tensor, before[name])]
    assert changed, 'nothing has been learnt after the interruption'
    after = resumed['state_dict']
    differ = [name for name, tensor in whole['state_dict'].items() if not torch.equal(tensor, after[name])]
    assert not differ, f'{len(differ)} of {len(whole["state_dict"])} tensors differ'
    for one, other in zip(whole['optimizer']['state'].values(), resumed['optimizer']['state'].values(), strict=True):
        moments = [name for name, tensor in one.items() if torch.is_tensor(tensor) and tensor.ndim]
        assert moments and all(torch.equal(one[name], other[name]) for name in moments)
