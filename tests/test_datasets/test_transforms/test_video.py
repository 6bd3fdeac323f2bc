from __future__ import annotations

import colorsys
import itertools

import cv2
import numpy as np
import pytest

from mmdepthcp.datasets.transforms import ColorJitterClip, CropClip, FlipClip, LoadClip, PackMonoInputs, ResizeClip
from mmdepthcp.datasets.transforms.video import jitter_colours
from mmdepthcp.geometry.cameras import intrinsic_matrix
from mmdepthcp.utils.errors import InputError

NAMES = ('brightness', 'contrast', 'saturation', 'hue')
NEUTRAL = dict(brightness=1., contrast=1., saturation=1., hue=0.)


def clip(seed: int = 0, size: tuple[int, int] = (30, 20)) -> dict:
    rng = np.random.default_rng(seed)
    frames = [rng.integers(0, 256, (size[1], size[0], 3)).astype(np.uint8) for _ in range(3)]
    return dict(frames=frames, intrinsics=intrinsic_matrix(1.1, 2.2, .53, .48), rng=np.random.default_rng(seed),
                img_path='frame.png', offsets=[-1, 0, 1], ori_shape=(size[1], size[0]))


def test_resizing_keeps_normalised_intrinsics():
    results = ResizeClip((15, 10))(clip())
    assert [frame.shape for frame in results['frames']] == [(10, 15, 3)] * 3
    assert results['img_shape'] == (10, 15) and results['ori_shape'] == (20, 30)
    np.testing.assert_array_equal(results['intrinsics'], clip()['intrinsics'])
    mean = clip()['frames'][1][:2, :2].astype(float).mean((0, 1))
    np.testing.assert_allclose(results['frames'][1][0, 0], mean, atol=.51)


def test_flipping_all_frames_or_none():
    before = clip()
    flipped = FlipClip(1.)(clip())
    for frame, mirrored in zip(before['frames'], flipped['frames'], strict=True):
        np.testing.assert_array_equal(mirrored, frame[:, ::-1])
    np.testing.assert_allclose(flipped['intrinsics'], intrinsic_matrix(1.1, 2.2, .47, .48))
    same = FlipClip(0.)(clip())
    np.testing.assert_array_equal(same['frames'], before['frames'])
    assert (flipped['flip'], same['flip']) == (True, False)
    assert 400 < sum(FlipClip()(clip(seed))['flip'] for seed in range(1000)) < 600


def test_cropping_the_same_window():
    before = clip()
    places = set()
    for seed in range(40):
        results = clip()
        results['rng'] = np.random.default_rng(seed)
        results = CropClip((12, 20))(results)
        x = next(x for x in range(19) if (before['frames'][0][:, x:x + 12] == results['frames'][0]).all())
        for frame, window in zip(before['frames'], results['frames'], strict=True):
            np.testing.assert_array_equal(window, frame[:, x:x + 12])
        expected = intrinsic_matrix(1.1 * 30 / 12, 2.2, (.53 * 30 - x) / 12, .48)
        np.testing.assert_allclose(results['intrinsics'], expected)
        places.add(x)
    assert len(places) > 10 and min(places) == 0 and max(places) == 18
    with pytest.raises(InputError, match='too small'):
        CropClip((31, 20))(clip())


def _plain(image: np.ndarray, name: str, factor: float) -> np.ndarray:
    """One colour change of an RGB image in 0..1, as in the books."""
    grey = image @ [.299, .587, .114]
    if name == 'brightness':
        image = image * factor
    elif name == 'contrast':
        image = image * factor + grey.mean() * (1 - factor)
    elif name == 'saturation':
        image = image * factor + grey[..., None] * (1 - factor)
    else:
        turned = [colorsys.hsv_to_rgb((h + factor) % 1, s, v) for h, s, v in
                  (colorsys.rgb_to_hsv(*pixel) for pixel in image.reshape(-1, 3))]
        image = np.reshape(turned, image.shape)
    return image.clip(0, 1)


@pytest.mark.parametrize('order', list(itertools.permutations(NAMES))[::5])
def test_colours_against_the_plain_formulas(order):
    rng = np.random.default_rng(1)
    image = rng.integers(30, 220, (16, 20, 3)).astype(np.uint8)
    factors = dict(brightness=1.15, contrast=.85, saturation=1.2, hue=.05)
    expected = image[..., ::-1] / 255
    for name in order:
        expected = _plain(expected, name, factors[name])
    got = jitter_colours(image, order, **factors)[..., ::-1]
    assert got.dtype == np.uint8
    error = np.abs(got - expected * 255)
    assert error.mean() < 1.5 and np.percentile(error, 99) < 6


def test_neutral_factors_change_nothing_but_rounding():
    image = clip()['frames'][0]
    exact = jitter_colours(image, NAMES[:3], **NEUTRAL)
    np.testing.assert_array_equal(exact, image)
    error = np.abs(jitter_colours(image, NAMES, **NEUTRAL).astype(int) - image)
    assert error.mean() < 1.5 and error.max() < 8
    assert exact is not image and image.flags.writeable


def test_one_draw_for_all_frames():
    results = clip()
    results['frames'] = [results['frames'][0]] * 3
    jittered = ColorJitterClip(prob=1.)(results)['augmented']
    np.testing.assert_array_equal(jittered[0], jittered[1])
    np.testing.assert_array_equal(jittered[0], jittered[2])
    assert (jittered[0] != results['frames'][0]).any()


def test_clean_frames_stay():
    results = ColorJitterClip(prob=1.)(clip())
    np.testing.assert_array_equal(results['frames'], clip()['frames'])
    unchanged = ColorJitterClip(prob=0.)(clip())
    np.testing.assert_array_equal(unchanged['augmented'], unchanged['frames'])


def test_draws_do_not_depend_on_the_coin():
    """So that switching the jitter off does not change what later transforms draw."""
    later = [ColorJitterClip(prob=prob)(clip())['rng'].random() for prob in (0., 1.)]
    assert later[0] == later[1]


@pytest.mark.parametrize('transform', [FlipClip(), ColorJitterClip(), CropClip((2, 2))])
def test_random_transforms_need_the_samples_generator(transform):
    results = clip()
    del results['rng']
    with pytest.raises(KeyError, match='rng'):
        transform(results)


def test_packing():
    results = ColorJitterClip(prob=1.)(FlipClip(1.)(clip()))
    packed = PackMonoInputs()(results)
    clean, augmented = packed['inputs']['clean'], packed['inputs']['augmented']
    assert tuple(clean.shape) == tuple(augmented.shape) == (3, 3, 20, 30)
    np.testing.assert_array_equal(clean[1].permute(1, 2, 0).numpy(), clip()['frames'][1][:, ::-1])
    np.testing.assert_array_equal(augmented[2].permute(1, 2, 0).numpy(), results['augmented'][2])
    sample = packed['data_samples']
    np.testing.assert_allclose(sample.intrinsics, results['intrinsics'], rtol=1e-6)
    assert sample.offsets == [-1, 0, 1] and sample.flip is True and sample.ori_shape == (20, 30)


@pytest.fixture
def files(tmp_path):
    for name, frame in zip('abc', clip()['frames'], strict=True):
        cv2.imwrite(str(tmp_path / f'{name}.png'), frame)
    cv2.imwrite(str(tmp_path / 'depth.png'), np.full((20, 30), 640, np.uint16))
    return tmp_path


def _paths(folder, names='abc', **kwargs):
    return dict(img_path=str(folder / 'b.png'), frame_paths=[str(folder / f'{name}.png') for name in names], **kwargs)


def test_loading(files):
    results = LoadClip()(_paths(files))
    np.testing.assert_array_equal(results['frames'], clip()['frames'])
    assert 'intrinsics' not in results and 'gt_depth_map' not in results
    with_depth = LoadClip()(_paths(files, 'b', depth_path=str(files / 'depth.png')))
    assert with_depth['gt_depth_map'].shape == (20, 30) and (with_depth['gt_depth_map'] == 2.5).all()


def test_grey_frames_get_three_channels(files):
    cv2.imwrite(str(files / 'b.png'), np.arange(600, dtype=np.uint16).reshape(20, 30).astype(np.uint8))
    frame = LoadClip()(_paths(files, 'b'))['frames'][0]
    assert frame.shape == (20, 30, 3)
    np.testing.assert_array_equal(frame[..., 0], frame[..., 2])


@pytest.mark.parametrize(('intrinsics', 'word'), [
    (np.diag([0., 0, 1]), 'positive'), (intrinsic_matrix(30, 30, 12, 8), 'pixels'), (np.ones(3), 'four numbers')])
def test_intrinsics_of_no_camera(files, intrinsics, word):
    with pytest.raises(InputError, match=rf'a\.png: intrinsics: .*{word}'):
        LoadClip()(_paths(files, intrinsics=intrinsics))


def test_unusable_files(files):
    with pytest.raises(InputError, match=r'd\.png'):
        LoadClip()(_paths(files, 'abd'))
    with pytest.raises(InputError, match=r'nowhere\.png'):
        LoadClip()(_paths(files, 'b', depth_path=str(files / 'nowhere.png')))
    cv2.imwrite(str(files / 'depth.png'), np.full((20, 31), 640, np.uint16))
    with pytest.raises(InputError, match='must agree'):
        LoadClip()(_paths(files, 'b', depth_path=str(files / 'depth.png')))
    cv2.imwrite(str(files / 'c.png'), np.zeros((20, 31, 3), np.uint8))
    with pytest.raises(InputError, match=r'c\.png.*must agree'):
        LoadClip()(_paths(files))
    (files / 'c.png').write_bytes(b'')
    with pytest.raises(InputError, match='empty'):
        LoadClip()(_paths(files))
