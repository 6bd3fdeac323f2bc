"""Draw the pictures of docs/concepts.md, a toy street in depth and regions, mixed views, what the loss compares, and
the views of each row of configs/tables/ablation_toy.py.

    python docs/pictures.py                  # into docs/images

Nothing is learnt: the streets are rendered, and depth is the renderer's.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
CONFIG = 'configs/depthcp_toy.py'
TABLE = 'configs/tables/ablation_toy.py'
VARIANTS = ('depthcp', 'whole', 'grid', 'colour', 'true', 'off', 'own', 'order', 'placement', 'random')
"""Rows of the table that change what the views look like and need no network."""
SIZE, VIEW = (512, 256), (384, 192)
SEED, EPOCH, GROUP = 0, 0, 3
STREETS = 16
STREET = 2
SHOWN = (1, 2, 3)
LINES = 12
QUALITY = 64


def run(*command: Any) -> None:
    """A tool, quietly."""
    subprocess.run([sys.executable, ROOT / 'tools' / command[0], *map(str, command[1:])], check=True,
                   stdout=subprocess.DEVNULL)


def write_streets(data: Path) -> None:
    """Toy streets, exact disparity and regions below a folder."""
    images = data / 'leftImg8bit/train'
    run('dataset_converters/toy_streets.py', data, '--train', STREETS, '--val', 0, '--frames', 1, '--size', *SIZE)
    run('dataset_converters/depth_maps.py', data / 'depth/train', data / 'exact', '--suffix', '_depth.png',
        '--image-suffix', '_leftImg8bit', '--holes', 'far')
    run('group_regions.py', images, data / 'exact', data / 'regions', '--camera-root', data / 'camera/train',
        '--params', 'max_regions=60', 'weights=0.2,15,4,-5')


def write_controls(data: Path) -> None:
    """The regions of the table's variants beside them."""
    controls = dict(whole=[], grid=[], colour=['--images', data / 'leftImg8bit/train'],
                    true=['--labels', data / 'gtFine/train', '--suffixes', '_leftImg8bit', '_gtFine_instanceIds'])
    for kind, more in controls.items():
        run('dataset_converters/control_regions.py', data / 'regions', data / f'regions_{kind}', '--kind', kind, *more)


def mixed_group(data: Path, changes: Sequence[str] = ()) -> dict[str, Any]:
    """A group of four images as the config mixes them, larger; with settings of a row of the table."""
    from mmengine.registry import init_default_scope

    from mmdepthcp.cli.tools import register_modules
    from mmdepthcp.config.loading import load_config
    from mmdepthcp.registry import DATASETS

    folders = dict(img='leftImg8bit/train', disparity='exact', region='regions')
    paths = [f'train_dataloader.dataset.dataset.data_prefix.{name}_path={data / folder}'
             for name, folder in folders.items()]
    config = load_config(ROOT / CONFIG, [*paths, *(change.format(work_dir=data) for change in changes)])
    register_modules()
    init_default_scope(config.default_scope)
    groups = config.train_dataloader.dataset
    larger = VIEW[0] / config.view_size[0]
    groups.dataset.pipeline = [
        dict(step, scale=VIEW) if step['type'] == 'ResizeStreet' else step for step in groups.dataset.pipeline]
    paste, *rest = (step for step in groups.pipeline if step['type'] != 'PackMixedViews')
    lengths = {name: round(larger * value) for name, value in paste.pastes.items()
               if name.startswith(('min_', 'whole_', 'position_'))}
    groups.pipeline = [dict(paste, pastes=dict(paste.pastes, **lengths)), *rest]
    dataset = DATASETS.build(groups)
    return dataset[SEED, EPOCH, GROUP % len(dataset)]


def titled(tiles: dict[str, np.ndarray]) -> np.ndarray:
    """Tiles side by side, each with its title in a strip above."""
    columns = []
    for title, tile in tiles.items():
        strip = np.full((28, tile.shape[1], 3), 255, np.uint8)
        cv2.putText(strip, title, (6, 20), cv2.FONT_HERSHEY_SIMPLEX, .55, (0, 0, 0), 1, cv2.LINE_AA)
        columns.append(np.vstack([strip, tile]))
    return np.hstack(columns)


def drawn(data: Path) -> dict[str, np.ndarray]:
    """All pictures by name, BGR, of what :func:`write_streets` and :func:`write_controls` wrote."""
    from mmdepthcp.utils.images import read_disparity, read_regions
    from mmdepthcp.visualization.maps import colorize_disparity, draw_regions
    from mmdepthcp.visualization.mixed_views import draw_mixed_views

    images = data / 'leftImg8bit/train'
    file = sorted(images.rglob('*.png'))[STREET]
    name = file.relative_to(images)
    street = cv2.imread(str(file))
    disparity, regions = read_disparity(data / 'exact' / name), read_regions(data / 'regions' / name)
    group = mixed_group(data)
    views = group['views']
    rng = np.random.default_rng(SEED)
    outlined = outlines(group)
    members = [member['img'] for member in group['group']]
    seen = {kind: draw_mixed_views(views[:4], first_views(group[f'{kind}_matches'], 4), LINES, rng)
            for kind in ('pixel', 'region')}
    return {
        'regions': titled({'image': street, 'disparity': colorize_disparity(disparity),
                           'depth regions': draw_regions(street, regions)}),
        'copy_paste': np.vstack([
            titled({f'image {number}': members[number] for number in SHOWN}),
            titled({f'view {number}': views[number] for number in SHOWN}),
            titled({f'view {number}: borders of the copies': outlined[number] for number in SHOWN})]),
        'matches': np.vstack([titled({'places that several views show': seen['pixel']}),
                              titled({'regions that several views show': seen['region']})]),
        'ablation_views': np.vstack(list(variants(data))),
    }


def outlines(group: dict[str, Any]) -> np.ndarray:
    """The views of a group with the borders of the copies in white."""
    from mmdepthcp.visualization.maps import id_borders

    outlined = group['views'].copy()
    for view, shown in zip(outlined, group['labels'], strict=True):
        view[id_borders(shown)] = 255
    return outlined


def variants(data: Path) -> Iterator[np.ndarray]:
    """The first views of the same group in each row of the table, with the borders of the copies."""
    from mmengine.config import Config

    rows = Config.fromfile(ROOT / TABLE).variants
    for name in VARIANTS:
        label, changes, _ = rows[name]
        views = outlines(mixed_group(data, changes))
        row = np.hstack([views[number] for number in SHOWN])
        yield titled({label.split(',')[0] if name == 'depthcp' else label: cv2.pyrDown(row)})


def first_views(matches: Any, count: int) -> dict[str, np.ndarray]:
    """Those in the first views, of groups that two of them show."""
    points, view, groups = (np.asarray(getattr(matches, name)) for name in ('points', 'views', 'groups'))
    kept = view < count
    shown = {group for group in np.unique(groups[kept]) if len(np.unique(view[kept & (groups == group)])) > 1}
    kept &= np.isin(groups, list(shown))
    return dict(points=points[kept], views=view[kept], groups=groups[kept])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--output-dir', type=Path, default=ROOT / 'docs/images', help='default: docs/images')
    args = parser.parse_args()
    args.output_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        write_streets(Path(folder))
        write_controls(Path(folder))
        for name, picture in drawn(Path(folder)).items():
            width = min(1200, picture.shape[1])
            small = cv2.resize(picture, (width, round(picture.shape[0] * width / picture.shape[1])),
                               interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(args.output_dir / f'{name}.jpg'), small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


if __name__ == '__main__':
    main()
