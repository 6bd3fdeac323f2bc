"""Regions that are learnt: from a tree of images, by the two tools."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from mmdepthcp.preparation.edge_learning import learn_from_tree, varied
from mmdepthcp.preparation.edge_models import read_edges, read_features, write_edges
from mmdepthcp.preparation.region_grouping import RegionGrouper, group_tree, parse_params
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import read_labels, read_regions, write_disparity, write_png

TOOLS = Path(__file__).parents[2] / 'tools'
WORDS = ('num_superpixels=300', 'max_regions=2')
KITTI = (0.58, 1.92, 0.5, 0.5)
NAMES = [Path(f'ulm/{number:02}.png') for number in range(8)]
HEIGHT, WIDTH = 48, 96


@pytest.fixture
def tree(tmp_path):
    """Grey images of two halves at different depth. Of the first one, depth tells nothing. Of the features, the first
    channel tells the halves, the others are noise."""
    rng = np.random.default_rng(0)
    for name in NAMES:
        part = (np.arange(WIDTH) >= rng.integers(32, 64)) * np.ones((HEIGHT, 1), np.uint8)
        write_png(tmp_path / 'images' / name, np.full((HEIGHT, WIDTH, 3), 128, np.uint8))
        near = 0 if name == NAMES[0] else .5
        slope = np.linspace(0, .01, HEIGHT)[:, None]
        write_disparity(tmp_path / 'disparity' / name, (.2 + near * part + slope).astype(np.float32))
        write_png(tmp_path / 'truth' / name, part)
        features = rng.normal(size=(4, HEIGHT // 4, WIDTH // 4)).astype(np.float32)
        features[0] = 3 * part[2::4, 2::4] + .3 * features[0]
        path = (tmp_path / 'features' / name).with_suffix('.npy')
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, features)
    return tmp_path


def grouper(tree, *words, **options):
    return RegionGrouper(tree / 'images', tree / 'disparity', parse_params([*WORDS, *words]), KITTI, **options)


def call(monkeypatch, tool, *words):
    monkeypatch.setattr(sys, 'argv', [tool, *map(str, words)])
    try:
        runpy.run_path(str(TOOLS / tool), run_name='__main__')
    except SystemExit as error:
        assert not error.code


def same_share(regions, truth):
    """Share of the pixels that are right if each region stands for the half that most of it lies in."""
    right = 0
    for number in np.unique(regions):
        inside = truth[regions == number]
        right += max((inside == 0).sum(), (inside == 1).sum())
    return right / truth.size


def test_features_help_where_depth_does_not(tree, monkeypatch, capsys):
    camera = ['--intrinsics', *KITTI]
    folders = [tree / 'images', tree / 'disparity']
    call(monkeypatch, 'learn_edges.py', *folders, tree / 'features', tree / 'edges.json', *camera, '--params', *WORDS)
    printed = capsys.readouterr().out
    assert 'in 8 images groupings join' in printed and 'with an AUC of' in printed
    told = json.loads((tree / 'edges.json').read_text())
    assert told['auc'] > .8 and told['images'] == 8 and 0 < told['parted'] < told['together'] < 1
    options = ['--features', tree / 'features', '--edges', tree / 'edges.json']
    call(monkeypatch, 'group_regions.py', *folders, tree / 'learnt', *camera, *options, '--num-workers', 0,
         '--params', 'formula=learnt', 'feature_weight=1.0', *WORDS)
    group_tree(grouper(tree), tree / 'plain')
    truth = read_labels(tree / 'truth' / NAMES[0], '')
    found = {kind: same_share(read_regions(tree / kind / NAMES[0]), truth) for kind in ('plain', 'learnt')}
    assert found['learnt'] > .95 > found['plain']
    call(monkeypatch, 'region_quality.py', tree / 'truth', '--images', *folders[:1], '--disparity', *folders[1:],
         *camera, *options, '--settings', ' '.join(WORDS), ' '.join(['formula=learnt', *WORDS]), '--num-classes', 2)
    assert capsys.readouterr().out.count('formula=learnt') == 1


def test_one_seed_gives_one_result(tree):
    one, other, third = (
        learn_from_tree(grouper(tree), NAMES, tree / 'features', seed, progress=False) for seed in (0, 0, 1))
    assert np.array_equal(one.fit.model.projection, other.fit.model.projection) and one[1:] == other[1:]
    assert not np.array_equal(one.fit.model.projection, third.fit.model.projection)


def test_groupings_that_have_to_agree_differ_in_one_thing():
    params = parse_params(['max_regions=60', 'weights=0.2,15,4,-5'])
    found = list(varied(params))
    assert found[0] == params and len({(each.weights, each.max_regions) for each in found}) == len(found) == 7
    assert {each.max_regions for each in found} == {30, 60, 120}
    assert {each.weights[2:] for each in found} == {(4, -5)}


def test_what_has_changed_is_grouped_anew(tree):
    fit = learn_from_tree(grouper(tree), NAMES, tree / 'features', progress=False).fit
    write_edges(tree / 'edges.json', fit, {})
    learnt = grouper(tree, 'formula=learnt', feature_root=tree / 'features', edges=tree / 'edges.json')
    assert group_tree(learnt, tree / 'out') == ([], len(NAMES)) and group_tree(learnt, tree / 'out') == ([], 0)
    path = tree / 'features/ulm/03.npy'
    np.save(path, -np.load(path))
    assert group_tree(learnt, tree / 'out') == ([], 1)
    write_edges(tree / 'edges.json', fit._replace(model=fit.model._replace(bias=3.)), {})
    again = grouper(tree, 'formula=learnt', feature_root=tree / 'features', edges=tree / 'edges.json')
    with pytest.raises(InputError, match='other settings'):
        group_tree(again, tree / 'out')


@pytest.mark.parametrize(('words', 'options'), [
    (('formula=learnt',), {}), (('formula=learnt',), dict(edges=Path('e'))), ((), dict(feature_root=Path('f')))])
def test_options_go_together(tree, words, options):
    with pytest.raises(InputError, match='formula=learnt takes --features DIR and --edges FILE'):
        grouper(tree, *words, **options)


def test_unfit_files_are_named(tree):
    with pytest.raises(InputError, match=r'none\.npy: no features of this image; write them with tools/embed\.py'):
        read_features(tree / 'none.npy')
    for content, message in ((np.zeros((2, 3), np.float32), r'holds float32 \(2, 3\)'),
                             (np.zeros((1, 2, 3), int), 'holds int64'),
                             (np.full((1, 2, 3), np.nan), 'not finite')):
        np.save(tree / 'bad.npy', content)
        with pytest.raises(InputError, match=rf'bad\.npy: .*{message}'):
            read_features(tree / 'bad.npy')
    (tree / 'bad.npy').write_text('text')
    with pytest.raises(InputError, match=r'bad\.npy: cannot be read'):
        read_features(tree / 'bad.npy')
    for content in ({}, dict(bias=0, projection=[1]), dict(bias='a', projection=[[1]]), []):
        (tree / 'edges.json').write_text(json.dumps(content))
        with pytest.raises(InputError, match=r'edges\.json: holds nothing learnt about edges'):
            read_edges(tree / 'edges.json')
    with pytest.raises(InputError, match=r'none\.json'):
        grouper(tree, 'formula=learnt', feature_root=tree / 'features', edges=tree / 'none.json')


def test_features_of_two_kinds_are_refused(tree):
    np.save(tree / 'features/ulm/03.npy', np.zeros((3, 2, 2), np.float32))
    with pytest.raises(InputError, match=r'03\.npy: features have 3 channels, those of images before 4'):
        learn_from_tree(grouper(tree), NAMES, tree / 'features', progress=False)


def test_too_few_images_are_told(tree):
    with pytest.raises(InputError, match=r'of 0 pairs held back.*give more images'):
        learn_from_tree(grouper(tree), NAMES[:3], tree / 'features', progress=False)
