# make demo            install the main job into .venv and run it on toy streets
# make test            install everything, mmcv's compiled ops included, and run all tests
# make test-openmmlab  the same with the original OpenMMLab packages, in .venv-openmmlab
# make lint            ruff and mypy over the package
# make docs            the documentation site, in build/docs; a warning is an error
# make notebooks       docs/notebooks as .ipynb, in build/notebooks
# make clean           remove what the other targets installed here (work_dirs and the kept mmcv wheels stay)

FAMILY ?= onedl
ifeq ($(FAMILY),openmmlab)
PYTHON ?= python3.10
VENV ?= .venv-openmmlab
# torch 2.1.2 ends with Python 3.11
TOO_NEW := 3, 12
# mmpretrain 1.2.0 cannot be imported beside newer ones
TEST_LIMITS := 'transformers<4.51'
else
PYTHON ?= python3
VENV ?= .venv
TOO_NEW := 4,
endif
PYTEST_ARGS ?= -n auto --maxprocesses 4 --dist loadfile

PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
STAMPS := $(VENV)/.stamps
# On a machine without a display OpenCV may lack libGL; the same version without windows does not need it.
FIT_OPENCV = $(PY) -c 'import cv2' 2>/dev/null || { echo 'no libGL here: OpenCV without windows is taken'; \
    $(PIP) install --force-reinstall --no-deps opencv-python-headless==$$( \
    $(PY) -c 'from importlib.metadata import version; print(version("opencv-python"))'); }

.PHONY: demo test test-openmmlab lint docs notebooks clean install install-ops install-tests install-lint install-docs

demo: install
	$(PY) tools/run_pipeline.py configs/depthcp_toy.py --work-dir work_dirs/demo

test: install-tests
	OMP_NUM_THREADS=1 $(PY) -m pytest $(PYTEST_ARGS)

test-openmmlab:
	$(MAKE) test FAMILY=openmmlab

lint: install-lint
	$(PY) -m ruff check .
	$(PY) -m mypy

docs: install-docs
	OMP_NUM_THREADS=1 $(PY) -m sphinx -q -W --keep-going -b html -c docs . build/docs
	@echo 'build/docs/index.html is the site'

notebooks: install-docs
	@mkdir -p build/notebooks
	for script in docs/notebooks/*.nb.py; do \
	    $(PY) -m jupytext --to ipynb --output build/notebooks/$$(basename $$script .nb.py).ipynb $$script || exit 1; \
	done

clean:
	rm -rf .venv .venv-openmmlab $(VENV) *.egg-info build docs/api .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install: $(STAMPS)/main
install-ops: $(STAMPS)/ops
install-tests: $(STAMPS)/tests
install-lint: $(STAMPS)/lint
install-docs: $(STAMPS)/docs

# Each stamp is written last, so an interrupted step is done again and a finished one is not.

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < ($(TOO_NEW)))' || \
	    { echo "$(PYTHON) is missing or does not fit $(FAMILY): choose another with PYTHON=... (see README)"; exit 1; }
	$(PYTHON) -m venv $(VENV) || \
	    { $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(PY) install pip; }
	@mkdir -p $(STAMPS) && touch $@

ifeq ($(FAMILY),openmmlab)
$(STAMPS)/base: $(STAMPS)/venv
	$(PIP) install -e '.[openmmlab-base]'
	$(FIT_OPENCV)
	@touch $@

$(STAMPS)/ops: $(STAMPS)/base
	tools/install_mmcv_ops.sh $(PY) mmcv==2.1.0
	@touch $@

$(STAMPS)/main: $(STAMPS)/ops setup.py
	$(PIP) install --no-build-isolation -e '.[openmmlab]'
	$(FIT_OPENCV)
	@touch $@
else
$(STAMPS)/main: $(STAMPS)/venv setup.py
	$(PIP) install -e '.[onedl]'
	$(FIT_OPENCV)
	@touch $@

$(STAMPS)/ops: $(STAMPS)/main
	tools/install_mmcv_ops.sh $(PY) onedl-mmcv==2.3.6
	@touch $@
endif

$(STAMPS)/tests: $(STAMPS)/main $(STAMPS)/ops setup.py
	$(PIP) install -e '.[$(FAMILY),$(FAMILY)-mmdet,tests]' $(TEST_LIMITS)
	$(FIT_OPENCV)
	@touch $@

$(STAMPS)/lint: $(STAMPS)/main
	$(PIP) install -e '.[$(FAMILY),lint]'
	@touch $@

$(STAMPS)/docs: $(STAMPS)/main setup.py
	$(PIP) install -e '.[$(FAMILY),docs]'
	@touch $@
