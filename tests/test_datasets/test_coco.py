"""From instance ids to COCO annotations, and the data set that reads them."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from mmdepthcp.datasets.coco import ENCODINGS, bounding_box, coco_annotations, object_masks
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import write_json
from mmdepthcp.utils.images import write_png

mask_api = pytest.importorskip('pycocotools.mask')

TOOL = Path(__file__).parents[2] / 'tools/dataset_converters/instances_to_coco.py'
CAR, PERSON = 26, 24


def ids(encoding):
    """A car (2 x 3 pixels), a crowd of persons (1 x 2), road."""
    values = np.full((5, 6), 7 if encoding == 'cityscapes' else 7 * 256, np.uint16)
    values[1:3, 2:5] = 26001 if encoding == 'cityscapes' else 26 * 256 + 1
    values[4, 0:2] = 24 if encoding == 'cityscapes' else 24 * 256
    return values


@pytest.mark.parametrize('encoding', ['cityscapes', 'kitti'])
def test_worked_example(encoding):
    person, car = coco_annotations(ids(encoding), ENCODINGS[encoding], {CAR: 'car', PERSON: 'person'})
    if person['category_id'] == CAR:
        person, car = car, person
    assert (person['category_id'], person['iscrowd'], person['area'], person['bbox']) == (PERSON, 1, 2, [0, 4, 2, 1])
    assert (car['category_id'], car['iscrowd'], car['area'], car['bbox']) == (CAR, 0, 6, [2, 1, 3, 2])
    decoded = mask_api.decode(car['segmentation']).astype(bool)
    np.testing.assert_array_equal(decoded, ids(encoding) == ids(encoding)[1, 2])


def test_object_zero_of_cityscapes_is_an_object():
    values = np.full((2, 2), 26000, np.uint16)
    item, = object_masks(values, ENCODINGS['cityscapes'], {CAR: 'car'})
    assert (item.label, item.crowd) == (CAR, False) and item.mask.all()


def test_other_classes_are_left_out_and_small_objects_become_crowds():
    assert [item.label for item in object_masks(ids('kitti'), ENCODINGS['kitti'], {CAR: 'car'})] == [CAR]
    car, = coco_annotations(ids('kitti'), ENCODINGS['kitti'], {CAR: 'car'}, smallest=7)
    assert car['iscrowd'] == 1


def test_bounding_box_of_one_pixel():
    mask = np.zeros((4, 4), bool)
    mask[3, 2] = True
    assert bounding_box(mask) == [2, 3, 1, 1]


def convert(*args):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', ['instances_to_coco.py', *map(str, args)])
        try:
            runpy.run_path(str(TOOL), run_name='__main__')
        except SystemExit as ending:
            return ending.code
    return None


def write_street(root, name='ulm/1'):
    write_png(root / 'images' / f'{name}_left.png', np.zeros((5, 6, 3), np.uint8))
    write_png(root / 'ids' / f'{name}_ids.png', ids('cityscapes'))


def test_tool_and_data_set(tmp_path):
    pytest.importorskip('mmcv.ops')
    from mmdepthcp.datasets.instances import StreetInstanceDataset, ToyInstanceDataset

    write_street(tmp_path)
    (tmp_path / 'ids/ulm/1_ids.png').rename(tmp_path / 'ids/ulm/1_ids.PNG')
    out = tmp_path / 'annotations/a.json'
    assert convert(tmp_path / 'images', tmp_path / 'ids', out, '--suffixes', '_left.png', '_ids.png',
                   '--classes', 'person', 'car') is None
    content = json.loads(out.read_text())
    assert content['images'] == [dict(id=0, file_name='ulm/1_left.png', height=5, width=6)]
    assert [category['name'] for category in content['categories']] == ['person', 'car']

    settings = dict(data_root=str(tmp_path), ann_file='annotations/a.json', data_prefix=dict(img='images'), pipeline=[])
    dataset = ToyInstanceDataset(**settings)
    found = {(instance['bbox_label'], instance['ignore_flag'], tuple(instance['bbox']))
             for instance in dataset[0]['instances']}
    assert found == {(1, 0, (2, 1, 5, 3)), (0, 1, (0, 4, 2, 5))}
    loaded = ToyInstanceDataset(**{**settings, 'pipeline': [dict(type='mmdepthcp.LoadImage')]})
    assert loaded[0]['img'].shape == (5, 6, 3)
    write_png(tmp_path / 'images/ulm/1_left.png', np.zeros((10, 12, 3), np.uint8))
    with pytest.raises(InputError, match=rf'1_left\.png: is 12x10, but its objects in {out} are those of .* 6x5; take'):
        loaded[0]
    with pytest.raises(InputError, match='holds the classes person, car, the data set expects person, rider'):
        StreetInstanceDataset(**settings)
    content['categories'].reverse()
    write_json(out, content)
    with pytest.raises(InputError, match='holds the classes car, person, the data set expects person, car'):
        ToyInstanceDataset(**settings)
    with pytest.raises(InputError, match=r'no\.json: no such annotation file; make the file with'):
        ToyInstanceDataset(**{**settings, 'ann_file': 'no.json'})
    with pytest.raises(InputError, match=r"data_prefix\['img_path'\] is unknown, did you mean img"):
        ToyInstanceDataset(**{**settings, 'data_prefix': dict(img_path='images')})


def test_tool_errors(tmp_path):
    write_street(tmp_path)
    args = [tmp_path / 'images', tmp_path / 'ids', tmp_path / 'a.json', '--suffixes', '_left.png']
    assert '1_labels.png: no such file; see --suffixes' in convert(*args, '_labels.png')
    write_png(tmp_path / 'images/ulm/2_left.png', np.zeros((5, 6, 3), np.uint8))
    write_png(tmp_path / 'ids/ulm/2_ids.png', np.repeat(ids('cityscapes'), 2, axis=0))
    assert '2_ids.png: is 6x10, its image' in convert(*args, '_ids.png')
    assert '--classes tram: unknown; there are person' in convert(*args, '_ids.png', '--classes', 'tram')
    assert not (tmp_path / 'a.json').exists()
