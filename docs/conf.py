"""The documentation site: the Markdown of docs/, configs/ and the root as it stands, and the API from the docstrings.

    make docs        # into build/docs

The source directory is the repository itself, so that a link which works on GitHub works in the site too.
"""

import os
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT)]
os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get('PYTHONPATH')]))  # of notebooks

import mmdepthcp  # noqa: E402
from mmdepthcp.cli.tools import hide_known_noise  # noqa: E402

hide_known_noise()
warnings.filterwarnings('ignore', category=DeprecationWarning)

project = 'mmdepthcp'
copyright = 'the authors of mmdepthcp, Apache-2.0'
release = version = mmdepthcp.__version__

extensions = ['myst_nb', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon', 'sphinx.ext.viewcode', 'api_pages']
root_doc = 'docs/README'
include_patterns = [
    'README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'configs/README.md', 'configs/*/README.md', 'docs/**']
exclude_patterns = ['docs/_templates', '.*', 'build', 'data', 'work_dirs', '**/.ipynb_checkpoints', '**/__pycache__']
nitpicky = True
suppress_warnings = ['mystnb.unknown_mime_type']

source_suffix = {'.md': 'myst-nb', '.rst': 'restructuredtext'}
nb_custom_formats = {'.nb.py': ['jupytext.reads', {'fmt': 'py:percent'}]}
nb_execution_mode = 'force'
nb_execution_timeout = 300
nb_execution_raise_on_error = True
# the tree at the left, put below docs/README.md, which GitHub shows as it stands
NAVIGATION = {
    'Start': ['../README', 'get_started', 'concepts', 'faq'],
    'Guides': ['pretrain_videos', 'own_video', 'own_images', 'cityscapes', 'depth_from_elsewhere', 'few_labels',
               'finetuning', 'handover', 'many_gpus', 'diagnostics', 'running'],
    'Notebooks': ['notebooks/video_to_views', 'notebooks/own_code'],
    'Methods': ['../configs/README', *sorted(f'../{path.relative_to(ROOT).with_suffix("")}' for path in ROOT.glob(
        'configs/*/README.md')), 'copy_paste', 'depth', 'depthg'],
    'Results': ['results/README', 'results/tables', 'results/region_grouping', 'results/pixpro', 'results/speed'],
    'Reference': ['api/index', 'architecture', '../CONTRIBUTING', '../CHANGELOG'],
}
myst_enable_extensions = ['colon_fence', 'deflist']
myst_heading_anchors = 4  # named as GitHub names them

autodoc_member_order = 'bysource'
autodoc_typehints = 'signature'
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = 'furo'
html_title = f'mmdepthcp {release}'
templates_path = ['_templates']
html_additional_pages = {'index': 'to_front_page.html'}
html_copy_source = False


def add_navigation(app, docname, source):
    if docname == root_doc:
        source[0] += ''.join(f'\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n' + '\n'.join(pages) + '\n```\n'
                             for title, pages in NAVIGATION.items())


def setup(app):
    app.connect('source-read', add_navigation)
