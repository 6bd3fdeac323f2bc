"""Configs that have moved."""

import pytest

from mmdepthcp.config.loading import load_config
from mmdepthcp.utils.errors import InputError


@pytest.mark.parametrize(('old', 'new'), [
    ('configs/monodepth_toy.py', 'configs/monodepth/monodepth_toy.py'),
    ('configs/swav_toy.py', 'configs/swav/swav_toy.py'),
    ('configs/densecl_camvid_small.py', 'configs/densecl/densecl_camvid_small.py')])
def test_an_old_path_is_answered_with_the_new_one(old, new):
    with pytest.raises(InputError, match=f'^{old}: no such config file; there is {new}$'):
        load_config(old)
    load_config(new)


def test_nothing_is_proposed_where_nothing_has_the_name():
    with pytest.raises(InputError, match=r'^configs/nowhere\.py: no such config file$'):
        load_config('configs/nowhere.py')
