#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Fetches oneDNN, which the cpu device computes with: fetch_onednn.sh [LIBRARY_WHEEL HEADERS_WHEEL]
#   LIBRARY_WHEEL HEADERS_WHEEL  wheels of this very version that were downloaded before, for machines without a network
# Headers, library and licences (Apache-2.0) go to third_party/onednn, which git ignores. Does nothing when they are
# there. x86-64 only.
#
# Why this version: its threads are OpenMP's (libgomp) and it needs nothing else. Later packages on PyPI (onednn, from
# 2024 on) are SYCL builds that need Intel's libsycl, TBB and compiler runtime; libdnnl-dev of Debian 12 is 2.6.3, with
# the older API. A newer oneDNN built for OpenMP serves as well: -DFOVEA_ONEDNN_ROOT=PREFIX (cmake/FindOneDNN.cmake).
set -euo pipefail
cd "$(dirname "$0")/.."

packages=2023.2.0 # of oneDNN 3.2.0
library_wheel=onednn_cpu_gomp-$packages-py2.py3-none-manylinux1_x86_64.whl
library_sha256=2f22a54d6a890ed14bfa185d42a4be65d8b5b1df85dc1f0f3a9abe31620416fb
headers_wheel=onednn_devel_cpu_gomp-$packages-py2.py3-none-manylinux1_x86_64.whl
headers_sha256=9763c69e8c907e119056bd52ad918ca84ac9ba939d130a99dfa95ccca3e5e284
target=third_party/onednn

case ${1:-} in
  -h | --help) sed -n '4,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
if (($# != 0 && $# != 2)); then
  echo "fetch_onednn.sh: expected no argument or LIBRARY_WHEEL HEADERS_WHEEL, got $# arguments" >&2
  exit 2
fi
if [[ $(uname -m) != x86_64 ]]; then
  echo "fetch_onednn.sh: the packages are for x86-64, this machine is $(uname -m)" >&2
  exit 1
fi
if [[ -f $target/sha256 && $(< "$target/sha256") == "$library_sha256 $headers_sha256" ]]; then
  echo "oneDNN 3.2.0 is in $target"
  exit 0
fi
command -v python3 > /dev/null || { echo "fetch_onednn.sh: python3 is needed (Debian: python3)" >&2; exit 1; }

mkdir -p third_party
work=$(mktemp -d third_party/onednn.XXXXXX)
trap 'rm -rf "$work"' EXIT
library=${1:-$work/$library_wheel} headers=${2:-$work/$headers_wheel}
if (($# == 0)); then
  if ! python3 -m pip --version > /dev/null 2>&1; then
    echo "fetch_onednn.sh: pip is needed (Debian: python3-pip), or the wheels as arguments:" >&2
    echo "  https://pypi.org/project/onednn-cpu-gomp/$packages/#files, $library_wheel" >&2
    echo "  https://pypi.org/project/onednn-devel-cpu-gomp/$packages/#files, $headers_wheel" >&2
    exit 1
  fi
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$work" \
    --platform manylinux1_x86_64 "onednn-cpu-gomp==$packages" "onednn-devel-cpu-gomp==$packages"
fi

check() {
  local file=$1 sha256=$2
  if [[ ! -f $file ]]; then
    echo "fetch_onednn.sh: $file: no such file" >&2
    exit 1
  fi
  if ! echo "$sha256  $file" | sha256sum --check --status; then
    echo "fetch_onednn.sh: ${file##*/}: expected SHA-256 $sha256, got $(sha256sum "$file" | cut -d' ' -f1)" >&2
    exit 1
  fi
}
check "$library" $library_sha256
check "$headers" $headers_sha256

# The library wheel holds three copies where a system has one file and two links.
mkdir "$work/ready"
python3 - "$library" "$headers" "$work/ready" << 'EOF'
import pathlib, re, sys, zipfile

for wheel in sys.argv[1:3]:
    archive = zipfile.ZipFile(wheel)
    for name in archive.namelist():
        inside = name.partition(".data/data/")[2]
        inside = re.sub(r"^share/doc/onednn/(?=LICENSE|THIRD-PARTY)", "licenses/", inside)
        if inside == "lib/libdnnl.so.3" or inside.startswith(("include/oneapi/", "licenses/")):
            path = pathlib.Path(sys.argv[3], inside)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(name))
EOF
ln -s libdnnl.so.3 "$work/ready/lib/libdnnl.so"
echo "$library_sha256 $headers_sha256" > "$work/ready/sha256"
rm -rf "$target"
mv "$work/ready" "$target"
echo "oneDNN 3.2.0 unpacked to $target"
