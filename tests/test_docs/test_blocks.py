"""Every block of commands or code in the documentation: run on toy streets, or read as the tools read it, or marked
with the reason why it is not run.
"""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from doc_blocks import ROOT, BadBlock, Block, all_blocks, blocks_of, check

RUN_PAGES = ('docs/get_started.md', 'docs/depth_from_elsewhere.md', 'docs/faq.md')
"""Pages whose blocks are run, in this order, in one folder, unless they are marked."""

NO_WORKERS = 'train_dataloader.num_workers=0 val_dataloader.num_workers=0 test_dataloader.num_workers=0'
SHORTER = (
    (r'--train 120 --val 25 --frames 5 --labels-per-sequence 2',
     '--train 4 --val 1 --frames 3 --size 64 32 --workers 1'),
    (r'epoch_1[02]\.pth', 'epoch_1.pth'),
    (r'tools/train.py configs/monodepth/monodepth_toy.py --work-dir \S+',
     rf'\g<0> --cfg-options {NO_WORKERS} train_cfg.max_epochs=1 train_dataloader.batch_size=2 custom_hooks=[]'),
    (r'tools/train.py configs/depthcp_toy.py',
     rf'\g<0> --cfg-options {NO_WORKERS} train_cfg.max_epochs=1 model.num_prototypes=16 '
     'model.backbone.init_cfg.checkpoint=work_dirs/depthcp_toy/depth/epoch_1.pth'),
    (r'tools/test.py configs/depthcp_toy.py (?:[^\n\\]|\\\n)*(?<=[\w\n])',
     rf'\g<0> --cfg-options {NO_WORKERS} model.num_prototypes=16'),
    (r'model.decode_head.init_cfg.prefix=decode_head\.',
     rf'\g<0> {NO_WORKERS} train_cfg.max_iters=1 train_cfg.val_interval=1 train_dataloader.batch_size=2'),
    (r'tools/\S*(?:group_regions|depth_maps)\.py', r'\g<0> --num-workers 0'),
)
"""What is written otherwise for the test, so that it takes seconds: fewer, smaller streets, one epoch, no workers."""

REAL = re.compile(
    r'cityscapes|kitti|camvid|coco|potsdam|imagenet|data/own|own_|hf-model|dist_\w+\.sh|slurm|cuda|pip install|https?:',
    re.I)
"""Names of data, machines and places that no test has."""

BLOCKS = all_blocks()
RUN = [block for page in RUN_PAGES for block in BLOCKS if block.page == page and not block.not_run]
CHECKED = [block for block in BLOCKS if block not in RUN]
MADE = (
    'work_dirs/depthcp_toy/disparity', 'work_dirs/depthcp_toy/regions', 'work_dirs/browse', 'segments/vis',
    'work_dirs/depthcp_toy/unsup.json', 'work_dirs/depthcp_toy/segmentation', 'work_dirs/semantic_fpn_toy/iter_1.pth',
    'backbone.pth', 'work_dirs/exact/regions', 'work_dirs/browse_exact', 'work_dirs/regions_few')
"""What the blocks leave behind."""


def shortened(block: Block) -> str:
    """The text of a block as the test runs it."""
    text = block.text
    for pattern, replacement in SHORTER:
        text = re.sub(pattern, replacement, text)
    return text


@pytest.fixture(scope='module')
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that looks like a clone, with a python that finds the package."""
    folder = tmp_path_factory.mktemp('clone')
    for name in ('configs', 'tools'):
        (folder / name).symlink_to(ROOT / name)
    python = folder / 'bin/python'
    python.parent.mkdir()
    python.write_text(f'#!/bin/bash\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    yield folder


@pytest.mark.parametrize('block', RUN, ids=str)
def test_run(block, sandbox):
    environment = dict(
        os.environ, PATH=f'{sandbox}/bin:{os.environ["PATH"]}', PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1')
    program = ['bash', '-euo', 'pipefail', '-c'] if block.language == 'bash' else [sys.executable, '-c']
    result = subprocess.run([*program, shortened(block)], cwd=sandbox, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, f'{block}\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}'


def test_what_was_run_has_left_something(sandbox):
    if not (sandbox / 'data').exists():
        pytest.skip('no block was run')
    assert not [name for name in MADE if not (sandbox / name).exists()]


def test_pictures_of_the_docs(sandbox, tmp_path):
    if not (sandbox / 'work_dirs/exact/regions').exists():
        pytest.skip('docs/depth_from_elsewhere.md was not run')
    docs = runpy.run_path(str(ROOT / 'docs/pictures.py'))
    for name, made in dict(leftImg8bit='data/toy/leftImg8bit', gtFine='data/toy/gtFine',
                           exact='work_dirs/exact/disparity', regions='work_dirs/exact/regions').items():
        (tmp_path / name).symlink_to(sandbox / made)
    docs['write_controls'](tmp_path)
    pictures = docs['drawn'](tmp_path)
    kept = {path.stem: path for path in (ROOT / 'docs/images').glob('*.jpg')}
    assert set(pictures) == set(kept) and all(path.stat().st_size < 150_000 for path in kept.values())
    assert all(picture.std() > 10 for picture in pictures.values())


def test_nothing_is_shortened_in_vain():
    texts = '\n'.join(block.text for block in RUN)
    assert not [pattern for pattern, _ in SHORTER if not re.search(pattern, texts)]


@pytest.mark.parametrize('block', CHECKED, ids=str)
def test_check(block, tmp_path):
    check(block, tmp_path)


def test_what_is_neither_run_nor_marked_needs_nothing_that_tests_have_not():
    unmarked = [str(block) for block in CHECKED
                if block.language == 'bash' and not block.not_run and REAL.search(block.text)]
    assert not unmarked, 'a line above says why: <!-- not run: needs Cityscapes -->'


def test_the_whole_chain_is_run():
    """``pytest -s`` shows how many blocks there are of each kind."""
    kinds = Counter('run' if block in RUN else 'marked' if block.not_run else 'checked' for block in BLOCKS)
    print(', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items())))
    tools = set(re.findall(r'tools/(?:\w+/)?(\w+)\.py', ' '.join(block.text for block in RUN)))
    assert tools >= {'toy_streets', 'train', 'infer_depth', 'group_regions', 'browse_dataset', 'test',
                     'export_backbone', 'depth_maps', 'region_quality'}
    assert {block.language for block in RUN} == {'bash', 'python'}


def block(text: str, language: str = 'bash', not_run: str = '') -> Block:
    return Block('page.md', 1, language, text, not_run)


@pytest.mark.parametrize(('text', 'words'), [
    ('python tools/train.py configs/depthcp_toy.py --epochs 3', 'unrecognized arguments: --epochs'),
    ('python tools/train.py', 'required: config'),
    ('for d in 0 1; do\n    python tools/group_regions.py a b c --scale $d\ndone', '--scale'),
    ('python tools/export_backbone.py a.pth b.pth --target keras', 'keras'),
    ('python tools/export_backbone.py a.pth b.pth --target {mmseg,keras}', 'keras'),
    ('python tools/train.py configs/no_such.py', 'no_such'),
    ('python tools/train.py configs/depthcp_toy.py --cfg-options modle.type=X', 'modle'),
    ('python tools/train.py configs/depthcp_toy.py --cfg-options train_cfg', 'KEY=VALUE'),
    ('python tools/run_pipeline.py configs/depthcp_toy.py --only dept', 'no stage dept'),
    ('python tools/compare.py configs/tables/toy.py --rows swaw', 'swaw unknown'),
    ('python tools/no_such_tool.py', 'no_such_tool'),
    ('tools/dist_train.sh configs/depthcp_toy.py 8 --resme', '--resme'),
    ('torchrun --nproc_per_node 2 tools/infer_depth.py A B C', 'CONFIG CHECKPOINT IMAGE_ROOT OUT'),
    ('python -m mmdepthcp.docter', 'docter'),
    ('python -m benchmarks speed', 'speed'),
    ('make no_such_target', 'no_such_target'),
    ("pip install -e '.[onedl,dokcs]'", 'dokcs'),
    ('curl example.org', 'curl'),
    ('if true; then', 'syntax'),
])
def test_bad_commands_are_found(text, words, tmp_path):
    with pytest.raises(BadBlock, match=re.escape(words)):
        check(block(text), tmp_path)


@pytest.mark.parametrize(('text', 'words'), [
    ('model = dict(', 'was never closed'),
    ('import mmdepthcp.apiss', 'mmdepthcp.apiss'),
    ('from mmdepthcp.apis import export_backbon', 'export_backbon'),
    ("model = dict(type='mmdepthcp.DepthPC')", 'DepthPC'),
    ("_base_ = 'my_config.py'\ntrain_cgf = dict()", 'train_cgf'),
])
def test_bad_code_is_found(text, words, tmp_path):
    with pytest.raises(BadBlock, match=re.escape(words)):
        check(block(text, 'python'), tmp_path)


def test_commands_of_ours_in_marked_blocks_are_checked(tmp_path):
    text = 'source x/bin/activate\ncurl x.org | sh\npython -m venv x && python tools/train.py configs/depthcp_toy.py'
    check(block(text, not_run='needs the network'), tmp_path / 'one')
    with pytest.raises(BadBlock, match='--epochs'):
        check(block(f'{text} --epochs 3', not_run='needs the network'), tmp_path / 'other')
    with pytest.raises(BadBlock, match='syntax'):
        check(block('if true; then', not_run='needs the network'), tmp_path / 'third')


def test_good_commands_pass(tmp_path):
    check(block('X=configs/depthcp_toy.py\nNNODES=1 tools/dist_train.sh $X 8 --resume  # so\ncp a b\n'
                'python tools/infer_depth.py CONFIG CHECKPOINT \\\n    A B --batch-size 8\n'), tmp_path)


def test_marks(tmp_path):
    page = tmp_path / 'page.md'
    page.write_text('<!-- not run: needs a GPU -->\n```bash\na\n```\n\n- item\n\n  ```python\n  b\n  ```\n\n'
                    'text\n\n```\nc\n```\n')
    found = list(blocks_of(page, tmp_path))
    assert [(each.language, each.text, each.not_run, each.line) for each in found] == [
        ('bash', 'a\n', 'needs a GPU', 3), ('python', 'b\n', '', 9)]
    for fault in ('<!-- not run -->\n```bash\na\n```', '<!-- not run: -->\n```bash\na\n```', '```sh\na\n```'):
        page.write_text(fault)
        with pytest.raises(BadBlock):
            list(blocks_of(page, tmp_path))
