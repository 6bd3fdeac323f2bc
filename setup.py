import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
VERSION = re.search(r"__version__ = '(.+)'", (HERE / 'mmdepthcp/__init__.py').read_text()).group(1)

# Neither torch nor an mm* package is required here: each belongs to the OpenMMLab environment that the user
# already has, or comes with one of the two family extras.
REQUIRED = [
    'doit>=0.36',
    'jinja2>=3',
    'matplotlib',
    'networkit>=11',
    'numba>=0.58',
    'numpy>=1.24',
    'pandas>=2',
    'scikit-learn>=1.3',
    'scipy>=1.10',
]

# What has to be there before the original mmcv can be built and imported
OPENMMLAB_BASE = [
    'torch==2.1.2',
    'torchvision==0.16.2',
    'mmengine==0.10.7',
    'numpy<2',
    'opencv-python<4.11',
    'setuptools>=64,<70',
    'wheel>=0.40',
    'ninja>=1.11',
]

# Backbones are exported for it; here as it brings torch if there is none
TIMM = 'timm>=1'

ONNX = ['onnx>=1.14', 'onnxruntime>=1.16']

EXTRAS = {
    'onedl': [
        'torch==2.11.0',
        'torchvision==0.26.0',
        'onedl-mmengine==0.10.12',
        'onedl-mmcv==2.3.6',
        'onedl-mmsegmentation==1.4.2',
        'onedl-mmpretrain==1.3.6',
        # onedl-mmdetection's augmentation package stops here; without the bound, adding it later would downgrade
        'opencv-python<4.13',
        # mmcv is built without isolation: 77 is the first that reads its licence field, 82 drops pkg_resources
        'setuptools>=77,<82',
        'wheel>=0.40',
        'ninja>=1.11',
        TIMM,
    ],
    'onedl-mmdet': [
        'onedl-mmdetection==3.5.1',
    ],
    'openmmlab-base': OPENMMLAB_BASE,
    'openmmlab': [
        *OPENMMLAB_BASE,
        'mmcv==2.1.0',
        'mmsegmentation==1.2.2',
        'mmpretrain==1.2.0',
        'ftfy',
        'regex',
        TIMM,
    ],
    'openmmlab-mmdet': ['mmdet==3.3.0'],
    'hf': ['transformers>=4.45,<5'],
    'infomap': ['infomap>=2.7'],
    'onnx': ONNX,
    # scikit-image serves the plain versions that the package's own kernels are compared with; av writes odd videos
    'tests': [
        *ONNX,
        'av>=14',
        'hypothesis',
        'markdown-it-py>=3',
        'pytest',
        'pytest-xdist',
        'scikit-image>=0.21',
        'tensorboard',
        'transformers>=4.45,<5',
    ],
    'lint': ['mypy', 'ruff'],
    # 8.1 is the last Sphinx for Python 3.10; myst-nb runs the notebooks while the pages are built
    'docs': [
        'furo>=2024.8.6',
        'ipykernel>=6.29',
        'jupytext>=1.16',
        'myst-nb>=1.1.2,<2',
        'myst-parser>=4,<5',
        'sphinx>=8.1,<8.2',
    ],
}

SHIPPED = ('configs', 'tools')
INDEX = 'model-index.yml'  # what MIM reads of the methods there are


class BuildWithConfigsAndTools(build_py):
    """Puts configs and tools into the wheel, in mmdepthcp/.mim, where MIM and MMEngine look for them."""

    def run(self):
        super().run()
        if not self.editable_mode:
            for folder in SHIPPED:
                target = Path(self.build_lib, 'mmdepthcp/.mim', folder)
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(HERE / folder, target, ignore=shutil.ignore_patterns('__pycache__'))
            metafiles = sorted(str(path.relative_to(HERE)) for path in (HERE / 'configs').glob('*/metafile.yml'))
            index = ''.join(f'  - {name}\n' for name in metafiles)
            Path(self.build_lib, 'mmdepthcp/.mim', INDEX).write_text(f'Import:\n{index}')

    def get_outputs(self, include_bytecode=True):
        shipped = [
            str(Path(self.build_lib, 'mmdepthcp/.mim', path.relative_to(HERE)))
            for folder in SHIPPED for path in (HERE / folder).rglob('*')
            if path.is_file() and '__pycache__' not in path.parts
        ] + [str(Path(self.build_lib, 'mmdepthcp/.mim', INDEX))]
        return super().get_outputs(include_bytecode) + ([] if self.editable_mode else shipped)


setup(
    name='mmdepthcp',
    version=VERSION,
    description='Segmentation pretraining on unlabelled street video, guided by depth: a plugin for OpenMMLab',
    long_description=(HERE / 'README.md').read_text(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    classifiers=[
        'Development Status :: 3 - Alpha',
        'Intended Audience :: Science/Research',
        'Programming Language :: Python :: 3 :: Only',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
    python_requires='>=3.10',
    cmdclass={'build_py': BuildWithConfigsAndTools},
    packages=find_packages(include=['mmdepthcp', 'mmdepthcp.*']),
    package_data={f'mmdepthcp.{part}': ['templates/*.html'] for part in ('experiments', 'preparation')},
    entry_points={'console_scripts': ['mmdepthcp = mmdepthcp.cli.main:main']},
    install_requires=REQUIRED,
    extras_require=EXTRAS,
)
