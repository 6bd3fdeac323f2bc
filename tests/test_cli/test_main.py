"""The console command: all tools by their names, from anywhere; exit codes; quiet ways."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mmdepthcp
from mmdepthcp.cli import main as command_line
from mmdepthcp.cli.main import commands, described, main

ROOT = Path(__file__).parents[2]
TOOLS = [path for folder in ('tools', 'tools/dataset_converters') for path in (ROOT / folder).glob('*.py')]


def start(*words, **kwargs):
    kwargs.setdefault('env', {**os.environ, 'PYTHONPATH': f'{ROOT}{os.pathsep}{os.environ.get("PYTHONPATH", "")}'})
    return subprocess.Popen([sys.executable, '-m', 'mmdepthcp.cli.main', *map(str, words)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)


def finish(*words, **kwargs):
    with start(*words, **kwargs) as process:
        out, err = process.communicate()
    return process.returncode, out, err


def test_every_tool_is_a_command_with_a_description(capsys):
    found = commands()
    assert set(TOOLS) <= set(found.values()) and {'run', 'train', 'infer-depth', 'toy-streets', 'doctor'} <= set(found)
    assert main(['--help']) == main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, path in found.items():
        words = described(path)
        assert 10 < len(words) < 120 and '``' not in words, path
        assert [line.split(None, 1)[1] for line in lines if line.startswith(f'  {name} ')] == [words] * 2
    assert main(['--version']) == 0 and capsys.readouterr().out == f'{mmdepthcp.__version__}\n'


@pytest.mark.parametrize(('name', 'file'), [
    ('run', 'run_pipeline'), ('run-pipeline', 'run_pipeline'), ('infer_depth', 'infer_depth'),
    ('infer-depth', 'infer_depth'), ('depth-maps', 'dataset_converters/depth_maps')])
def test_names_of_commands(tmp_path, monkeypatch, capsys, name, file):
    tool = tmp_path / 'tools' / f'{file}.py'
    tool.parent.mkdir(parents=True)
    tool.write_text('import sys\nif __name__ == "__main__":\n    sys.exit(print(sys.argv, __file__) or 7)')
    monkeypatch.setattr(command_line, 'ROOT', tmp_path)
    monkeypatch.setattr(sys, 'argv', [])
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, '__main__', sys.modules['__main__'])
        with pytest.raises(SystemExit) as ended:
            main([name, 'a', '--b'])
    assert ended.value.code == 7
    assert capsys.readouterr().out == f"['mmdepthcp {name}', 'a', '--b'] {tool}\n"


def test_an_unknown_command(capsys):
    assert main(['trian']) == 2
    assert 'there is no command trian; near it: train' in capsys.readouterr().err


RENDER = ('toy-streets', 'toy', '--train', 40, '--val', 0, '--workers', 0, '--size', 64, 32)


def test_exit_codes(tmp_path):
    code, out, _ = finish('train', '--help', cwd=tmp_path)
    assert code == 0 and out.startswith('usage: mmdepthcp train [-h]') and 'Train a model' in out
    code, out, err = finish('run', 'configs/no_such.py', cwd=tmp_path)
    assert (code, out) == (1, '') and err.startswith('error: configs/no_such.py: no such config file')
    code, _, err = finish('train', '--no-such-option', cwd=tmp_path)
    assert code == 2 and 'mmdepthcp train: error' in err
    with start(*RENDER, cwd=tmp_path, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler)
               ) as process:
        while not any(tmp_path.rglob('*.png')) and process.poll() is None:
            time.sleep(.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130 and 'interrupted; the same command goes on' in err


def test_configs_that_come_with_the_package_are_found_from_anywhere(tmp_path):
    code, out, err = finish('run', 'configs/depthcp_toy.py', '--list', cwd=tmp_path)
    assert code == 0, err
    assert out.startswith('toy_streets ') and 'waiting' in out


@pytest.mark.parametrize('quiet', [False, True])
def test_what_is_said_where_no_terminal_listens(tmp_path, quiet):
    words = [*RENDER[:3], 2, *RENDER[4:], *(['--quiet'] if quiet else [])]
    code, out, err = finish(*words, cwd=tmp_path)
    assert code == 0 and err == ''
    assert len(list(tmp_path.rglob('*_leftImg8bit.png'))) > 2
    if quiet:
        assert out == ''
    else:
        assert '\r' not in out and '[>' not in out and '\n\n' not in out
        assert 'task/s, elapsed: ' in out and 'ETA: ' in out
