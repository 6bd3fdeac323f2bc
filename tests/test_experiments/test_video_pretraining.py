"""From frames to a report: the whole chain by one call, gone on with, refused where it does not fit.

Shortened: frames of 64x48, disparity from files, no regions, a handful of iterations, rates made up, so that four
commands are started and not eleven.
"""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

import mmdepthcp
from mmdepthcp.experiments import video_measure, video_plan, video_pretraining
from mmdepthcp.experiments.video_frames import read_shots, write_lists
from mmdepthcp.experiments.video_measure import measure, sizes_to_measure
from mmdepthcp.experiments.video_pretraining import compare_times, pretrain
from mmdepthcp.experiments.video_request import Request, network_of, read_depth_source, read_label_folder, read_start
from mmdepthcp.experiments.video_tasks import Cost, Machine, Measured, Task
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import write_disparity, write_png

COUNT = 20


def write_frames(folder):
    world = cv2.resize(np.random.default_rng(0).integers(0, 256, (6, 30, 3), np.uint8), (240, 48))
    for number in range(COUNT):
        write_png(folder / f'shot/{number:06d}.png', world[:, 3 * number:3 * number + 64])
        write_disparity(folder.parent / f'disparity/shot/{number:06d}.png',
                        np.linspace(.05, .9, 48)[:, None].repeat(64, 1))


@pytest.fixture
def video(tmp_path, monkeypatch):
    """A folder of frames, and an extraction that copies it."""
    write_frames(tmp_path / 'given')

    def take(videos, out, *_):
        shutil.copytree(videos[0], Path(out) / 'frames', dirs_exist_ok=True)
        return 'frames'

    monkeypatch.setattr(video_pretraining, 'take_frames', take)
    return tmp_path / 'given'


@pytest.fixture
def quick(monkeypatch):
    """A machine that knows its rates, and trainings of few iterations."""
    monkeypatch.setattr(video_plan, 'LEAST', dict(depth=4, pretrain=4, finetune=4))
    monkeypatch.setattr(video_plan, 'MOST_EPOCHS', 2)
    monkeypatch.setattr(video_pretraining, 'measure', lambda *args: Measured(Machine(2), 1.0, pretrain=Cost(0.1)))


def test_the_chain(video, quick, tmp_path, capsys):
    out = tmp_path / 'out'
    how = dict(method='swav', depth=f'disparity:{tmp_path / "disparity"}', budget='1m', seed=3)
    found = pretrain([video], out, **how)
    printed = capsys.readouterr().out
    assert '[1/3] pretrain' in printed and '20 frames of 64x48 in 1 shot' in printed
    assert 'planned       taken' in printed and str(out / 'report.html') in printed
    targets = ['mmdet', 'mmseg', *['timm'] * (find_spec('timm') is not None)]
    assert found.backbones == {target: out / f'backbone_{target}.pth' for target in targets}
    assert all(file.is_file() for file in found.backbones.values())
    assert found.checkpoint.is_file() and set(found.seconds) == {'pretrain', 'export', 'report'}
    stages = [verdict['stage'] for verdict in found.verdicts]
    assert stages == ['frames', 'depth', 'pretraining', 'prototypes']
    assert found.verdicts[0]['good'] is False and found.verdicts[1]['good'] is None  # files come without motion
    assert found.summary['frames']['all'] == COUNT
    page = (out / 'report.html').read_text()
    assert 'Verdicts' in page and 'Give more video' in page and page.count('data:image/jpeg') >= 4

    written = (out / 'config.py').stat().st_mtime_ns
    again = pretrain([video], out, **how)
    printed = capsys.readouterr().out
    assert 'planned before' in printed and printed.count('left as it is') == 3
    assert again.seconds == found.seconds and (out / 'config.py').stat().st_mtime_ns == written
    with pytest.raises(InputError, match=r'seed 3 then, 4 now.*--anew'):
        pretrain([video], out, **{**how, 'seed': 4})


def test_a_stage_that_was_interrupted_goes_on(video, quick, tmp_path, monkeypatch):
    ran = []

    def run(out, stages, **_):
        ran.append([stage.name for stage in stages])
        raise KeyboardInterrupt

    monkeypatch.setattr(video_pretraining, 'run_stages', run)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            pretrain(video, tmp_path / 'out', depth=f'disparity:{tmp_path / "disparity"}', budget='5m')
    assert ran == [['regions', 'pretrain', 'export', 'report']] * 2
    monkeypatch.setattr(video_pretraining, '_prepare', lambda *args: pytest.fail('planned again'))
    with pytest.raises(KeyboardInterrupt):
        pretrain(video, tmp_path / 'out', depth=f'disparity:{tmp_path / "disparity"}', budget='5m')


def test_depth_by_a_checkpoint(video, quick, tmp_path, monkeypatch):
    """Its config is taken from it, and the pretrained network starts from its encoder."""
    import torch
    from mmengine.registry import MODELS

    from mmdepthcp.cli.tools import register_modules
    from mmdepthcp.config.loading import load_config

    def stop(*_, **__):
        raise KeyboardInterrupt

    register_modules()
    monkeypatch.setattr(video_pretraining, 'run_stages', stop)
    with pytest.raises(KeyboardInterrupt):
        pretrain(video, tmp_path / 'own', budget='5m')
    config = load_config(tmp_path / 'own/depth.py')
    state = MODELS.build({**config.model, '_scope_': 'mmdepthcp'}).state_dict()
    torch.save(dict(state_dict=state, meta=dict(cfg=config.pretty_text)), tmp_path / 'depth.pth')
    with pytest.raises(KeyboardInterrupt):
        pretrain(video, tmp_path / 'out', depth=f'checkpoint:{tmp_path / "depth.pth"}', budget='5m')
    found = load_config(tmp_path / 'out/config.py')
    assert found.model.backbone.init_cfg == dict(
        type='Pretrained', checkpoint=str(tmp_path / 'depth.pth'), prefix='backbone.')
    assert found.stage_values.depth_source == ['{depth_config}', str(tmp_path / 'depth.pth')]
    assert load_config(tmp_path / 'out/depth.py').test_pipeline == config.test_pipeline
    torch.save(dict(state_dict=state), tmp_path / 'bare.pth')
    with pytest.raises(InputError, match='holds no config'):
        pretrain(video, tmp_path / 'bare', depth=f'checkpoint:{tmp_path / "bare.pth"}', budget='5m')


def test_a_dry_run_writes_nothing(video, quick, tmp_path, capsys):
    before = sorted(tmp_path.rglob('*'))
    assert pretrain(video, tmp_path / 'out', budget='5m', dry_run=True) is None
    assert sorted(tmp_path.rglob('*')) == before
    printed = capsys.readouterr().out
    assert '20 frames of 64x48 in 1 shot' in printed and 'Nothing has been written' in printed


def test_too_small_a_budget_leaves_no_plan(video, quick, tmp_path):
    with pytest.raises(InputError, match='too small for 20 frames'):
        pretrain(video, tmp_path / 'out', budget='1s')
    assert not (tmp_path / 'out/plan.json').exists()


def test_measured_on_this_machine(tmp_path):
    write_frames(tmp_path / 'frames')
    shots = read_shots(tmp_path / 'frames')
    said = []
    measured = measure(shots.sample, shots.footage, Task(), say=said.append)
    assert measured.start > 0.5 and measured.machine.cores >= 1
    for name in ('depth', 'disparity', 'regions', 'pretrain'):
        assert 0 < getattr(measured, name).at((96, 64)) < 20
    assert measured.finetune == Cost() and 'measuring: pretrain' in said
    with pytest.raises(InputError, match='three successive'):
        measure(shots.sample[:2], shots.footage, Task())


@pytest.mark.parametrize('method', ['densecl', 'depth_pixpro'])
def test_every_method_can_be_measured(tmp_path, monkeypatch, method):
    """Momentum that goes by a runner's iterations, queues that take only some sizes of batches."""
    write_frames(tmp_path / 'frames')
    shots = read_shots(tmp_path / 'frames')
    monkeypatch.setattr(video_measure._Bench, 'seconds_of_a_command', lambda self, size: pytest.fail('known'))
    measured = measure(shots.sample[:7], shots.footage, Task(method=method), started_in=3.5)
    assert 0 < measured.pretrain.at((96, 64)) < 20 and measured.start == 3.5


def test_sizes_to_measure():
    assert sizes_to_measure([(160, 96), (224, 128), (288, 160), (320, 192), (960, 544)]) == [(160, 96), (320, 192)]
    assert sizes_to_measure([(96, 64)]) == [(96, 64)]


@pytest.mark.parametrize(('changes', 'words'), [
    (dict(videos=[]), 'no video'), (dict(videos='nowhere.mp4'), 'nowhere.mp4: no such video'),
    (dict(budget='soon'), 'write 30m'), (dict(method='simclr'), 'choose one of densecl, depth_pixpro'),
    (dict(network='vit'), 'choose one of auto, r18'), (dict(fov=200.), 'between 1 and 179'),
    (dict(fps=0.), 'fps 0'), (dict(depth='stereo'), 'own, checkpoint:FILE, hf:NAME or disparity:DIR'),
    (dict(depth='checkpoint:none.pth'), 'none.pth: no such checkpoint'),
    (dict(depth='disparity:none'), 'none: no such folder')])
def test_what_makes_no_sense_is_refused(changes, words, tmp_path):
    with pytest.raises(InputError, match=words):
        Request.checked(**{'videos': [str(tmp_path)], **changes})


def test_depth_sources_are_read(tmp_path):
    assert read_depth_source('own') == ('own', '')
    assert read_depth_source('hf:depth-anything/Depth-Anything-V2-Small-hf').name == (
        'depth-anything/Depth-Anything-V2-Small-hf')
    assert read_depth_source(f'disparity:{tmp_path}') == ('disparity', str(tmp_path))


def label_folder(root, count=6, largest=2):
    for number in range(count):
        write_png(root / f'images/{number}.png', np.zeros((4, 6, 3), np.uint8))
        write_png(root / f'labels/{number}.png', np.array([[0, largest, 255, 11]] * 3, np.uint8))
    write_png(root / 'images/unlabelled.png', np.zeros((4, 6, 3), np.uint8))


def test_labels_are_split_and_counted(tmp_path):
    root, lists = tmp_path / 'labelled', tmp_path / 'out/lists'
    label_folder(root)
    labels, train, val = read_label_folder(root, lists, 11)
    assert (train, val, list(labels.classes)) == (4, 2, ['0', '1', '2'])
    assert labels.val.read_text().split() == ['2.png', '5.png'] and '0.png' in labels.train.read_text()
    masks = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(labels.labels.glob('*.png'))]
    assert len(masks) == 6 and all(np.unique(mask).tolist() == [0, 2, 255] for mask in masks)
    (root / 'classes.txt').write_text('road\ncar\nsky\n')
    (root / 'val.txt').write_text('3\n')
    labels, train, val = read_label_folder(root, lists, 11)
    assert (train, val, list(labels.classes)) == (5, 1, ['road', 'car', 'sky'])


@pytest.mark.parametrize(('spoil', 'words'), [
    (lambda root: shutil.rmtree(root / 'labels'), 'no such folder; --labels needs'),
    (lambda root: [path.unlink() for path in (root / 'labels').glob('[1-9].png')], '1 of the images'),
    (lambda root: (root / 'classes.txt').write_text('road\n'), 'names 1 classes.*--ignore-index 11'),
    (lambda root: (root / 'train.txt').write_text('unlabelled\n'), 'have no mask'),
    (lambda root: [(root / name).write_text('1\n') for name in ('train.txt', 'val.txt')], 'different images')])
def test_labels_that_cannot_be_used(spoil, words, tmp_path):
    label_folder(tmp_path)
    spoil(tmp_path)
    with pytest.raises(InputError, match=words):
        read_label_folder(tmp_path, tmp_path / 'lists')


def test_weights_to_start_from_choose_the_network(tmp_path):
    import torch
    from mmpretrain.models.backbones import ResNet

    state = ResNet(18, base_channels=32, stem_channels=32).state_dict()
    torch.save(state, tmp_path / 'bare.pth')
    torch.save({'state_dict': {f'backbone.{name}': value for name, value in state.items()}}, tmp_path / 'own.pth')
    for name, prefix in (('bare', ''), ('own', 'backbone.')):
        start, kind = read_start(str(tmp_path / f'{name}.pth'))
        assert start.prefix == prefix and (kind.depth, kind.base_channels) == (18, 32)
    assert network_of('auto', kind) == kind == network_of('r18_small', kind) and network_of('auto', None) is None
    with pytest.raises(InputError, match='leave out one'):
        network_of('r50', kind)
    torch.save({'x': state['conv1.weight']}, tmp_path / 'other.pth')
    with pytest.raises(InputError, match='no plain ResNet'):
        read_start(str(tmp_path / 'other.pth'))


def test_frames_that_are_not_used_are_not_linked(tmp_path):
    write_frames(tmp_path / 'frames')
    shots = read_shots(tmp_path / 'frames')
    write_lists(shots, tmp_path, 2, 3, 4)
    links = sorted((tmp_path / 'images').rglob('*.png'))
    assert len(links) == 7 and all(link.resolve().is_relative_to(tmp_path / 'frames') for link in links)
    with pytest.raises(InputError, match='longer videos'):
        write_lists(shots, tmp_path, 10, 1, 4)


def test_times_are_compared():
    text = compare_times(dict(depth=60.0, report=5.0), dict(depth=90.0))
    assert text.splitlines()[-1].split() == ['in', 'all', '65', 's', '2', 'min']


def test_public_names():
    assert mmdepthcp.pretrain is pretrain and 'pretrain' in dir(mmdepthcp)
    with pytest.raises(AttributeError, match='no attribute'):
        mmdepthcp.nothing  # noqa: B018


def test_the_tool_speaks_of_what_is_wrong(tmp_path, monkeypatch):
    import runpy

    tool = Path(mmdepthcp.__file__).parents[1] / 'tools/pretrain_videos.py'
    monkeypatch.setattr(sys, 'argv', ['pretrain_videos.py', 'nowhere.mp4', str(tmp_path / 'out')])
    with pytest.raises(SystemExit, match=r'error: .*no such video'):
        runpy.run_path(str(tool), run_name='__main__')
    assert not (tmp_path / 'out').exists()
