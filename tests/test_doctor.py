"""The doctor and the messages about missing packages, in this environment and in spoiled ones."""

import subprocess
import sys
from pathlib import Path

import pytest

from mmdepthcp import doctor
from mmdepthcp.doctor import Check, Finding
from mmdepthcp.utils.requirements import installed_version, remedy_for, require

ROOT = Path(__file__).parents[1]


def run(code, *options, cwd=None):
    prefix = f'import sys; sys.path.insert(0, {str(ROOT)!r})\n'
    return subprocess.run([sys.executable, *options, '-c', prefix + code], capture_output=True, text=True, cwd=cwd)


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
