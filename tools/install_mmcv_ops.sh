#!/usr/bin/env bash
# Install mmcv with compiled ops: tools/install_mmcv_ops.sh [PYTHON [onedl-mmcv==VERSION | mmcv==VERSION]]
#
# The ops are compiled once (10 to 15 minutes on two cores). The wheel is kept in
# ${XDG_CACHE_HOME:-~/.cache}/mmdepthcp/wheels, apart for every Python, torch, device and machine type, and reused.
set -euo pipefail

PY=${1:-python}
REQUIREMENT=${2:-onedl-mmcv==2.3.6}
PACKAGE=${REQUIREMENT%%==*}
case $PACKAGE in
    mmcv) SETUPTOOLS='setuptools>=64,<70' ;;
    *) SETUPTOOLS='setuptools>=77,<82' ;;
esac

if "$PY" -c 'import mmcv.ops' 2>/dev/null; then
    echo "mmcv has its compiled ops."
    exit 0
fi

KEY=$("$PY" - <<'KEY'
import platform, sys, torch
device = f'cu{torch.version.cuda}' if torch.cuda.is_available() else 'cpu'
print(f'py{sys.version_info.major}{sys.version_info.minor}-torch{torch.__version__}-{device}-{platform.machine()}')
KEY
)
KEPT=${XDG_CACHE_HOME:-$HOME/.cache}/mmdepthcp/wheels/$KEY
pip() { "$PY" -m pip --disable-pip-version-check "$@"; }
wheel() { find "$KEPT" -maxdepth 1 -name "${PACKAGE/-/_}-${REQUIREMENT##*==}-*.whl" 2>/dev/null | head -n 1; }

if [[ -z $(wheel) ]]; then
    command -v g++ >/dev/null || {
        echo "mmcv's ops need a C++ compiler: apt-get install g++" >&2
        exit 1
    }
    "$PY" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' || {
        echo "mmcv's ops need Python's headers: apt-get install python3-dev" >&2
        exit 1
    }
    echo "Compiling mmcv's ops for $KEY: 10 to 15 minutes on two cores, only this once."
    pip install "$SETUPTOOLS" 'wheel>=0.40' 'ninja>=1.11'
    mkdir -p "$KEPT"
    BUILD=$(mktemp -d "$KEPT/build.XXXXXX")
    trap 'rm -rf "$BUILD"' EXIT
    # ninja compiles on all cores, but torch looks for it in PATH only; debug information would take half of the time
    export PATH=$(realpath "$(dirname "$(command -v "$PY")")"):$PATH
    MMCV_WITH_OPS=1 CFLAGS="${CFLAGS:-} -O2 -g0" CXXFLAGS="${CXXFLAGS:-} -O2 -g0" \
        pip wheel --no-build-isolation --no-cache-dir --no-binary "$PACKAGE" --no-deps -w "$BUILD" "$REQUIREMENT"
    mv "$BUILD"/*.whl "$KEPT/"
fi

pip install --force-reinstall --no-deps "$(wheel)"
"$PY" -W ignore -c 'import mmcv.ops' || {
    echo "The kept wheel does not work here; remove $KEPT and try again." >&2
    exit 1
}
