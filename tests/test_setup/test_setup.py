"""What an installation pulls in, the kept mmcv wheel, and the commands of the README."""

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import setuptools

from mmdepthcp.toy import ToySettings, write_toy_streets

ROOT = Path(__file__).parents[2]
VERSION = r"__version__ = '(.+)'"
FAMILY = re.compile(r'^(onedl-)?(mm\w+|torch\w*)')


@pytest.fixture(scope='module')
def arguments():
    taken = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setuptools, 'setup', lambda **kwargs: taken.update(kwargs))
        runpy.run_path(str(ROOT / 'setup.py'))
    return taken


def test_plain_installation_keeps_the_environment(arguments):
    assert not [name for name in arguments['install_requires'] if FAMILY.match(name)]
    assert not [name for name in arguments['install_requires'] if re.search('[<=]=|<', name.replace('>=', ''))]
    assert arguments['python_requires'] == '>=3.10'


def test_extras_name_one_family_each(arguments):
    extras = arguments['extras_require']
    onedl = {name.split('==')[0] for name in extras['onedl'] if FAMILY.match(name)}
    openmmlab = {name.split('==')[0] for name in extras['openmmlab'] if FAMILY.match(name)}
    assert onedl == {'torch', 'torchvision', 'onedl-mmengine', 'onedl-mmcv', 'onedl-mmsegmentation', 'onedl-mmpretrain'}
    assert openmmlab == {'torch', 'torchvision', 'mmengine', 'mmcv', 'mmsegmentation', 'mmpretrain'}
    assert set(extras['openmmlab-base']) < set(extras['openmmlab'])
    assert not [name for names in extras.values() for name in names if FAMILY.match(name) and '==' not in name]


@pytest.mark.parametrize('family', ['onedl', 'openmmlab'])
def test_make_builds_the_mmcv_of_the_family(arguments, family):
    result = subprocess.run(['make', '-n', 'test', f'FAMILY={family}', 'VENV=.venv-of-no-one'], capture_output=True,
                            text=True, cwd=ROOT)
    built = re.findall(r'install_mmcv_ops.sh \S+ (\S+)', result.stdout)
    assert built == [name for name in arguments['extras_require'][family] if 'mmcv==' in name]


@pytest.mark.parametrize(('extra', 'requirement'), [('onedl', 'onedl-mmcv==2.3.6'), ('openmmlab-base', 'mmcv==2.1.0')])
def test_what_a_build_without_isolation_needs_is_bounded_from_below(arguments, extra, requirement, install_ops):
    needed = {name for name in arguments['extras_require'][extra] if re.match(r'(setuptools|wheel|ninja)\b', name)}
    assert len(needed) == 3 and all('>=' in name for name in needed)
    installed = next(line for line in install_ops(requirement).splitlines() if 'ninja' in line)
    assert needed == set(installed.split()) - set('-m pip --disable-pip-version-check install'.split())


def succeed(*command, **kwargs):
    result = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, **kwargs)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    """The wheel that the source distribution makes, installed in a folder of its own."""
    folder = tmp_path_factory.mktemp('wheel')
    succeed('setup.py', '-q', 'egg_info', '--egg-base', folder, 'sdist', '--dist-dir', folder, cwd=ROOT)
    succeed('-m', 'pip', 'wheel', '-q', '--no-build-isolation', '--no-deps', '--no-index', '-w', folder,
            next(folder.glob('*.tar.gz')))
    succeed('-m', 'pip', 'install', '-q', '--no-deps', '--no-index', '--no-compile', '--target', folder / 'site',
            next(folder.glob('*.whl')))
    return folder / 'site'


@pytest.fixture
def command(installed, tmp_path):
    """Calls the console command in a folder that is no clone."""
    def call(*words):
        result = subprocess.run(
            [sys.executable, installed / 'bin/mmdepthcp', *map(str, words)], cwd=tmp_path, capture_output=True,
            text=True, env={**os.environ, 'PYTHONPATH': str(installed), 'OMP_NUM_THREADS': '1'})
        assert result.returncode == 0, result.stderr
        return result.stdout
    return call


def test_wheel_of_the_sources_ships_configs_and_tools(installed):
    shipped = installed / 'mmdepthcp/.mim'
    for folder in ('configs', 'tools'):
        there = {path.relative_to(ROOT) for path in (ROOT / folder).rglob('*')
                 if path.is_file() and '__pycache__' not in path.parts}
        assert there == {path.relative_to(shipped) for path in (shipped / folder).rglob('*') if path.is_file()}
    metafiles = (shipped / 'model-index.yml').read_text().split()[2::2]
    assert metafiles and all((shipped / name).is_file() for name in metafiles)
    assert (installed / 'mmdepthcp/experiments/templates/report.html').is_file()


def test_the_command_works_outside_a_clone(installed, command):
    assert command('--help').endswith(f'configs and tools: {installed}/mmdepthcp/.mim\n')
    assert command('train', '--help').startswith('usage: mmdepthcp train')
    assert command('doctor', '--help').startswith('usage: mmdepthcp doctor')
    assert 'waiting      tools/train.py configs/monodepth/monodepth_toy.py' in command(
        'run', 'configs/depthcp_toy.py', '--list')


def test_a_few_steps_of_a_training_outside_a_clone(command, tmp_path):
    write_toy_streets(tmp_path / 'data/toy', {'train': 2, 'val': 1}, ToySettings(4, 1, 64, 64))
    loaders = [f'{part}_dataloader.num_workers=0' for part in ('train', 'val')]
    said = command('train', 'configs/monodepth/monodepth_toy.py', '--cfg-options', 'train_cfg.max_epochs=1',
                   'train_dataloader.batch_size=2', 'default_hooks.logger.interval=1', *loaders)
    assert said.count('Epoch(train) [1][') == 2 and 'loss: ' in said and 'eta: ' in said
    assert '\x1b' not in said and '\r' not in said  # neither colours nor bars where no terminal is
    assert (tmp_path / 'work_dirs/monodepth_toy/epoch_1.pth').is_file()


def test_citation_is_that_of_this_version():
    cited = (ROOT / 'CITATION.cff').read_text()
    assert f'version: {re.search(VERSION, (ROOT / "mmdepthcp/__init__.py").read_text()).group(1)}' in cited
    folders = (ROOT / name for name in ('benchmarks', 'configs', 'docs', 'mmdepthcp', 'tests', 'tools'))
    texts = [path for path in (*ROOT.glob('*.*'), *(file for folder in folders for file in folder.rglob('*')))
             if path.suffix in {'.cff', '.csv', '.md', '.py', '.sh', '.toml', '.yml'}]
    assert {'README.md', 'CITATION.cff', 'copy_paste.md', 'metafile.yml', 'test_setup.py'} <= {
        path.name for path in texts}
    assert not [path for path in texts if 'Leu' + 'ng' in path.read_text()]


def test_every_package_is_shipped(arguments):
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / 'mmdepthcp').rglob('*.py')}
    assert {str(folder).replace('/', '.') for folder in folders} == set(arguments['packages'])


FAKE_PYTHON = '''#!/usr/bin/env bash
echo "$*" >> "$CALLS"
case "$*" in
    *"import mmcv.ops"*) test -e "$HOME/installed" ;;
    "-") echo py311-torch0-cpu-x ;;
    *" wheel "*"-w "*)
        while [ "$1" != -w ]; do shift; done
        case "$*" in
            *onedl-mmcv==*) touch "$2/onedl_mmcv-2.3.6-cp311.whl" ;;
            *) touch "$2/mmcv-2.1.0-cp311.whl" ;;
        esac ;;
    *" install "*".whl") touch "$HOME/installed" ;;
esac
'''


@pytest.fixture
def install_ops(tmp_path):
    python = tmp_path / 'python'
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    calls = tmp_path / 'calls'

    def run(*requirement):
        calls.write_text('')
        environment = {**os.environ, 'HOME': str(tmp_path), 'CALLS': str(calls)}
        environment.pop('XDG_CACHE_HOME', None)
        result = subprocess.run([str(ROOT / 'tools/install_mmcv_ops.sh'), str(python), *requirement], env=environment,
                                capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return calls.read_text()
    return run


@pytest.mark.skipif(shutil.which('g++') is None, reason='no C++ compiler')
def test_mmcv_is_compiled_once_and_its_wheel_kept(install_ops, tmp_path):
    assert ' wheel --no-build-isolation' in install_ops()
    kept = tmp_path / '.cache/mmdepthcp/wheels/py311-torch0-cpu-x'
    assert [path.name for path in kept.iterdir()] == ['onedl_mmcv-2.3.6-cp311.whl']
    assert 'pip' not in install_ops()
    (tmp_path / 'installed').unlink()
    calls = install_ops()
    assert f'install --force-reinstall --no-deps {kept}/onedl_mmcv-2.3.6-cp311.whl' in calls
    assert ' wheel ' not in calls
    (tmp_path / 'installed').unlink()
    calls = install_ops('mmcv==2.1.0')
    assert 'pip' in calls and calls.count(' wheel --no-build-isolation') == 1 and 'setuptools>=64,<70' in calls
    assert f'install --force-reinstall --no-deps {kept}/mmcv-2.1.0-cp311.whl' in calls


@pytest.mark.parametrize(('recipe', 'code', 'closing'), [
    ("echo '======= 3 passed, 1 skipped in 1.23s ======='", 0, '======= 3 passed, 1 skipped in 1.23s ======='),
    ("echo '======= 1 failed, 2 passed in 60.0s (0:01:00) ======='; exit 1", 2,
     '======= 1 failed, 2 passed in 60.0s (0:01:00) ======='),
    ('exit 1', 2, 'make test ended before pytest had run'),
])
def test_ci_ends_with_the_closing_line(tmp_path, recipe, code, closing):
    (tmp_path / '.ci').mkdir()
    shutil.copy(ROOT / '.ci/run', tmp_path / '.ci/run')
    (tmp_path / 'Makefile').write_text(f'install docs install-ops install-tests:\n\t@true\ntest:\n\t@{recipe}\n')
    result = subprocess.run([str(tmp_path / '.ci/run')], capture_output=True, text=True, cwd='/')
    assert result.returncode == code
    assert result.stdout.splitlines()[-1] == closing
    parts = re.findall(r'^(.*\w) +\d+ s$', result.stdout, re.MULTILINE)
    assert parts == ['packages', 'docs', 'ops of mmcv', 'test packages', 'tests']


def test_ci_starts_cold(tmp_path):
    (tmp_path / '.ci').mkdir()
    shutil.copy(ROOT / '.ci/run', tmp_path / '.ci/run')
    (tmp_path / 'kept').touch()
    (tmp_path / 'Makefile').write_text(
        'install:\n\t@ls -A "$$XDG_CACHE_HOME" | wc -l; touch "$$XDG_CACHE_HOME/downloaded"; exit 1\n'
        'docs install-ops install-tests test:\n\t@echo not reached\n')
    outside_make = {name: value for name, value in os.environ.items() if 'MAKE' not in name and name != 'MFLAGS'}
    result = subprocess.run([str(tmp_path / '.ci/run')], capture_output=True, text=True,
                            env={**outside_make, 'XDG_CACHE_HOME': str(tmp_path), 'PIP_CACHE_DIR': str(tmp_path)})
    assert result.returncode != 0 and 'not reached' not in result.stdout
    assert result.stdout.splitlines()[0] == '0' and not (tmp_path / 'downloaded').exists()


@pytest.mark.parametrize('target', ['demo', 'test', 'test-openmmlab', 'lint', 'docs', 'notebooks', 'clean'])
def test_make_targets_have_recipes(target):
    result = subprocess.run(['make', '-n', target, 'VENV=.venv-of-no-one'], capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0 and result.stdout, result.stderr
