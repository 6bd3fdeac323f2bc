"""Settings that are overridden: what words stand for, and what is handed over as data."""

import argparse
import json
import os

import pytest
from mmengine.config import DictAction

from mmdepthcp.cli.tools import checked_work_dir
from mmdepthcp.config.loading import load_config
from mmdepthcp.config.overrides import add_cfg_options, parse_options, parse_value
from mmdepthcp.utils.errors import InputError


@pytest.mark.parametrize('text', [
    '1', '-1', '1.5', '1e-3', 'true', 'False', 'None', 'a', '', '[1,2]', '(1,2)', '1,2', '[a, b]', '[(1,2),[a,b],c]',
    '[]', '()', '(1)', 'a,', '"[1,2]"', "'x'", '[None,1]', '[[1,2],[3]]', 'runs/a.pth'])
def test_values_are_read_as_mmengine_reads_them(text):
    assert parse_value(text) == DictAction._parse_iterable(text)


@pytest.mark.parametrize(('text', 'value'), [
    ('2011_09_26', '2011_09_26'), ('my runs/a', 'my runs/a'), ('"a,b"', 'a,b'), ('["a,b",c]', ['a,b', 'c']),
    ('/x/(a,b', '/x/(a,b'), ('[x', '[x'), ("it's, that's", ["it's", "that's"])])
def test_names_that_mmengine_changes_or_refuses(text, value):
    assert parse_value(text) == value


def test_where_the_config_has_a_text_the_option_is_one():
    config = dict(data=dict(img_path='images', size=3), hooks=[dict(type='A')], work_dir='w', seeds=[1])
    assert parse_options([
        'data.img_path=2011', 'data.size=4', 'hooks.0.type=5', 'work_dir=my runs,lr=0.1', 'seeds=1,2', 'new=6',
    ], config) == {'data.img_path': '2011', 'data.size': 4, 'hooks.0.type': '5', 'work_dir': 'my runs,lr=0.1',
                   'seeds': [1, 2], 'new': 6}
    assert parse_options(['work_dir=None', 'data.img_path=[a,b]'], config) == {
        'work_dir': None, 'data.img_path': ['a', 'b']}
    for wrong in ('work_dir', '=1'):
        with pytest.raises(InputError, match='an option is written KEY=VALUE'):
            parse_options([wrong])


def test_options_of_a_file_are_taken_as_they_are(tmp_path):
    (tmp_path / 'c.py').write_text("a = dict(path='x')\nlist = [1]\n")
    (tmp_path / 'o.json').write_text(json.dumps({'a.path': '[1,2]', 'list': ['3,4'], 'a.new': 'None'}))
    parser = argparse.ArgumentParser()
    add_cfg_options(parser)
    args = parser.parse_args(
        ['--cfg-options', 'b=1', '--cfg-options-file', str(tmp_path / 'o.json'), '--cfg-options', 'c=2', 'd=3'])
    config = load_config(tmp_path / 'c.py', args.cfg_options)
    assert config.to_dict() == dict(a=dict(path='[1,2]', new='None'), list=['3,4'], b=1, c=2, d=3)
    assert parser.parse_args([]).cfg_options == []


@pytest.mark.parametrize('content', [None, '[1]', '{'])
def test_bad_files_of_options(tmp_path, capsys, content):
    file = tmp_path / 'o.json'
    if content is not None:
        file.write_text(content)
    parser = argparse.ArgumentParser()
    add_cfg_options(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(['--cfg-options-file', str(file)])
    assert f'--cfg-options-file {file}' in capsys.readouterr().err


def test_work_dirs_that_cannot_be_used():
    assert checked_work_dir('my runs/a') == 'my runs/a'
    assert checked_work_dir('-x') == os.path.abspath('-x')
    with pytest.raises(InputError, match=r"--work-dir 'r\\udce4': the name is not UTF-8"):
        checked_work_dir(b'r\xe4'.decode(errors='surrogateescape'))
