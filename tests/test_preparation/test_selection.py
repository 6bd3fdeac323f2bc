from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.config.loading import load_config
from mmdepthcp.datasets import StreetDataset
from mmdepthcp.datasets.subsets import fraction_of
from mmdepthcp.preparation import depth_students, selection
from mmdepthcp.preparation.depth_inference import ModelPredictor
from mmdepthcp.preparation.depth_students import DepthStudents
from mmdepthcp.preparation.frozen_networks import EntropyNetwork, FeatureNetwork
from mmdepthcp.preparation.selection import Candidates, ImageSelection, Plan, count_drives
from mmdepthcp.registry import MODELS
from mmdepthcp.sampling import greedy_selection, largest_first
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import write_disparity, write_png

ROOT = Path(__file__).parents[2]
NUMBER = 14
SMALL = dict(base_channels=8, stem_channels=8)
DECODER = dict(in_channels=(8, 8, 16, 32, 64), channels=(4, 4, 8, 8, 8))


@pytest.fixture(scope='module')
def home(tmp_path_factory) -> SimpleNamespace:
    """Images of two drives, their disparity, a depth network and a segmentor with random weights."""
    register_modules()
    root = tmp_path_factory.mktemp('selection')
    rng = np.random.default_rng(0)
    names = [f'{"ab"[number % 2]}/{number:02}.png' for number in range(NUMBER)]
    for number, name in enumerate(names):
        coarse = rng.integers(0, 255, (4, 6, 3), np.uint8) // (1 + number % 3)
        write_png(root / 'images' / name, cv2.resize(coarse, (120, 80)))
        write_disparity(root / 'disparity' / name, cv2.resize(rng.uniform(.1, 1, (3, 4)).astype(np.float32), (60, 40)))
    depth = load_config(ROOT / 'configs/monodepth/monodepth_toy.py')
    depth.merge_from_dict(dict(model=dict(
        backbone=SMALL, decode_head=DECODER, pose_net=dict(encoder=SMALL, in_channels=64))))
    student = load_config(ROOT / 'configs/selection/depth_student_toy.py')
    student.merge_from_dict(dict(
        model=dict(backbone=SMALL, decode_head=DECODER),
        train_cfg=dict(max_iters=4), round_iters=[4, 6], train_dataloader=dict(num_workers=0, persistent_workers=False),
        default_hooks=dict(checkpoint=dict(interval=2), logger=dict(interval=2))))
    student.param_scheduler[0].end = 5
    segmentor = load_config(ROOT / 'configs/finetune/semantic_fpn_toy.py')
    segmentor.merge_from_dict(dict(model=dict(
        backbone=SMALL, neck=dict(in_channels=[8, 16, 32, 64], out_channels=8),
        decode_head=dict(in_channels=[8] * 4, channels=8, norm_cfg=dict(num_groups=2)))))
    for seed, (name, config) in enumerate(dict(depth=depth, student=student, segmentor=segmentor).items()):
        config.dump(root / f'{name}.py')
        init_default_scope(config.default_scope)
        torch.manual_seed(seed)
        torch.save(dict(state_dict=MODELS.build(config.model).state_dict()), root / f'{name}.pth')
    return SimpleNamespace(root=root, images=root / 'images', names=sorted(names), labelled=root / 'labelled.txt')


def config_of(home, name: str) -> Config:
    return load_config(home.root / f'{name}.py')


def network(home, kind=FeatureNetwork, name='depth', **settings) -> FeatureNetwork:
    return kind(config_of(home, name), home.root / f'{name}.pth', **settings)


def students(home, teacher=None, seed=0, **settings) -> DepthStudents:
    return DepthStudents(config_of(home, 'student'), home.images, home.names, teacher or home.root / 'disparity', seed,
                         **settings)


def select(home, out, method='both', budget=8, rounds=(3, 6, 8), seed=0, labelled=None, parts=None, **settings):
    candidates = Candidates.find(home.images, labelled=labelled)
    looks = dict(both=FeatureNetwork, diversity=FeatureNetwork, entropy=EntropyNetwork).get(method)
    if looks and 'network' not in settings:
        settings['network'] = network(home, looks, 'segmentor' if method == 'entropy' else 'depth', batch_size=3)
    if method in ('both', 'difficulty'):
        settings.setdefault('students', students(home, seed=seed, batch_size=4))
    return ImageSelection(candidates, out, Plan(method, budget, rounds, seed), **settings)


def chosen(out: Path) -> list[dict]:
    return json.loads((out / 'selection.json').read_text())['selected']


def content(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@pytest.fixture(scope='module')
def whole(home) -> Path:
    out = home.root / 'whole'
    assert select(home, out).run()
    return out


def features_of(home) -> np.ndarray:
    """Plain: one image at a time, channels standardised by torch."""
    config = config_of(home, 'depth')
    init_default_scope(config.default_scope)
    model = MODELS.build(config.model)
    model.load_state_dict(torch.load(home.root / 'depth.pth')['state_dict'])
    model.eval()
    maps = []
    for name in home.names:
        size = config.input_size
        image = cv2.resize(cv2.imread(str(home.images / name)), size, interpolation=cv2.INTER_LINEAR)
        pixels = torch.from_numpy(image[..., ::-1].transpose(2, 0, 1).copy()).float() / 255
        with torch.no_grad():
            features = model.backbone(((pixels - .45) / .225)[None])
            maps.append(torch.nn.functional.adaptive_avg_pool2d(
                model.decode_head.levels(features, until=3)[3], (4, 8)))
    stacked = torch.cat(maps)
    std, mean = torch.std_mean(stacked, (0, 2, 3), keepdim=True)
    return ((stacked - mean) / std).flatten(1).numpy()


def test_diversity_is_the_farthest_in_the_standardised_features_of_decoder_level_3(home, tmp_path):
    assert select(home, tmp_path / 'out', 'diversity').run()
    found = chosen(tmp_path / 'out')
    first = np.random.default_rng(0).permutation(NUMBER)[0]
    expected, distances = greedy_selection(features_of(home), 7, [first])
    assert [each['image'] for each in found] == [home.names[index] for index in (first, *expected)]
    assert [each['distance'] for each in found[1:]] == pytest.approx(distances.tolist(), rel=1e-3)
    assert [each['round'] for each in found] == [1] * 3 + [2] * 3 + [3] * 2
    assert found[0]['distance'] is None and all(each['error'] is None for each in found)


def test_both_adds_the_error_of_a_student_of_what_is_chosen(home, whole, monkeypatch):
    found = chosen(whole)
    assert [each['error'] is None for each in found] == [True] * 3 + [False] * 5
    assert [each['image'] for each in found[:3]] == [
        each['image'] for each in chosen_by_distance(home, whole, found[:1], 2)]
    assert not (whole / 'parts').exists()
    places = [home.names.index(each['image']) for each in found]
    for count, number in ((3, 0), (6, 1)):
        made = students(home, batch_size=1)
        assert made.prepare(home.root / 'parts')
        errors = made.errors(home.root / 'parts', number, places[:count])
        assert (errors[places[:count]] == 0).all() and (errors > 0).sum() == NUMBER - count
        new = found[count:6 if count == 3 else 8]
        assert [each['error'] for each in new] == pytest.approx(errors[[
            home.names.index(each['image']) for each in new]], rel=1e-4)
        next_ones, distances = greedy_selection(features_of(home), len(new), places[:count], 1000 * errors)
        assert [home.names[index] for index in next_ones] == [each['image'] for each in new]
        assert [each['distance'] for each in new] == pytest.approx(distances.tolist(), rel=1e-3)


def chosen_by_distance(home, whole, start, count):
    first = home.names.index(start[0]['image'])
    return [*start, *(dict(image=home.names[index]) for index in greedy_selection(
        features_of(home), count, [first])[0])]


def test_lists_are_prefixes_and_a_data_set_reads_them(home, whole):
    names = [each['image'] for each in chosen(whole)]
    assert len(set(names)) == 8
    for count in (3, 6, 8):
        file = whole / f'selected_{count}.txt'
        assert file.read_text().split() == names[:count]
        dataset = StreetDataset(ann_file=str(file), data_prefix=dict(img_path=str(home.images)))
        assert [item['img_path'] for item in dataset] == [str(home.images / name) for name in names[:count]]
    assert sorted(path.name for path in whole.iterdir()) == [
        'selected_3.txt', 'selected_6.txt', 'selected_8.txt', 'selection.html', 'selection.json']


def test_the_sheet_shows_every_image_and_why(home, whole):
    page, about = (whole / 'selection.html').read_text(), json.loads((whole / 'selection.json').read_text())
    assert page.count('data:image/jpeg;base64,') == 8 and page.count('round 2, distance') == 3
    captions = re.findall(r'class="place">(\d+)</span> (\S+?)<br>', page)
    assert captions == [(str(place), each['image']) for place, each in enumerate(about['selected'], 1)]
    assert 'round 1, at random' in page and page.count('depth error') == 5 and page.count('(counts ') == 5
    assert sum(counts['chosen'] for counts in about['drives'].values()) == 8
    assert {name: counts['all'] for name, counts in about['drives'].items()} == dict(a=7, b=7)
    assert about['network']['checkpoint_sha256'] and about['student']['disparity'] == str(home.root / 'disparity')


class Stopped(Exception):
    pass


@pytest.mark.parametrize('moment', ['within a training', 'after a training', 'while scoring', 'at the end'])
def test_interrupted_selections_end_like_others(home, whole, tmp_path, monkeypatch, moment):
    monkeypatch.setattr(depth_students, 'ROWS', 5)
    monkeypatch.setattr(selection, 'ROWS', 5)
    out = tmp_path / 'out'
    calls = []

    def stop(*args, **kwargs):
        calls.append(args)
        if len(calls) == (8 if moment == 'within a training' else 2):
            raise Stopped
        return original(*args, **kwargs)

    with monkeypatch.context() as patch:
        if moment == 'within a training':  # in the fourth iteration of the second one; two are kept
            from mmdepthcp.models.depth import DepthRegressor as place

            name = 'train_step'
        elif moment == 'after a training':
            place, name = DepthStudents, '_score'
        elif moment == 'while scoring':
            place, name = depth_students, 'batches_of'
        else:
            place, name = selection, 'write_list'
        original = getattr(place, name)
        patch.setattr(place, name, stop)
        with pytest.raises(Stopped):
            select(home, out).run()
    assert not (out / 'selection.json').exists() and (out / 'parts').exists()
    steps, train = [], Runner.train
    monkeypatch.setattr(Runner, 'train', lambda self: steps.append(self._resume) or train(self))
    assert select(home, out).run()
    trainings = {'within a training': [True], 'after a training': [], 'while scoring': [False], 'at the end': []}
    assert steps == trainings[moment]
    assert content(out) == content(whole)


def test_a_complete_selection_is_left_alone_and_another_is_refused(home, whole, monkeypatch):
    monkeypatch.setattr(ImageSelection, '_choose', None)
    before = content(whole)
    assert select(home, whole).run() and content(whole) == before
    with pytest.raises(InputError, match=r'selection made in another way \(seed was 0, is 1\); choose another'):
        select(home, whole, seed=1, students=students(home)).run()


def test_two_processes_give_what_one_gives(home, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(depth_students, 'ROWS', 5)
    monkeypatch.setattr(selection, 'ROWS', 5)
    out, done = tmp_path / 'out', []
    for turn in range(12):
        done.append(select(home, out).run((turn % 2, 2)))
        if done[-1]:
            break
    assert done[-1] and not done[0] and content(out) == content(whole)
    assert select(home, out).run((0, 2))


def test_the_network_is_the_teacher_where_no_disparity_is_stored(home, tmp_path):
    config = config_of(home, 'depth')

    def run(name, teacher):
        assert select(home, tmp_path / name, 'difficulty', 4, (2, 4), students=students(home, teacher)).run()
        return chosen(tmp_path / name)

    own = run('own', ModelPredictor(config, home.root / 'depth.pth', 'cpu'))
    folder = tmp_path / 'parts'
    made = students(home, ModelPredictor(config, home.root / 'depth.pth', 'cpu'))
    assert made.prepare(folder) and run('stored', made.disparity) == own
    assert {each['error'] is None for each in own[:2]} == {True}
    lucky = np.random.default_rng(0).permutation(NUMBER)[:2]
    assert [each['image'] for each in own[:2]] == [home.names[index] for index in lucky]
    errors = made.errors(folder, 0, lucky.tolist())
    assert [each['image'] for each in own[2:]] == [home.names[index] for index in largest_first(errors, 2, lucky)]


def test_labelled_images_count_as_chosen(home, tmp_path):
    home.labelled.write_text('b/03.png\na/04\n')
    assert select(home, tmp_path / 'out', 'diversity', labelled=home.labelled, budget=5, rounds=()).run()
    expected, distances = greedy_selection(
        features_of(home), 5, [home.names.index(name) for name in ('b/03.png', 'a/04.png')])
    found = chosen(tmp_path / 'out')
    assert [each['image'] for each in found] == [home.names[index] for index in expected]
    assert found[0]['distance'] == pytest.approx(distances[0], rel=1e-3)
    assert (tmp_path / 'out/labelled_5.txt').read_text().split() == [
        'b/03.png', 'a/04.png', *(each['image'] for each in found)]
    assert (tmp_path / 'out/selected_5.txt').read_text().split() == [each['image'] for each in found]
    assert select(home, tmp_path / 'both', labelled=home.labelled, budget=3, rounds=()).run()
    assert all(each['error'] > 0 and each['distance'] > 0 for each in chosen(tmp_path / 'both'))


def test_random_images_are_those_of_a_random_subset(home, tmp_path):
    for seed in range(3):
        assert select(home, tmp_path / str(seed), 'random', 7, (7,), seed=seed).run()
        found = [each['image'] for each in chosen(tmp_path / str(seed))]
        assert sorted(found) == [home.names[index] for index in fraction_of(home.names, .5, seed)]
    home.labelled.write_text('\n'.join(found[:2]))
    assert select(home, tmp_path / 'more', 'random', 5, (5,), seed=2, labelled=home.labelled).run()
    assert [each['image'] for each in chosen(tmp_path / 'more')] == found[2:]


def test_entropy_is_that_of_a_segmentor(home, tmp_path):
    assert select(home, tmp_path / 'out', 'entropy', 5, ()).run()
    found = chosen(tmp_path / 'out')
    values = network(home, EntropyNetwork, 'segmentor').look([str(home.images / name) for name in home.names], '')
    order = np.argsort(-values)[:5]
    assert [each['image'] for each in found] == [home.names[index] for index in order]
    assert [each['entropy'] for each in found] == pytest.approx(values[order].tolist())
    assert (0 < values).all() and (values <= 1).all() and values.std() > 0
    with pytest.raises(InputError, match='gives no scores of two classes'):
        network(home, EntropyNetwork).look([str(home.images / home.names[0])], '')


@pytest.mark.parametrize(('name', 'source', 'channels'), [
    ('depth', 'decoder1', 4), ('depth', 'backbone', 128), ('segmentor', None, 120), ('segmentor', 'neck', 32),
    ('segmentor', 'decode_head', None), ('segmentor', 'decoder3', None), ('depth', 'neck', None)])
def test_features_of_any_network(home, name, source, channels):
    made = network(home, name=name, source=source, grid=(2, 3))
    paths = [str(home.images / image) for image in home.names[:3]]
    if channels is None:
        with pytest.raises(InputError, match=r'has no|gives class scores'):
            made.look(paths, '')
    else:
        found = made.look(paths, '')
        assert found.shape == (3, channels, 2, 3) and np.ptp(found, axis=0).max() > 0


def test_images_of_several_sizes_share_batches(home, tmp_path):
    images = tmp_path / 'images'
    for number, (width, height) in enumerate([(96, 64), (64, 96), (96, 64)]):
        pixels = np.random.default_rng(number).integers(0, 255, (height, width, 3), np.uint8)
        write_png(images / f'{number}.png', pixels)
    config = config_of(home, 'segmentor')
    config.test_dataloader.dataset.pipeline = [
        dict(type='mmdepthcp.LoadImage'), dict(type='PackSegInputs')]
    paths = [str(images / f'{number}.png') for number in range(3)]
    together, alone = (FeatureNetwork(config, home.root / 'segmentor.pth', batch_size=size).look(paths, '')
                       for size in (3, 1))
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_what_cannot_be_used(home, tmp_path):
    with pytest.raises(InputError, match=r'images: a budget of 15 images, but there are 14 without labels \(of 14\)'):
        select(home, tmp_path / 'out', 'random', 15, ())
    with pytest.raises(InputError, match=r'rounds 5 3 8: must be numbers of images above 0 that grow'):
        Plan('both', 8, (5, 3))
    with pytest.raises(InputError, match=r'rounds 9 8: .* up to the budget of 8'):
        Plan('both', 8, (9,))
    assert Plan('both', 60).rounds == (25, 50, 60) and Plan('both', 25).rounds == (25,)
    home.labelled.write_text('a/00.png\na/99.png\n')
    with pytest.raises(InputError, match=r'labelled\.txt:2: names a/99\.png, but .*images holds no such image'):
        Candidates.find(home.images, labelled=home.labelled)
    (tmp_path / 'disparity/a').mkdir(parents=True)
    (tmp_path / 'disparity/a/00.png').write_bytes((home.root / 'disparity/a/00.png').read_bytes())
    with pytest.raises(InputError, match=r'disparity: 13 of 14 images have no disparity there, such as .*a/02\.png'):
        select(home, tmp_path / 'out', students=students(home, tmp_path / 'disparity')).run()
    assert not (tmp_path / 'out/selection.json').exists()
    with pytest.raises(InputError, match='DepthRegressor as model'):
        DepthStudents(config_of(home, 'depth'), home.images, home.names, tmp_path)
    with pytest.raises(InputError, match=r'segmentor\.py: SemanticFPN|EncoderDecoder gives no disparity'):
        students(home, ModelPredictor(config_of(home, 'segmentor'), home.root / 'segmentor.pth', 'cpu'))


def test_corrupt_images_are_named_and_what_is_done_is_kept(home, tmp_path, monkeypatch):
    monkeypatch.setattr(selection, 'ROWS', 4)
    images = tmp_path / 'images'
    for name in home.names:
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        (images / name).write_bytes((home.images / name).read_bytes())
    damaged = [images / home.names[place] for place in (5, 6)]
    for path in damaged:
        path.write_bytes(b'no image')

    def run():
        candidates = Candidates.find(images)
        return ImageSelection(candidates, tmp_path / 'out', Plan('diversity', 4), network(home, batch_size=3)).run()

    with pytest.raises(InputError, match=f'2 of 4 images cannot be used: {damaged[0]}: not a readable.*{damaged[1]}'):
        run()
    for path in damaged:
        path.write_bytes((home.images / path.relative_to(images)).read_bytes())
    looked = []
    look = FeatureNetwork.look
    monkeypatch.setattr(FeatureNetwork, 'look', lambda self, paths, what: looked.append(len(paths)) or look(
        self, paths, what))
    assert run() and looked == [4, 4, 2]
    assert select(home, tmp_path / 'again', 'diversity', 4, ()).run() and chosen(tmp_path / 'again') == chosen(
        tmp_path / 'out')


@pytest.mark.parametrize(('names', 'expected'), [
    (['0001TP_1.png', '0001TP_2.png', '0006R0_f1.png', '0006R0_f3.png'], {'0001TP': (1, 2), '0006R0_f': (0, 2)}),
    (['a/1.png', 'a/2.png', 'b/c/1.png'], {'a': (1, 2), 'b/c': (0, 1)}), (['x.png', 'y.png'], {'': (1, 2)})])
def test_drives_are_folders_or_clips(names, expected):
    found = count_drives(names, names[:1])
    assert {name: (counts['chosen'], counts['all']) for name, counts in found.items()} == expected
