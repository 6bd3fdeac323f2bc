"""Small files in the layouts that configs name, for tests."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mmdepthcp.datasets.crops import image_names
from mmdepthcp.datasets.street import StreetDataset
from mmdepthcp.datasets.video import VideoClipDataset
from mmdepthcp.registry import DATASETS
from mmdepthcp.sampling import write_neighbours
from mmdepthcp.utils.fileio import write_json
from mmdepthcp.utils.images import write_disparity, write_png, write_regions

WIDTH, HEIGHT = 96, 48


def settings_in(node: Any, key: str) -> Iterator[dict]:
    """All dicts in a config that have ``key``."""
    if isinstance(node, dict):
        if key in node:
            yield node
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for child in node:
            yield from settings_in(child, key)


def image(number: int) -> np.ndarray:
    noise = np.random.default_rng(number).integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    return cv2.resize(noise, (WIDTH, HEIGHT))


def blocks(ids: list[int], side: int = 12) -> np.ndarray:
    """(HEIGHT, WIDTH) squares that show the ids in turn."""
    rows, columns = HEIGHT // side, WIDTH // side
    cells = np.resize(np.asarray(ids), rows * columns).reshape(rows, columns)
    return cells.repeat(side, 0).repeat(side, 1)


def write_streets(config: dict, count: int) -> None:
    """Images, and beside them whatever the data set looks for."""
    defaults = inspect.signature(DATASETS.get(config['type'])).parameters
    suffix = config.get('img_suffix') or defaults['img_suffix'].default
    suffix = suffix if isinstance(suffix, str) else suffix[0]
    names = [f'ulm/ulm_000000_{number:06d}' for number in range(count)]
    for number, name in enumerate(names):
        write_png(Path(config['data_root'], config['data_prefix']['img_path'], name + suffix), image(number))
    write_list(config, names)
    dataset = DATASETS.build({**config, 'pipeline': []})
    for item in dataset:
        if 'seg_map_path' in item:
            classes = len(dataset.metainfo['classes'])
            write_png(item['seg_map_path'], blocks(list(item['label_map'] or range(classes))).astype(np.uint8))
        if 'disparity_path' in item:
            write_disparity(item['disparity_path'], np.linspace(.05, .9, HEIGHT)[:, None].repeat(WIDTH, 1))
        if 'region_path' in item:
            write_regions(item['region_path'], blocks(list(range(32))))


def write_objects(config: dict, count: int) -> None:
    """Images and a file of annotations: one object of every class in each image."""
    encode = pytest.importorskip('pycocotools.mask').encode
    classes = DATASETS.get(config['type']).METAINFO['classes']
    names = [f'ulm_{number:06d}.png' for number in range(count)]
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[12:36, 24:60] = 1
    rle = encode(np.asfortranarray(mask))
    segmentation = dict(size=list(rle['size']), counts=rle['counts'].decode())
    for number, name in enumerate(names):
        write_png(Path(config['data_root'], config['data_prefix']['img'], name), image(number))
    write_json(Path(config['data_root'], config['ann_file']), dict(
        images=[dict(id=index, file_name=name, height=HEIGHT, width=WIDTH) for index, name in enumerate(names)],
        categories=[dict(id=index + 1, name=name) for index, name in enumerate(classes)],
        annotations=[
            dict(id=1 + index + count * label, image_id=index, category_id=label + 1, iscrowd=0, area=int(mask.sum()),
                 bbox=[24, 12, 36, 24], segmentation=segmentation)
            for index in range(count) for label in range(len(classes))]))


def write_clips(config: dict, count: int) -> None:
    """One short clip with calibration, and depth where the config says that there is some."""
    prefix = {key: Path(config['data_root'], folder) for key, folder in config['data_prefix'].items()}
    images, layout = prefix['img_path'], config['layout']
    step = config.get('frame_step') or 1
    numbers = range(0, count * step, step)
    camera = config.get('camera')
    if layout == 'cityscapes':
        stems = [f'ulm/ulm_000000_{number:06d}' for number in numbers]
        frames = [f'{stem}_leftImg8bit' for stem in stems]
        depth = [prefix.get('depth_path', images) / f'{stem}_depth.png' for stem in stems]
        if 'camera_path' in prefix:
            write_json(prefix['camera_path'] / f'{stems[0]}_camera.json', dict(intrinsic=dict(
                fx=WIDTH, fy=WIDTH, u0=WIDTH / 2, v0=HEIGHT / 2)))
    elif layout == 'kitti_raw':
        stream = f'image_{2 if camera is None else camera:02d}'
        drive = '2011_09_26/2011_09_26_drive_0001_sync'
        frames = [f'{drive}/{stream}/data/{number:010d}' for number in numbers]
        home = prefix.get('depth_path', images) / drive / 'proj_depth' / config.get('depth_kind', 'velodyne_raw')
        depth = [home / stream / f'{number:010d}.png' for number in numbers]
        write_calibration(images / '2011_09_26/calib_cam_to_cam.txt', 'P_rect_{:02d}', 'S_rect_{:02d}')
    elif layout == 'kitti_odometry':
        frames, depth = [f'00/image_{camera or 0}/{number:06d}' for number in numbers], []
        write_calibration(images / '00/calib.txt', 'P{}')
    else:
        frames, depth = [f'{number:06d}' for number in numbers], []
        if config.get('intrinsics', 'calibration') == 'calibration':
            write_json(images / 'intrinsics.json', dict(
                fx=WIDTH, fy=WIDTH, cx=WIDTH / 2, cy=HEIGHT / 2, width=WIDTH, height=HEIGHT))
    for number, frame in enumerate(frames):
        write_png(images / f'{frame}.png', image(number))
    if config.get('test_mode'):
        for path in depth:
            write_png(path, (256 * np.linspace(60, 5, HEIGHT)).astype(np.uint16)[:, None].repeat(WIDTH, 1))
    write_list(config, frames)


def write_calibration(path: Path, projection: str, size: str | None = None) -> None:
    matrix = f'{WIDTH} 0 {WIDTH / 2} 0 0 {WIDTH} {HEIGHT / 2} 0 0 0 1 0'
    lines = [f'{projection.format(camera)}: {matrix}' for camera in range(4)]
    lines += [f'{size.format(camera)}: {WIDTH} {HEIGHT}' for camera in range(4)] if size else []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join(lines))


def write_list(config: dict, names: list[str]) -> None:
    if config.get('ann_file'):
        path = Path(config['data_root'], config['ann_file'])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('\n'.join(names))


def write_data(config: dict) -> None:
    """Small files for every data set that a config names."""
    batch_size = max(loader['batch_size'] for loader in settings_in(config, 'batch_size'))
    few = max((subset['count'] for subset in settings_in(config, 'count')), default=0)
    images_of_a_group = max((group['num_images'] for group in settings_in(config, 'num_images')),
                            default=max(10, batch_size) + few)
    frames = 2 + batch_size
    for dataset in settings_in(config, 'data_root'):
        if 'type' in dataset:
            assert not Path(dataset['data_root']).is_absolute(), 'configs name data below the working directory'
            kind = DATASETS.get(dataset['type'])
            if 'InstanceDataset' in kind.__name__:
                write_objects(dataset, images_of_a_group)
            elif issubclass(kind, StreetDataset):
                write_streets(dataset, images_of_a_group)
            else:
                assert issubclass(kind, VideoClipDataset), f'no files are written here for a {kind}'
                write_clips(dataset, frames)
    for pairs in settings_in(config, 'neighbours'):
        names = image_names(DATASETS.build(pairs['dataset']))
        ranks = np.arange(min(8, len(names)))
        write_neighbours(pairs['neighbours'], names, (np.arange(len(names))[:, None] + ranks) % len(names))
