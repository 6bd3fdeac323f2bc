"""Labelled images with their neighbours in time: which, and whether all that belongs together moves together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_data import HEIGHT, WIDTH, image

from mmdepthcp.datasets import LabelledClipDataset, SeededDataset
from mmdepthcp.datasets.transforms import CropClip, FlipClip, LoadImage, LoadLabels, ResizeClip, WorkingSize
from mmdepthcp.geometry.cameras import intrinsic_matrix
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import write_json
from mmdepthcp.utils.images import write_png

LOAD = [dict(type='mmdepthcp.LoadClip'), dict(type='mmdepthcp.LoadLabels')]
PACK = [dict(type='mmdepthcp.PackMonoInputs')]


@pytest.fixture
def root(tmp_path):
    """Eight frames in the layout of Cityscapes, of which 0, 2 and 5 have labels."""
    for number in range(8):
        write_png(tmp_path / f'video/ulm/ulm_000000_{number:06d}_leftImg8bit.png', image(number))
    for number in (0, 2, 5):
        write_png(tmp_path / f'images/ulm/ulm_000000_{number:06d}_leftImg8bit.png', image(number))
        write_png(tmp_path / f'labels/ulm/ulm_000000_{number:06d}_gtFine_labelTrainIds.png',
                  np.full((HEIGHT, WIDTH), number, np.uint8))
    write_json(tmp_path / 'camera/ulm/ulm_000000_000000_camera.json',
               dict(intrinsic=dict(fx=WIDTH, fy=WIDTH, u0=WIDTH / 2 + 3, v0=HEIGHT / 2)))
    return tmp_path


def images_in(root, **options):
    return dict(type='mmdepthcp.CityscapesStreetDataset', data_root=str(root), data_prefix=dict(
        img_path='images', seg_map_path='labels'), pipeline=[], **options)


def clips_in(root, **options):
    return dict(type='mmdepthcp.VideoClipDataset', layout='cityscapes', data_root=str(root), data_prefix=dict(
        img_path='video', camera_path='camera'), pipeline=[], **options)


def test_labelled_images_are_frames(root, notices):
    dataset = LabelledClipDataset(images_in(root), clips_in(root), LOAD)
    assert isinstance(dataset, SeededDataset) and len(dataset) == 2
    assert any('left out 1 of 3 labelled images' in said for said in notices)
    assert dataset.metainfo['classes'][0] == 'road' and dataset.metainfo['protocol'] == 'cityscapes19'
    for item, number in zip(dataset, (2, 5), strict=True):
        assert [Path(path).parts[-3] for path in item['frame_paths']] == ['video', 'images', 'video']
        for frame, other in zip(item['frames'], (number - 1, number, number + 1), strict=True):
            np.testing.assert_array_equal(frame, image(other))
        assert (item['gt_seg_map'] == number).all() and item['offsets'] == [-1, 0, 1]
        np.testing.assert_allclose(item['intrinsics'], intrinsic_matrix(1, 2, .5 + 3 / WIDTH, .5))


def test_a_subset_is_one_of_labelled_images(root):
    taken = [LabelledClipDataset(images_in(root, subset=dict(fraction=.34, seed=seed))) for seed in range(8)]
    assert {len(dataset) for dataset in taken} == {1}
    assert len({dataset[0]['img_path'] for dataset in taken}) == 3


def test_images_without_video_are_clips_of_one_frame(root):
    item = LabelledClipDataset(images_in(root), None, [*LOAD, *PACK])[1]
    assert item['inputs']['clean'].shape == (1, 3, HEIGHT, WIDTH) and 'augmented' not in item['inputs']
    assert (item['data_samples'].gt_sem_seg.data == 2).all()


def test_packing_with_labels(root):
    item = LabelledClipDataset(images_in(root), clips_in(root), [*LOAD, *PACK])[0]
    assert item['inputs']['clean'].shape == (3, 3, HEIGHT, WIDTH)
    labels = item['data_samples'].gt_sem_seg.data
    assert labels.shape == (1, HEIGHT, WIDTH) and str(labels.dtype) == 'torch.int64'


def test_what_cannot_be_joined_is_named(root):
    elsewhere = clips_in(root) | dict(data_prefix=dict(img_path='video/ulm', camera_path='camera'))
    with pytest.raises(InputError, match=r'none of 3 labelled images is a frame with neighbours in .*video/ulm, such '
                                         r'as ulm/ulm_000000_000000_leftImg8bit; name the folders'):
        LabelledClipDataset(images_in(root), elsewhere)
    with pytest.raises(InputError, match=r'clips\.crop_bottom is 0\.2'):
        LabelledClipDataset(images_in(root), clips_in(root, crop_bottom=.2))


@pytest.mark.parametrize('flip', [0., 1.])
def test_labels_and_camera_move_with_the_frames(flip):
    """Colour and label say the column of the full image; the camera looks at column 60, row 20, wherever these are."""
    columns = np.arange(128).repeat(2)
    frame = np.broadcast_to(columns.astype(np.uint8)[None, :, None], (96, 256, 3))
    for seed in range(5):
        results = dict(frames=[np.ascontiguousarray(frame)] * 3, gt_seg_map=np.ascontiguousarray(frame[..., 0]),
                       intrinsics=intrinsic_matrix(1, 2, 61 / 128, 20.5 / 48), img_path='a.png',
                       rng=np.random.default_rng(seed))
        for transform in (ResizeClip((128, 48)), CropClip((64, 32)), FlipClip(flip)):
            results = transform(results)
        labels = results['gt_seg_map']
        assert labels.shape == (32, 64)
        for other in results['frames']:
            np.testing.assert_array_equal(other[..., 0], labels)
        steps = np.diff(labels[0].astype(int))
        assert set(steps) == {-1 if flip else 1}
        x = results['intrinsics'][0, 2] * 64  # where the optical axis meets the view, continuous pixels
        left = int(labels[0, 0]) + 1 - x if flip else int(labels[0, 0]) + x
        assert left == pytest.approx(61)


def test_the_working_size_counts_as_that_of_the_files(root):
    labels = np.arange(HEIGHT * WIDTH, dtype=np.int64).reshape(HEIGHT, WIDTH) % 19
    path = root / 'labels/ulm/ulm_000000_000002_gtFine_labelTrainIds.png'
    write_png(path, labels.astype(np.uint8))
    results = dict(img_path=str(root / 'images/ulm/ulm_000000_000002_leftImg8bit.png'), seg_map_path=str(path))
    for transform in (LoadImage(), LoadLabels(), WorkingSize((WIDTH // 2, HEIGHT // 2))):
        results = transform(results)
    assert results['ori_shape'] == results['img_shape'] == (HEIGHT // 2, WIDTH // 2) == results['gt_seg_map'].shape
    assert results['seg_fields'] == ['gt_seg_map'] and results['img'].shape == (HEIGHT // 2, WIDTH // 2, 3)
    squares = labels.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).transpose(0, 2, 1, 3).reshape(HEIGHT // 2, WIDTH // 2, 4)
    assert (results['gt_seg_map'][..., None] == squares).any(-1).all()
