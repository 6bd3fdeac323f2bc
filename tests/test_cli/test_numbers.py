"""Numbers on the command line that make no sense are refused by the name of their option."""

from __future__ import annotations

import argparse
import ast
import runpy
import sys
from pathlib import Path

import pytest

from mmdepthcp.cli.numbers import above, seed, whole

TOOLS = Path(__file__).parents[2] / 'tools'


@pytest.mark.parametrize(('kind', 'good', 'bad'), [
    (whole(1), ('1', '20'), ('0', '-1', '1.5', 'nan', 'x', '')),
    (whole(0, 255), ('0', '255'), ('256', '-1')),
    (above(0), ('1', '.5', '1e-3'), ('0', '-1', 'nan', 'inf', 'x', '-0.0')),
    (seed, ('0', '4294967295'), ('-1', '4294967296', '1e3')),
])
def test_ranges(kind, good, bad):
    assert [kind(text) for text in good] == [float(text) for text in good]
    for text in bad:
        with pytest.raises(argparse.ArgumentTypeError, match=r'expected a .*number'):
            kind(text)


def run(tool: str, *words: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', [tool, *words])
        runpy.run_path(str(TOOLS / tool), run_name='__main__')


@pytest.mark.parametrize('line', [
    'infer_depth.py c.py w.pth images out --nearest 0',
    'infer_depth.py c.py w.pth images out --nearest nan',
    'infer_depth.py c.py w.pth images out --batch-size 0',
    'infer_depth.py c.py w.pth images out --num-workers=-1',
    'infer_depth.py c.py w.pth images out --size 0 10',
    'infer_depth.py c.py w.pth images out --size 60000 60000',
    'group_regions.py images disparity out --scale 8193 8192',
    'dataset_converters/toy_streets.py out --size 60000 60000',
    'group_regions.py images disparity out --num-workers=-2',
    'group_regions.py images disparity out --scale 1024 0',
    'region_quality.py labels --regions r --limit 0',
    'region_quality.py labels --regions r --num-classes 0',
    'region_quality.py labels --regions r --ignore 300',
    'visualize_features.py c.py none out --points=-5',
    'browse_dataset.py c.py --number 0',
    'colour_position_baseline.py c.py --seed=-1',
    'compare.py t.py --seeds 0 -1',
    '../benchmarks/__main__.py grouping --repeats 0',
    '../benchmarks/__main__.py growth --factors 1 -2',
    'dataset_converters/depth_maps.py d out --nearest=-1',
    'dataset_converters/cityscapes_disparity.py d out --largest 0',
    'dataset_converters/toy_streets.py out --frames 0',
    'dataset_converters/toy_streets.py out --train=-1',
    'dataset_converters/instances_to_coco.py images i out.json --smallest 0',
])
def test_tools_name_the_option(line, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tool, *words = line.split()
    with pytest.raises(SystemExit) as ended:
        run(tool, *words)
    flag = next(word for word in words if word.startswith('--') and word != '--regions').partition('=')[0]
    error = capsys.readouterr().err
    assert ended.value.code == 2 and f'argument {flag}' in error and 'expected a' in error
    assert not list(tmp_path.iterdir())


def test_no_number_is_without_a_range():
    """A plain int or float as an argparse type takes anything; intrinsics are checked all four together."""
    for path in [*TOOLS.rglob('*.py'), *(TOOLS.parent / 'mmdepthcp').rglob('*.py')]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, 'attr', '') == 'add_argument':
                flags = [ast.unparse(flag) for flag in node.args]
                kind = next((ast.unparse(word.value) for word in node.keywords if word.arg == 'type'), '')
                assert kind not in ('int', 'float') or {"'--intrinsics'", "'--local_rank'"} & set(flags), (path, flags)
