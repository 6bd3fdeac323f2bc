"""Configs that have moved."""

import pytest

from mmdepthcp.config.loading import load_config
from mmdepthcp.experiments.building import read_stages
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.resources import ROOT


@pytest.fixture
def told(monkeypatch) -> list[str]:
    """What is said to the user."""
    said: list[str] = []
    monkeypatch.setattr('mmdepthcp.config.loading.notice', said.append)
    return said


@pytest.mark.parametrize('anywhere', [False, True])
@pytest.mark.parametrize(('old', 'new'), [
    ('configs/monodepth_toy.py', 'configs/monodepth/monodepth_toy.py'),
    ('configs/swav_toy.py', 'configs/swav/swav_toy.py'),
    ('configs/densecl_camvid_small.py', 'configs/densecl/densecl_camvid_small.py')])
def test_an_old_path_stands_for_the_new_one(old, new, anywhere, told, tmp_path, monkeypatch):
    if anywhere:
        monkeypatch.chdir(tmp_path)
    found = load_config(old)
    assert told == [f'{old}: this config has moved to {new}; old names go with version 0.3']
    assert found.to_dict() == load_config(new).to_dict() and len(told) == 1


def test_an_old_base_stands_for_the_new_one(told, tmp_path):
    for name, base in (('old', 'monodepth_toy.py'), ('new', 'monodepth/monodepth_toy.py')):
        file = tmp_path / f'{name}.py'
        file.write_text(f'_base_ = {str(ROOT / "configs" / base)!r}\nwork_dir = "mine"\n')
    old, new = load_config(tmp_path / 'old.py'), load_config(tmp_path / 'new.py')
    assert old.to_dict() == new.to_dict() and old.work_dir == 'mine'
    (said,) = told
    assert said.startswith(f'{tmp_path / "old.py"}: _base_ ') and '\n' not in said
    assert said.endswith('has moved to configs/monodepth/monodepth_toy.py; old names go with version 0.3')


def test_a_config_of_ones_own_beside_the_old_ones(told, tmp_path):
    """Whose base is relative, in a copy of the folder, where a copy of its own has moved too."""
    folder = tmp_path / 'configs'
    (folder / 'swav').mkdir(parents=True)
    (folder / 'swav/swav_toy.py').write_text('model = dict(type="mine")\n')
    (folder / 'own.py').write_text('_base_ = ["swav_toy.py"]\n')
    assert load_config(folder / 'own.py').model.type == 'mine'
    assert told[0].endswith(f'has moved to {folder / "swav/swav_toy.py"}; old names go with version 0.3')


def test_an_old_path_in_a_stage_is_the_same_stage(told, tmp_path):
    stages = []
    for path in ('configs/swav_toy.py', 'configs/swav/swav_toy.py'):
        file = tmp_path / 'stages.py'
        file.write_text(f'pipeline = [dict(name="depth", config={path!r})]\n')
        stages += read_stages(load_config(file), str(file), str(tmp_path))
    assert stages[0].outputs == stages[1].outputs and stages[0].settings == stages[1].settings != ''


@pytest.mark.parametrize('base', [True, False])
def test_what_may_stand_for_two_is_refused(base, told, tmp_path):
    for folder in ('a', 'b'):
        (tmp_path / 'configs' / folder).mkdir(parents=True)
        (tmp_path / 'configs' / folder / 'c.py').write_text('x = 1\n')
    file = tmp_path / 'configs/c.py'
    if base:
        (tmp_path / 'own.py').write_text('_base_ = "configs/c.py"\n')
    both = f'{tmp_path}/configs/a/c.py, {tmp_path}/configs/b/c.py'
    with pytest.raises(InputError, match=f'{file}: no such config file; there is {both}$'):
        load_config(tmp_path / 'own.py' if base else file)
    assert not told


@pytest.mark.parametrize(('path', 'words'), [
    ('configs/nowhere.py', ''), ('configs/views.py', ''),
    ('nowhere/swav_toy.py', '; there is configs/swav/swav_toy.py')])
def test_what_lies_nowhere_is_refused(path, words, told):
    with pytest.raises(InputError, match=rf'^{path}: no such config file{words}$'):
        load_config(path)


def test_a_base_that_lies_nowhere_is_refused(told, tmp_path):
    (tmp_path / 'own.py').write_text('_base_ = "configs/nowhere.py"\n')
    with pytest.raises(InputError, match=rf'own\.py: cannot be read .*: {tmp_path}/configs/nowhere\.py: no such'):
        load_config(tmp_path / 'own.py')
