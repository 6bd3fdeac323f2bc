"""The doctor and the messages about missing packages, in this environment and in spoiled ones."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from mmdepthcp import doctor
from mmdepthcp.doctor import Check, Finding
from mmdepthcp.utils.machine import GIB, Gpu
from mmdepthcp.utils.requirements import installed_version, remedy_for, require

ROOT = Path(__file__).parents[1]


def run(code, *options, cwd=None):
    prefix = f'import sys; sys.path.insert(0, {str(ROOT)!r})\n'
    return subprocess.run([sys.executable, *options, '-c', prefix + code], capture_output=True, text=True, cwd=cwd)


@pytest.fixture(autouse=True)
def logs_go_on(monkeypatch):
    """The doctor's process ends with it; here others follow, and MMEngine's loggers stay as they were disabled."""
    monkeypatch.setattr(logging, 'disable', lambda level: None)


def test_bare_environment_is_told_what_to_install():
    result = run('from mmdepthcp import doctor; sys.exit(doctor.main([]))', '-I', '-S')
    assert result.returncode == 1, result.stderr
    assert 'The main job cannot run here.' in result.stdout
    assert "pip install -e '.[onedl]'" in result.stdout and "pip install -e '.[openmmlab]'" in result.stdout
    assert 'NO  mmsegmentation models       not installed' in result.stdout


def test_registry_without_mmengine_says_so():
    result = run('import mmdepthcp.registry', '-I', '-S')
    assert result.returncode == 1
    assert 'mmdepthcp needs mmengine: mmengine is not installed' in result.stderr
    assert "pip install -e '.[onedl]'" in result.stderr


def test_this_environment(capsys):
    findings = [doctor.examine(check) for check in doctor.CHECKS if check.module in ('torch', 'numba', 'numpy')]
    assert all(finding.good for finding in findings if finding.needed)
    text = doctor.report(findings)
    assert 'The main job runs here.' in text and installed_version('mmengine') in text


def test_unfit_package_is_named_with_its_complaint(tmp_path, monkeypatch):
    package = tmp_path / 'unfit_package'
    package.mkdir()
    (package / '__init__.py').write_text("raise AssertionError('mmcv==9.9 is used but incompatible')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError, match=r'mmcv==9\.9 is used but incompatible'):
        require('unfit_package')
    finding = doctor.examine(Check('unfit', 'unfit_package'))
    assert not finding.good and 'AssertionError: mmcv==9.9' in finding.detail


@pytest.mark.parametrize(('module', 'error', 'remedy'), [
    ('cv2', ImportError('libGL.so.1: cannot open shared object file'), 'apt-get install libgl1'),
    ('mmseg.models', ModuleNotFoundError("No module named 'ftfy'", name='ftfy'), 'pip install ftfy'),
    ('mmcv.ops', ModuleNotFoundError("No module named 'mmcv._ext'", name='mmcv._ext'), 'make test'),
    ('mmseg', ModuleNotFoundError("No module named 'mmseg'", name='mmseg'), "'.[openmmlab]'"),
    ('mmpretrain.models', TypeError('NoneType takes no arguments'), "pip install 'transformers<5'"),
    ('mmpretrain.models', ImportError("cannot import name 'GenerationMixin' from 'transformers.modeling_utils'"),
     "pip install 'transformers<4.51'"),
    ('sklearn', ModuleNotFoundError("No module named 'sklearn'", name='sklearn'), 'pip install scikit-learn'),
])
def test_remedies(module, error, remedy):
    assert remedy in remedy_for(module, error)


def test_only_what_the_main_job_needs_counts(monkeypatch, capsys):
    monkeypatch.setattr(doctor, 'CHECKS', (Check('extra', 'no_such_module', needed=False, remedy='get it'),))
    assert doctor.main([]) == 0
    assert 'extra (optional):\n    get it' in capsys.readouterr().out
    monkeypatch.setattr(doctor, 'CHECKS', (Check('core', 'no_such_module'),))
    assert doctor.main([]) == 1
    assert 'core:\n    pip install no_such_module' in capsys.readouterr().out


@pytest.fixture
def machine(monkeypatch):
    """A machine with room for everything."""
    facts = dict(space={'.': 100, '/dev/shm': 8}, memory=(32, 16), cores=8, gpus=0)
    monkeypatch.setattr(doctor, 'free_space', lambda folder: int(facts['space'][folder] * GIB))
    monkeypatch.setattr(doctor, 'memory', lambda: tuple(GIB * part for part in facts['memory']))
    monkeypatch.setattr(doctor, 'usable_cores', lambda: facts['cores'])
    monkeypatch.setattr(doctor, 'gpus', lambda: [Gpu('A100', 80 * GIB, 79 * GIB)] * facts['gpus'])
    return facts


@pytest.mark.parametrize(('scarce', 'name', 'detail', 'remedy'), [
    ({}, None, '', ''),
    (dict(space={'.': 2, '/dev/shm': 8}), 'disk', '2.0 GiB free here', 'make room'),
    (dict(memory=(32, 1)), 'memory', '1.0 of 32.0 GiB free', 'num_workers'),
    (dict(space={'.': 100, '/dev/shm': .0625}), 'shared memory', '0.06 GiB free in /dev/shm', '--shm-size'),
])
def test_scarce_things_are_named_and_no_reason_to_fail(machine, capsys, monkeypatch, scarce, name, detail, remedy):
    machine.update(scarce)
    bad = [finding for finding in doctor.check_machine() if not finding.good]
    assert [finding.name for finding in bad] == ([name] if name else [])
    monkeypatch.setattr(doctor, 'CHECKS', ())
    assert doctor.main([]) == 0
    printed = capsys.readouterr().out
    assert (f'no  {name:<28}{detail}' in printed and f'{name} (optional)' in printed and remedy in printed
            if name else 'What to do' not in printed)


@pytest.mark.parametrize(('cores', 'gpus', 'workers', 'good', 'fit'), [
    (8, 0, 7, True, 7), (8, 0, 8, False, 7), (8, 1, 7, True, 7), (16, 4, 3, True, 3), (16, 4, 8, False, 3),
    (1, 0, 1, True, 0), (1, 0, 2, False, 0)])
def test_workers_fit_the_cores(machine, tmp_path, cores, gpus, workers, good, fit):
    machine.update(cores=cores, gpus=gpus)
    (tmp_path / 'config.py').write_text(f'train_dataloader = dict(num_workers={workers})')
    finding = doctor.check_workers(str(tmp_path / 'config.py'))
    assert finding.good == good and f'{cores} cores, {max(1, gpus)} process' in finding.detail
    assert f'num_workers={max(1, fit)};' in finding.remedy
    assert f'num_workers up to {fit} fits' in doctor.check_workers().detail
    unreadable = doctor.check_workers('none.py')
    assert not unreadable.good and not unreadable.needed and 'no such config file' in unreadable.remedy


SMI = ('| NVIDIA-SMI 535.104.05   Driver Version: 535.104.05   CUDA Version: 12.2     |\n'
       '| N/A   42C    P0    70W / 700W |')


@pytest.mark.parametrize(('said', 'built', 'reason'), [
    (None, '12.4', 'there is no NVIDIA driver'),
    (SMI, '13.0', 'the driver 535.104.05 runs CUDA up to 12.2, torch is built for 13.0'),
    (SMI, None, 'torch is built without CUDA; the driver 535.104.05 runs it up to 12.2'),
])
def test_why_torch_finds_no_gpu(machine, monkeypatch, tmp_path, said, built, reason):
    torch = pytest.importorskip('torch')
    monkeypatch.setattr(torch.version, 'cuda', built)
    monkeypatch.setenv('PATH', str(tmp_path))
    if said:
        (tmp_path / 'nvidia-smi').write_text(f'#!{sys.executable}\nprint({said!r})')
        (tmp_path / 'nvidia-smi').chmod(0o755)
    finding = doctor.examine(Check('GPU', 'torch', needed=False, action=doctor._gpus))
    assert not finding.good and finding.detail.endswith(f'everything runs on the CPU: {reason}')
    machine['gpus'] = 2
    finding = doctor.examine(Check('GPU', 'torch', needed=False, action=doctor._gpus))
    assert finding.good and finding.detail == (
        f'A100, 80 GiB, 79 free; A100, 80 GiB, 79 free; CUDA {built}, driver {"535.104.05" if said else "unknown"}')


def test_nobody_reads_the_report():
    code = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from mmdepthcp import doctor
doctor.CHECKS = ()
sys.stdin.read()
sys.exit(doctor.main([]))
"""
    with subprocess.Popen([sys.executable, '-c', code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == b'' and process.wait() == 141


def test_old_python():
    assert doctor.check_python((3, 9, 1)) == Finding('Python', False, True, '3.9.1', 'use Python 3.10 or newer')
    assert doctor.check_python((3, 10, 0)).good
