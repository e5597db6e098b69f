#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Fetches the headers that the library engine is compiled with: fetch_cudnn_frontend.sh [WHEEL]
#   WHEEL  a wheel of this very version that was downloaded before, for machines without a network
# NVIDIA's cudnn-frontend (header-only, Apache-2.0 and MIT) goes to third_party/cudnn-frontend, which git ignores. Does
# nothing when it is there. cuDNN itself is not fetched: it is found when the program runs (docs/library-engine.md).
set -euo pipefail
cd "$(dirname "$0")/.."

version=1.32.0
# The headers are the same in every wheel of a version; this one is asked for whatever the machine and its Python.
wheel=nvidia_cudnn_frontend-$version-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl
sha256=c6006556017a4d1c914c52a556c71b1267f2d6a0500f742e7b4edef539878df0
target=third_party/cudnn-frontend

case ${1:-} in
  -h | --help) sed -n '4,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
if [[ -f $target/sha256 && $(< "$target/sha256") == "$sha256" ]]; then
  echo "cudnn-frontend $version is in $target"
  exit 0
fi
command -v python3 > /dev/null || { echo "fetch_cudnn_frontend.sh: python3 is needed (Debian: python3)" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
file=${1:-$work/$wheel}
if (($# == 0)); then
  if ! python3 -m pip --version > /dev/null 2>&1; then
    echo "fetch_cudnn_frontend.sh: pip is needed (Debian: python3-pip), or the wheel as an argument:" >&2
    echo "  https://pypi.org/project/nvidia-cudnn-frontend/$version/#files, $wheel" >&2
    exit 1
  fi
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --implementation cp \
    --python-version 3.11 --abi cp311 --platform manylinux_2_28_x86_64 --dest "$work" "nvidia-cudnn-frontend==$version"
fi
if [[ ! -f $file ]]; then
  echo "fetch_cudnn_frontend.sh: $file: no such file" >&2
  exit 1
fi
if ! echo "$sha256  $file" | sha256sum --check --status; then
  echo "fetch_cudnn_frontend.sh: ${file##*/}: expected SHA-256 $sha256, got $(sha256sum "$file" | cut -d' ' -f1)" >&2
  exit 1
fi

mkdir "$work/unpacked"
python3 - "$file" "$work/unpacked" << 'EOF'
import sys, zipfile

archive = zipfile.ZipFile(sys.argv[1])
wanted = [name for name in archive.namelist() if name.startswith("include/") or "/licenses/" in name]
archive.extractall(sys.argv[2], wanted)
EOF
mkdir "$work/ready"
mv "$work/unpacked/include" "$work"/unpacked/*/licenses "$work/ready/"
echo "$sha256" > "$work/ready/sha256"
rm -rf "$target"
mkdir -p third_party
mv "$work/ready" "$target"
echo "cudnn-frontend $version unpacked to $target"
