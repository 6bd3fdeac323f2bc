from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmdepthcp.datasets import EpochSampler, SeededConcatDataset, VideoClipDataset
from mmdepthcp.datasets.layouts import LAYOUTS
from mmdepthcp.datasets.video import frame_difference
from mmdepthcp.utils.errors import InputError

SIZE = (24, 16)
TRAIN = [dict(type=f'mmdepthcp.{name}', **kwargs) for name, kwargs in (
    ('LoadClip', {}), ('ResizeClip', dict(scale=(12, 8))), ('FlipClip', {}), ('ColorJitterClip', {}),
    ('PackMonoInputs', {}))]


def frame(path: Path, value: int = 100, size: tuple[int, int] = SIZE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((size[1], size[0], 3), value, np.uint8))


def depth(path: Path, metres: float = 5, size: tuple[int, int] = SIZE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((size[1], size[0]), metres * 256, np.uint16))


def infos(dataset) -> list[dict]:
    return [dataset.get_data_info(index) for index in range(len(dataset))]


def centres(dataset) -> list[str]:
    return [Path(info['img_path']).stem.removesuffix('_leftImg8bit') for info in infos(dataset)]


def focal(info) -> float:
    return info['intrinsics'][0, 0] * SIZE[0]


@pytest.fixture
def cityscapes(tmp_path):
    """Two sequences of which one has a gap, with the calibration of one frame each; depth of two frames."""
    for name, numbers in (('ulm_000000', range(5)), ('ulm_000001', (0, 1, 2, 4, 5, 6))):
        for number in numbers:
            frame(tmp_path / f'leftImg8bit_sequence/train/ulm/{name}_{number:06d}_leftImg8bit.png', 20 * number)
    for name, fx in (('ulm_000000_000002', 30), ('ulm_000001_000001', 31), ('ulm_000001_000006', 32)):
        camera = tmp_path / f'camera/train/ulm/{name}_camera.json'
        camera.parent.mkdir(parents=True, exist_ok=True)
        camera.write_text(json.dumps(dict(intrinsic=dict(fx=fx, fy=fx, u0=12, v0=8))))
    for name in ('ulm_000000_000000', 'ulm_000001_000004'):
        depth(tmp_path / f'depth/train/ulm/{name}_depth.png')
    return dict(layout='cityscapes', data_root=str(tmp_path), data_prefix=dict(
        img_path='leftImg8bit_sequence/train', camera_path='camera/train', depth_path='depth/train'))


def test_the_size_that_calibrations_are_taken_for_is_told_once(cityscapes, notices):
    VideoClipDataset(**cityscapes)
    told = [notice for notice in notices if 'the calibrations do not say which size of images' in notice]
    assert len(told) == 1 and 'leftImg8bit_sequence/train: ' in told[0] and 'set calibration_size' in told[0]
    notices.clear()
    VideoClipDataset(calibration_size=(48, 32), **cityscapes)
    VideoClipDataset(intrinsics=(.58, 1.92, .5, .5), **cityscapes)
    assert not [notice for notice in notices if 'the calibrations do not say' in notice]


def test_cityscapes_clips(cityscapes):
    dataset = VideoClipDataset(**cityscapes)
    assert centres(dataset) == [f'ulm_000000_00000{n}' for n in (1, 2, 3)] + ['ulm_000001_000001', 'ulm_000001_000005']
    first = dataset.get_data_info(0)
    assert [Path(path).name[11:17] for path in first['frame_paths']] == ['000000', '000001', '000002']
    assert first['offsets'] == [-1, 0, 1] and first['clip'] == 'ulm_000000'
    np.testing.assert_allclose([focal(info) for info in infos(dataset)], [30, 30, 30, 31, 32])


@pytest.mark.parametrize(('offsets', 'expected'), [
    ((-2, 2), ['ulm_000000_000002', 'ulm_000001_000002', 'ulm_000001_000004']), ((1,), 8), ((-1, 1, 2), 2)])
def test_other_offsets(cityscapes, offsets, expected):
    dataset = VideoClipDataset(offsets=offsets, **cityscapes)
    assert (centres(dataset) if isinstance(expected, list) else len(dataset)) == expected
    assert dataset.get_data_info(0)['offsets'] == sorted((0, *offsets))


def test_frames_in_order_whatever_their_numbers(cityscapes):
    assert len(VideoClipDataset(frame_step=None, **cityscapes)) == 3 + 4


def test_frames_with_measured_depth(cityscapes):
    dataset = VideoClipDataset(test_mode=True, **cityscapes)
    assert centres(dataset) == ['ulm_000000_000000', 'ulm_000001_000004']
    info = dataset.get_data_info(0)
    assert info['frame_paths'] == [info['img_path']] and Path(info['depth_path']).is_file()


def test_intrinsics_given_or_learnt(cityscapes):
    given = VideoClipDataset(intrinsics=(.58, 1.92, .5, .5), **cityscapes).get_data_info(0)['intrinsics']
    np.testing.assert_allclose(given, [[.58, 0, .5], [0, 1.92, .5], [0, 0, 1]])
    assert 'intrinsics' not in VideoClipDataset(intrinsics=None, **cityscapes).get_data_info(0)


def test_calibration_of_shrunk_images(cityscapes):
    dataset = VideoClipDataset(calibration_size=(48, 32), **cityscapes)
    assert focal(dataset.get_data_info(0)) == pytest.approx(15)


def test_images_that_were_resized_after_calibration(cityscapes, tmp_path):
    """Cityscapes' camera files do not say their size: they are refused, not taken for that of the images."""
    file = tmp_path / 'camera/train/ulm/ulm_000000_000002_camera.json'
    file.write_text(json.dumps(dict(intrinsic=dict(fx=40, fy=40, u0=16, v0=11))))
    with pytest.raises(InputError, match=r'ulm_000000_000002_camera\.json: key intrinsic.*calibration_size'):
        len(VideoClipDataset(**cityscapes))
    assert focal(VideoClipDataset(calibration_size=(32, 22), **cityscapes).get_data_info(0)) == pytest.approx(30)


def test_images_of_cityscapes_that_were_resized(cityscapes, tmp_path, notices):
    """Its calibrations are for 2048x1024, whatever size the images are brought to."""
    for file in (tmp_path / 'camera').rglob('*.json'):
        file.write_text(json.dumps(dict(intrinsic=dict(fx=2262.52, fy=2265.3, u0=1096.98, v0=513.137))))
    for file in (tmp_path / 'leftImg8bit_sequence').rglob('*.png'):
        cv2.imwrite(str(file), np.zeros((16, 32, 3), np.uint8))
    matrix = VideoClipDataset(**cityscapes).get_data_info(0)['intrinsics']
    np.testing.assert_allclose(matrix[:2].ravel(), [1.1047, 0, .5356, 0, 2.2122, .5011], atol=1e-4)
    told = [notice for notice in notices if 'calibrations' in notice]
    assert len(told) == 1 and 'made for images of 2048x1024: scaled to these, 32x16' in told[0]


def test_shrunk_images_of_kitti_are_scaled(kitti, tmp_path, notices):
    file = tmp_path / 'raw/2011_09_26/calib_cam_to_cam.txt'
    file.write_text('S_rect_02: 48 32\nP_rect_02: 60 0 24 0 0 60 16 0 0 0 1 0\n')
    dataset = VideoClipDataset(**kitti)
    np.testing.assert_allclose([focal(info) for info in infos(dataset)], 30)
    assert sum('made for images of 48x32, these are 24x16: scaled' in notice for notice in notices) == 1


@pytest.mark.parametrize(('options', 'message'), [
    (dict(intrinsics=(721.5, 721.5, 609.6, 172.9)), 'intrinsics: .*pixels'),
    (dict(intrinsics=(0, 0, .5, .5)), 'positive'),
    (dict(intrinsics=[.58, 1.92, .5]), 'four numbers'), (dict(calibration_size=(0, 4)), 'calibration_size'),
    (dict(calibration_size=4), 'calibration_size')])
def test_cameras_in_the_config_are_checked(cityscapes, options, message):
    with pytest.raises(InputError, match=message):
        VideoClipDataset(**options, **cityscapes)


def test_kitti_drives(kitti):
    dataset = VideoClipDataset(**kitti)
    assert centres(dataset) == ['0000000001', '0000000002'] * 2
    assert focal(dataset.get_data_info(0)) == pytest.approx(30)
    assert dataset.get_data_info(3)['clip'] == '2011_09_26/2011_09_26_drive_0002_sync'


def test_kitti_depth_in_both_places(kitti):
    assert len(VideoClipDataset(test_mode=True, depth_kind='groundtruth', **kitti)) == 2
    with pytest.raises(InputError, match='depth_kind'):
        VideoClipDataset(test_mode=True, **kitti)


def test_kitti_odometry(tmp_path):
    for sequence, camera in (('00', 2), ('00', 0), ('01', 0)):
        for number in range(3):
            frame(tmp_path / f'{sequence}/image_{camera}/{number:06d}.png')
        (tmp_path / sequence / 'calib.txt').write_text(
            'P0: 20 0 12 0 0 20 8 0 0 0 1 0\nP2: 30 0 12 0 0 30 8 0 0 0 1 0\n')
    dataset = VideoClipDataset('kitti_odometry', str(tmp_path))
    assert [Path(info['img_path']).parent.name for info in infos(dataset)] == ['image_2', 'image_0']
    np.testing.assert_allclose([focal(info) for info in infos(dataset)], [30, 20])
    grey = VideoClipDataset('kitti_odometry', str(tmp_path), camera=0)
    np.testing.assert_allclose([focal(info) for info in infos(grey)], [20, 20])


def _intrinsics_file(path: Path, fx: float) -> None:
    path.write_text(json.dumps(dict(fx=fx, fy=fx, cx=12, cy=8, width=24, height=16)))


def test_folders_of_frames(tmp_path):
    for folder in ('a', 'b/c'):
        for number in range(8, 12):
            frame(tmp_path / f'{folder}/frame{number}.jpg')
    for number in (3, 5, 7):
        frame(tmp_path / f'mixed/x_{number}.png')
        frame(tmp_path / f'mixed/y_{number}.png')
    _intrinsics_file(tmp_path / 'intrinsics.json', 30)
    _intrinsics_file(tmp_path / 'b/intrinsics.json', 31)
    dataset = VideoClipDataset('folder', str(tmp_path))
    assert centres(dataset) == ['frame9', 'frame10'] * 2
    np.testing.assert_allclose([focal(info) for info in infos(dataset)], [30, 30, 31, 31])
    double = VideoClipDataset('folder', str(tmp_path), frame_step=2)
    assert centres(double) == ['x_5', 'y_5']
    assert {info['clip'] for info in infos(double)} == {'mixed/x', 'mixed/y'}


def test_frames_without_numbers(tmp_path, notices):
    for name in 'cab':
        frame(tmp_path / f'{name}.png')
    with pytest.raises(InputError, match=r'3 images have no number .*a\.png'):
        VideoClipDataset('folder', str(tmp_path), intrinsics=None)
    for number in range(3):
        frame(tmp_path / f'clip/{number}.png')
    assert centres(VideoClipDataset('folder', str(tmp_path), intrinsics=None)) == ['1']
    assert any('left out: 3 images' in notice for notice in notices)


def test_static_frames_are_left_out(cityscapes, tmp_path):
    still = tmp_path / 'leftImg8bit_sequence/train/ulm/ulm_000000_000003_leftImg8bit.png'
    frame(still, 41)
    cache = tmp_path / 'cache/differences.json'
    kwargs = dict(static_threshold=2., cache_path=str(cache), **cityscapes)
    dataset = VideoClipDataset(**kwargs)
    assert 'ulm_000000_000002' not in centres(dataset) and len(dataset) == 4
    known = json.loads(cache.read_text())
    assert sorted(known.values())[0][0] == pytest.approx(1) and len(known) == 5
    known[next(iter(known))][0] = 1.
    cache.write_text(json.dumps(known))
    assert len(VideoClipDataset(**kwargs)) == 3
    frame(still, 200)
    assert 'ulm_000000_000002' in centres(VideoClipDataset(**kwargs))
    with pytest.raises(InputError, match='static_threshold'):
        VideoClipDataset(**dict(kwargs, static_threshold=250.))


def test_frame_difference():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 200, (40, 160, 3)).astype(np.uint8)
    assert frame_difference(image, image) == 0
    assert frame_difference(image, image + 7) == pytest.approx(7, abs=.1)


def test_samples_do_not_depend_on_visits(cityscapes):
    first, second = (VideoClipDataset(pipeline=TRAIN, **cityscapes) for _ in range(2))
    list(second)
    for index in EpochSampler(first, seed=2):
        one, other = first[index], second[index]
        for key in ('clean', 'augmented'):
            np.testing.assert_array_equal(one['inputs'][key].numpy(), other['inputs'][key].numpy())
        np.testing.assert_array_equal(one['data_samples'].intrinsics, other['data_samples'].intrinsics)
    packed = first[2, 1, 0]
    assert tuple(packed['inputs']['clean'].shape) == tuple(packed['inputs']['augmented'].shape) == (3, 3, 8, 12)


def test_bottom_is_cut_off(cityscapes):
    dataset = VideoClipDataset(crop_bottom=.25, pipeline=TRAIN[:1], **cityscapes)
    results = dataset[0]
    assert results['frames'][0].shape == (12, 24, 3) and results['ori_shape'] == (12, 24)
    np.testing.assert_allclose(results['intrinsics'], [[30 / 24, 0, .5], [0, 30 / 12, 8 / 12], [0, 0, 1]])
    tested = VideoClipDataset(crop_bottom=.25, pipeline=TRAIN[:1], test_mode=True, **cityscapes)[0]
    assert tested['gt_depth_map'].shape == (12, 24)


@pytest.mark.parametrize(('change', 'word'), [
    (dict(layout='waymo'), 'waymo'), (dict(offsets=(0, 1)), 'offsets'), (dict(offsets=()), 'offsets'),
    (dict(offsets=(1, 1)), 'offsets'), (dict(crop_bottom=1.), 'crop_bottom'), (dict(intrinsics='none'), 'intrinsics'),
    (dict(frame_step=0), 'frame_step'), (dict(frame_step=-1), 'frame_step'), (dict(frame_step=1.5), 'frame_step'),
    (dict(ann_file='nowhere.txt'), 'nowhere.txt'), (dict(offsets=(-9, 9)), 'frame_step'),
    (dict(layout='kitti_raw'), 'kitti_raw'), (dict(layout='folder', frame_step=1), 'intrinsics.json')])
def test_bad_arguments(cityscapes, change, word):
    with pytest.raises(InputError, match=word):
        VideoClipDataset(**{**cityscapes, **change})


def test_missing_and_empty_folders(tmp_path):
    for layout in LAYOUTS:
        with pytest.raises(InputError, match='no such folder'):
            VideoClipDataset(layout, str(tmp_path / 'nowhere'))
        with pytest.raises(InputError, match='holds no'):
            VideoClipDataset(layout, str(tmp_path))


def test_missing_calibration(kitti, cityscapes, tmp_path):
    (tmp_path / 'raw/2011_09_26/calib_cam_to_cam.txt').unlink()
    with pytest.raises(InputError, match=r'calib_cam_to_cam\.txt'):
        VideoClipDataset(**kitti)
    del cityscapes['data_prefix']['camera_path']
    with pytest.raises(InputError, match='camera_path'):
        VideoClipDataset(**cityscapes)


def test_prefixes_are_known(cityscapes):
    cityscapes['data_prefix']['camera'] = cityscapes['data_prefix'].pop('camera_path')
    with pytest.raises(InputError, match=r"data_prefix\['camera'\] is unknown, did you mean camera_path"):
        VideoClipDataset(**cityscapes)


def test_real_clips_together(data_root):
    kitti = data_root / 'kitti_sample'
    datasets = [
        dict(type='VideoClipDataset', layout='kitti_raw', data_root=str(kitti / 'raw_drive'), static_threshold=3.),
        dict(type='VideoClipDataset', layout='kitti_odometry', data_root=str(kitti / 'odometry_gray')),
        dict(type='VideoClipDataset', layout='folder', data_root=str(data_root / 'camvid'), intrinsics=None,
             data_prefix=dict(img_path='images/val'), ann_file='splits/sequence_15hz_0016E5.txt', frame_step=2)]
    joined = SeededConcatDataset([dict(dataset, pipeline=TRAIN) for dataset in datasets])
    drive, odometry, camvid = (len(dataset) for dataset in joined.datasets)
    assert 45 <= drive <= 55
    assert (odometry, camvid) == (2 * 49, 99)
    for index, known in ((0, True), (drive, True), (len(joined) - 1, False)):
        packed = joined[0, 1, index]
        assert tuple(packed['inputs']['clean'].shape) == (3, 3, 8, 12)
        assert ('intrinsics' in packed['data_samples']) == known
    raw = joined.datasets[0].get_data_info(0)['intrinsics']
    np.testing.assert_allclose(raw[[0, 1, 0, 1], [0, 1, 2, 2]], (.58095, 1.92410, .49079, .46094), atol=1e-4)


def test_real_depth(data_root):
    dataset = VideoClipDataset('kitti_raw', str(data_root / 'kitti_sample/raw_drive'), test_mode=True,
                               pipeline=[TRAIN[0], TRAIN[1], TRAIN[4]])
    assert len(dataset) == 78
    packed = dataset[0]
    measured = packed['data_samples'].gt_depth_map.data
    assert tuple(measured.shape) == (1, 375, 1242) == (1, *packed['data_samples'].ori_shape)
    assert 14_000 < int((measured > 0).sum()) < 18_000 and float(measured.max()) < 130
    assert 'augmented' not in packed['inputs'] and tuple(packed['inputs']['clean'].shape) == (1, 3, 8, 12)
