# make demo    install the main job into .venv and run it on toy streets
# make test    install everything, mmcv's compiled ops included, and run all tests
# make lint    ruff and mypy over the package
# make clean   remove what the other targets installed here (work_dirs and the kept mmcv wheel stay)

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?= -n auto --maxprocesses 4 --dist loadfile

PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
STAMPS := $(VENV)/.stamps
# On a machine without a display OpenCV may lack libGL; the same version without windows does not need it.
FIT_OPENCV = $(PY) -c 'import cv2' || $(PIP) install --force-reinstall --no-deps opencv-python-headless==$$( \
    $(PY) -c 'from importlib.metadata import version; print(version("opencv-python"))')

.PHONY: demo test lint clean install install-tests install-lint

demo: install
	$(PY) tools/run_pipeline.py configs/depthcp_toy.py --work-dir work_dirs/demo

test: install-tests
	OMP_NUM_THREADS=1 $(PY) -m pytest $(PYTEST_ARGS)

lint: install-lint
	$(PY) -m ruff check .
	$(PY) -m mypy

clean:
	rm -rf $(VENV) *.egg-info build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install: $(STAMPS)/main
install-tests: $(STAMPS)/tests
install-lint: $(STAMPS)/lint

# Each stamp is written last, so an interrupted step is done again and a finished one is not.

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	    { echo "$(PYTHON) is too old: Python 3.10 or newer is needed; choose one with PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV) || \
	    { $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(PY) install pip; }
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/main: $(STAMPS)/venv setup.py
	$(PIP) install -e '.[onedl]'
	$(FIT_OPENCV)
	@touch $@

$(STAMPS)/ops: $(STAMPS)/main
	tools/install_mmcv_ops.sh $(PY)
	@touch $@

$(STAMPS)/tests: $(STAMPS)/main $(STAMPS)/ops setup.py
	$(PIP) install -e '.[onedl,onedl-mmdet,tests]'
	$(FIT_OPENCV)
	@touch $@

$(STAMPS)/lint: $(STAMPS)/main
	$(PIP) install -e '.[onedl,lint]'
	@touch $@
