"""From what configs declare to stages, and their words to tools."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_stages import stages_of

from mmdepthcp.cli.tools import checked_work_dir
from mmdepthcp.config.loading import STAGE_KEYS
from mmdepthcp.experiments.building import config_digest, read_stages
from mmdepthcp.experiments.engine import run_stages
from mmdepthcp.experiments.records import state_of
from mmdepthcp.utils.errors import InputError


def test_placeholders(work):
    item, = stages_of(work, dict(name='a', tool='tools/write.py', args=['{work_dir}/x', '{config}', 'seed={seed}', 7]))
    assert item.command == ('tools/write.py', f'{work}/x', 'config.py', 'seed=3', '7')


def test_values_of_a_config(work, root):
    (root / 'depth.py').write_text('train_cfg = dict(max_epochs=3)\nlr = 1\n')
    declared = [
        dict(name='depth', config='{network}', options=['lr={rate}', 'root={images}']),
        dict(name='use', tool='tools/write.py', args=['{depth}', '{camera}', '{images}/x'], outputs=['{images}/y']),
    ]
    values = dict(network='depth.py', rate=2, images='my {images}', camera=['--size', 3, '{images}'])
    depth, use = read_stages(dict(pipeline=declared, stage_values=values), 'c.py', str(work))
    assert depth.command == (
        'tools/train.py', 'depth.py', '--work-dir', f'{work}/depth', '--cfg-options', 'lr=2', 'root=my {images}')
    assert depth.outputs == (f'{work}/depth/epoch_3.pth',) and depth.data == (('root=my {images}', '"my {images}"'),)
    assert use.command[1:] == (*depth.outputs, '--size', '3', 'my {images}', 'my {images}/x')
    assert use.outputs == ('my {images}/y',)


STRANGE = ['my runs/a', 'run,lr=0.1', '2011_09_26', '[1,2]', '(a', '{b}', "it's \"c\"", 'a\nb', '-d', 'None', '1e3']


@pytest.mark.parametrize('name', STRANGE)
def test_paths_reach_a_tool_as_they_are(root, monkeypatch, name):
    """The tool reads its settings as the tools of the package do."""
    (root / 'tools/settings.py').write_text(
        'import argparse, json, pathlib\n'
        'from mmdepthcp.config.overrides import add_cfg_options, parse_options\n'
        'parser = argparse.ArgumentParser()\n'
        'parser.add_argument("--out")\n'
        'add_cfg_options(parser)\n'
        'args = parser.parse_args()\n'
        'pathlib.Path(args.out).parent.mkdir(parents=True, exist_ok=True)\n'
        'pathlib.Path(args.out).write_text(json.dumps(parse_options(args.cfg_options)))\n')
    work = checked_work_dir(name)
    declared = dict(
        name='a', tool='tools/settings.py', outputs=['{work_dir}/out.json'],
        args=['--cfg-options', 'x.path={work_dir}/p', 'lr=1e-3', 'many=[{work_dir},b]', 'seed={seed}', '--out',
              '{work_dir}/out.json', '--cfg-options', 'c={config}'])
    run_stages(work, stages_of(work, declared))
    assert json.loads((root / work / 'out.json').read_text()) == {
        'x.path': f'{work}/p', 'lr': 1e-3, 'many': [work, 'b'], 'seed': 3, 'c': 'config.py'}
    assert state_of(work, stages_of(work, declared)[0]) == 'finished'


def test_a_tool_from_elsewhere_gets_its_options_as_words(root, work):
    (root / 'own.py').write_text('import pathlib, sys\npathlib.Path(sys.argv[1]).write_text(sys.argv[3])\n')
    work.mkdir()
    run_stages(work, stages_of(work, dict(
        name='a', tool='own.py', args=['{work_dir}/a', '--cfg-options', 'x={work_dir}'], outputs=['{work_dir}/a'])))
    assert (work / 'a').read_text() == f'x={work}'


@pytest.mark.parametrize(('declared', 'message'), [
    ([], 'declares no stages'),
    ([dict(name='a')], 'stage 1 of the pipeline: needs a name, and a tool with args'),
    ([dict(name='a', tool='tools/write.py', config='c.py')], 'stage 1 of the pipeline: needs a name, and a tool'),
    ([dict(name='a', tool='tools/write.py', arg=[])], 'not arg'),
    ([dict(name='a', tool='tools/none.py')], 'tools/none.py: no such tool'),
    ([dict(name='a', tool='tools/write.py', args=['{workdir}'])], 'only work_dir, config, seed may stand in braces'),
    ([dict(name='a', tool='tools/write.py', needs=['z'])], 'needs z, which is no earlier stage'),
    ([dict(name='a', tool='tools/write.py')] * 2, "stage 2 of the pipeline: the name 'a' is taken"),
])
def test_bad_declarations(work, declared, message):
    with pytest.raises(InputError, match=message):
        read_stages(dict(pipeline=declared), 'config.py', str(work))


def test_command_line(tmp_path):
    config = tmp_path / 'c.py'
    config.write_text("randomness = dict(seed=5)\n"
                      "pipeline = [dict(name='a', tool='tools/run_pipeline.py', args=['--help', '{seed}'])]\n")
    tool = Path(__file__).parents[2] / 'tools/run_pipeline.py'
    command = [sys.executable, str(tool), str(config), '--work-dir', str(tmp_path / 'w')]

    def run(*more):
        return subprocess.run([*command, *more], capture_output=True, text=True)

    assert 'waiting' in run('--list').stdout
    assert '[1/1] a: done' in run().stdout
    listed = run('--list').stdout
    assert 'finished' in listed and '--help 5' in listed
    assert '--help 6' in run('--list', '--cfg-options', 'randomness.seed=6').stdout
    absent = subprocess.run([sys.executable, str(tool), str(tmp_path / 'd.py')], capture_output=True, text=True)
    assert absent.returncode == 1 and absent.stderr.endswith('d.py: no such config file\n')
    assert 'Traceback' not in absent.stderr


def test_what_is_said_of_stages_changes_no_training(tmp_path):
    """So that to change a stage renews what builds on it and nothing else."""
    from mmengine.config import Config

    shared = Config.fromfile(str(Path(__file__).parents[2] / 'configs/_base_/stages.py'))
    assert set(shared) <= set(STAGE_KEYS)
    digests = set()
    for number in range(2):
        (tmp_path / f'{number}.py').write_text('model = dict(a=1)\n' + ''.join(
            f'{key} = [{number}]\n' for key in STAGE_KEYS))
        digests.add(config_digest(tmp_path / f'{number}.py'))
    (tmp_path / 'other.py').write_text('model = dict(a=2)\n')
    assert len(digests) == 1 and config_digest(tmp_path / 'other.py') not in digests
