from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmdepthcp.grouping import connected_components
from mmdepthcp.grouping.controls import grid_regions
from mmdepthcp.preparation.region_controls import write_region_controls
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import NO_REGION, read_regions, write_png, write_regions

TOOL = Path(__file__).parents[2] / 'tools/dataset_converters/control_regions.py'


@pytest.fixture
def streets(tmp_path):
    """Two images with regions of 12 and 5 pieces, and instances."""
    rng = np.random.default_rng(0)
    for name, number in (('a/1', 12), ('b/2', 5)):
        image = rng.integers(0, 255, (24, 48, 3), np.uint8)
        for folder in ('images', 'labels'):
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / f'images/{name}_left.png'), image)
        write_regions(tmp_path / f'regions/{name}_left.png', np.arange(24 * 48).reshape(24, 48) * number // (24 * 48))
        instances = np.zeros((24, 48), np.uint16)
        instances[4:12, 5:20], instances[4:12, 30:40], instances[14:, :] = 26001, 26001, 7
        write_png(tmp_path / f'labels/{name}_ids.png', instances)
    return tmp_path


@pytest.mark.parametrize(('size', 'number'), [((96, 192), 60), ((144, 192), 7), ((5, 3), 100), ((10, 40), 1)])
def test_a_grid_has_equal_cells(size, number):
    regions = grid_regions(size, number)
    counts = np.bincount(regions.ravel())
    assert connected_components(regions)[1] == len(counts) <= size[0] * size[1]
    if number <= 60:
        assert len(counts) == pytest.approx(number, rel=.35)
    heights = {np.ptp(np.nonzero(regions == k)[0]) + 1 for k in range(len(counts))}
    widths = {np.ptp(np.nonzero(regions == k)[1]) + 1 for k in range(len(counts))}
    assert max(heights) - min(heights) <= 1 and max(widths) - min(widths) <= 1


def test_each_kind(streets):
    def made(kind, *more):
        assert write_region_controls(streets / 'regions', streets / kind, kind, *more) == ([], 2)
        return [read_regions(streets / kind / f'{name}_left.png') for name in ('a/1', 'b/2')]

    assert all((regions == 0).all() for regions in made('whole'))
    assert [len(np.unique(regions)) for regions in made('grid')] == [12, 4]
    for regions, number in zip(made('colour', streets / 'images'), (12, 5), strict=True):
        assert len(np.unique(regions)) == pytest.approx(number, abs=4) and regions.shape == (24, 48)
    for regions in made('true', streets / 'labels', '_left', '_ids'):
        assert regions.max() < NO_REGION and len(np.unique(regions)) == 4  # sky, two cars of one id, road
        assert regions[5, 6] != regions[5, 31]


def test_what_has_changed_is_made_anew(streets):
    write_region_controls(streets / 'regions', streets / 'colour', 'colour', streets / 'images')
    cv2.imwrite(str(streets / 'images/a/1_left.png'), np.zeros((24, 48, 3), np.uint8))
    assert write_region_controls(streets / 'regions', streets / 'colour', 'colour', streets / 'images') == ([], 1)
    with pytest.raises(InputError, match='the folder holds regions made in another way'):
        write_region_controls(streets / 'regions', streets / 'colour', 'grid')


def test_what_is_missing_is_told(streets):
    with pytest.raises(InputError, match='--kind colour needs --images'):
        write_region_controls(streets / 'regions', streets / 'colour', 'colour')
    failures, tried = write_region_controls(streets / 'regions', streets / 'out', 'true', streets / 'labels')
    assert tried == len(failures) == 2 and 'no image or label file of this name' in str(failures[0])
    (streets / 'images/b/2_left.png').unlink()
    cv2.imwrite(str(streets / 'images/a/1_left.png'), np.zeros((12, 24, 3), np.uint8))
    failures, _ = write_region_controls(streets / 'regions', streets / 'out2', 'colour', streets / 'images')
    assert len(failures) == 2 and 'is 24x12, the regions' in str(failures)


def test_command_line(streets):
    done = subprocess.run(
        [sys.executable, TOOL, streets / 'regions', streets / 'true', '--kind', 'true', '--labels', streets / 'labels',
         '--suffixes', '_left', '_ids', '--num-workers', '0'], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (streets / 'true/b/2_left.png').is_file()
