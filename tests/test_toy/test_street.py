from __future__ import annotations

import numpy as np
import pytest

from mmdepthcp.toy import Camera, camera_pose, drive, make_street, render
from mmdepthcp.toy.classes import TOY_CLASSES, TOY_LABEL_IDS, TOY_TRAIN_IDS

CAMERA = Camera(128, 64, 122.0, 122.0, 64.0, 32.0)
ROAD, SKY, PERSON, CAR = (TOY_TRAIN_IDS[TOY_CLASSES.index(name)] for name in ('road', 'sky', 'person', 'car'))


def _drive(seed: int, num_frames: int):
    rng = np.random.default_rng(seed)
    scene = make_street(rng)
    poses = drive(rng, scene, num_frames)
    return scene, poses, [render(scene, CAMERA, pose, k) for k, pose in enumerate(poses)]


@pytest.fixture(scope='module')
def frames():
    """One frame of each of 16 drives."""
    return [_drive(seed, 1)[2][0] for seed in range(16)]


def test_drive_moves_forward_with_small_turns():
    rng = np.random.default_rng(3)
    scene = make_street(rng)
    poses = drive(rng, scene, 20)
    steps = np.linalg.norm(np.diff(poses[:, :3, 3], axis=0), axis=1)
    assert steps.min() > 0.4 and steps.max() < 1.35
    np.testing.assert_allclose(
        np.einsum('nij,nik->njk', poses[:, :3, :3], poses[:, :3, :3]),
        np.tile(np.eye(3), (20, 1, 1)),
        atol=1e-9,
    )
    turns = np.einsum('ni,ni->n', poses[1:, :3, 2], poses[:-1, :3, 2])
    assert np.degrees(np.arccos(np.clip(turns, -1, 1))).max() < 3
    forward = np.einsum('ni,ni->n', np.diff(poses[:, :3, 3], axis=0), poses[:-1, :3, 2])
    assert (forward > 0.9 * steps).all()


def test_camera_pose_axes():
    np.testing.assert_allclose(
        camera_pose((1, 2, 3), 0.0), [[1, 0, 0, 1], [0, 0, 1, 2], [0, -1, 0, 3], [0, 0, 0, 1]], atol=1e-12
    )
    assert camera_pose((0, 0, 0), np.radians(90))[0, 2] == pytest.approx(1)  # heads to the right
    assert camera_pose((0, 0, 0), 0.0, pitch=0.2)[2, 2] == pytest.approx(-np.sin(0.2))  # looks down


def test_depth_of_the_road_is_that_of_its_plane():
    scene = make_street(np.random.default_rng(5))
    scene.primitives.centre[:, 2] += 1000  # leaves the ground alone
    height = 1.5
    frame = render(scene, CAMERA, camera_pose((scene.ground.centre(0.0), 0.0, height), 0.0))
    rows = np.arange(CAMERA.height) + 0.5
    expected = height * CAMERA.fy / (rows - CAMERA.cy)
    road = frame.semantic == ROAD
    assert road[-1].any() and road.sum() > 500
    np.testing.assert_allclose(
        frame.depth[road], np.broadcast_to(expected[:, None], road.shape)[road], rtol=1e-5
    )


def test_depth_and_normalised_labels_of_a_known_box():
    scene = make_street(np.random.default_rng(6))
    solids = scene.primitives
    solids.centre[:, 2] += 1000
    body = int(np.flatnonzero(solids.train_id == CAR)[0])
    solids.centre[body], solids.rotation[body], solids.half[body] = (
        (0.0, 12.0, 1.5),
        np.eye(3),
        (1.0, 2.0, 1.0),
    )
    solids.num_planes[body] = 0
    frame = render(scene, CAMERA, camera_pose((0.0, 0.0, 1.5), 0.0))
    inside = np.zeros((64, 128), bool)
    inside[32 - 12 : 32 + 12, 64 - 12 : 64 + 12] = True  # 1 m · 122 px / 10 m to each side
    np.testing.assert_array_equal(frame.semantic == CAR, inside)
    np.testing.assert_allclose(frame.depth[inside], 10.0, rtol=1e-6)
    assert set(np.unique(frame.instance[inside])) == {26000 + solids.instance[body] - 1}


def _warp(source: np.ndarray, depth: np.ndarray, pose: np.ndarray, source_pose: np.ndarray) -> tuple:
    """Interpolated ``source`` where the points at ``depth`` project to, their depth there, which lie inside."""
    height, width = depth.shape
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    points = np.stack(
        [(x - CAMERA.cx) / CAMERA.fx * depth, (y - CAMERA.cy) / CAMERA.fy * depth, depth, np.ones_like(depth)]
    )
    moved = (np.linalg.inv(source_pose) @ pose @ points.reshape(4, -1)).reshape(4, height, width)
    u = CAMERA.fx * moved[0] / np.maximum(moved[2], 1e-6) + CAMERA.cx - 0.5
    v = CAMERA.fy * moved[1] / np.maximum(moved[2], 1e-6) + CAMERA.cy - 0.5
    inside = (moved[2] > 0.1) & (u >= 0) & (u <= width - 1) & (v >= 0) & (v <= height - 1)
    u0, v0 = np.clip(u.astype(int), 0, width - 2), np.clip(v.astype(int), 0, height - 2)
    a, b = (u - u0)[..., None], (v - v0)[..., None]
    source = source.reshape(height, width, -1).astype(float)
    warped = (source[v0, u0] * (1 - a) + source[v0, u0 + 1] * a) * (1 - b) + (
        source[v0 + 1, u0] * (1 - a) + source[v0 + 1, u0 + 1] * a
    ) * b
    return warped, moved[2], inside


@pytest.mark.parametrize('seed', [11, 12, 13])
def test_depth_and_pose_explain_the_next_frame(seed):
    _, poses, (first, _, third) = _drive(seed, 3)
    depth = first.depth.astype(float)
    warped, moved, inside = _warp(third.image, depth, poses[0], poses[2])
    use = inside & ~np.isin(first.semantic, (SKY, PERSON, CAR)) & (depth < 30)
    image = first.image.astype(float)
    assert np.abs(warped - image)[use].mean() < 0.65 * np.abs(third.image - image)[use].mean()

    closeness, _, _ = _warp(
        1 / np.maximum(third.depth, 1e-6), depth, poses[0], poses[2]
    )  # linear over a plane's image
    error = np.abs(closeness[..., 0] * moved - 1)[use & (first.semantic == ROAD)]
    assert np.median(error) < 1e-4


def test_labels_agree(frames):
    label_of = dict(zip(TOY_TRAIN_IDS, TOY_LABEL_IDS, strict=True))
    for frame in frames:
        assert frame.image.shape == (64, 128, 3) and frame.image.dtype == np.uint8
        assert frame.semantic.dtype == frame.label.dtype == np.uint8 and frame.instance.dtype == np.uint16
        assert set(np.unique(frame.semantic)) <= set(TOY_TRAIN_IDS)
        np.testing.assert_array_equal(frame.label, np.vectorize(label_of.get)(frame.semantic))
        thing = np.isin(frame.semantic, (PERSON, CAR))
        np.testing.assert_array_equal(frame.instance[~thing], frame.label[~thing])
        np.testing.assert_array_equal(frame.instance[thing] // 1000, frame.label[thing])
        np.testing.assert_array_equal(frame.depth == 0, frame.semantic == SKY)
        assert frame.depth.max() <= 250


def test_every_class_appears(frames):
    shares = {
        name: np.mean([(frame.semantic == id).mean() for frame in frames])
        for name, id in zip(TOY_CLASSES, TOY_TRAIN_IDS, strict=True)
    }
    assert min(shares.values()) > 0.003, shares


def test_colour_alone_does_not_tell_the_class(frames):
    """Nearest mean colour, with the true class means known: the mean recall of the classes stays low."""
    colours = np.concatenate([frame.image.reshape(-1, 3) for frame in frames]).astype(float)
    classes = np.concatenate([frame.semantic.ravel() for frame in frames])
    means = np.array([colours[classes == id].mean(0) for id in TOY_TRAIN_IDS])
    nearest = np.array(TOY_TRAIN_IDS)[((colours[:, None] - means) ** 2).sum(2).argmin(1)]
    recall = np.mean([(nearest[classes == id] == id).mean() for id in TOY_TRAIN_IDS])
    assert recall < 0.3


def test_same_seed_same_picture_and_other_seed_another():
    first, again, other = (_drive(seed, 2)[2][1] for seed in (21, 21, 22))
    for name in ('image', 'depth', 'semantic', 'instance'):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert (first.image != other.image).mean() > 0.5


def test_cars_and_people_move_with_time():
    scene, _, _ = _drive(2, 1)
    moving = scene.primitives.velocity.any(1)
    assert moving.any()
    assert set(scene.primitives.train_id[moving]) <= {PERSON, CAR}
