#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Fetches NVIDIA's cuobjdump, which tests/budget reads compiled kernels with: fetch_cuobjdump.sh [WHEEL]
#   WHEEL  a wheel of this very version that was downloaded before, for machines without a network
# It is a part of the CUDA Toolkit, but not of what PyPI calls nvidia-cuda-nvcc. The program and its licence go to
# third_party/cuobjdump, which git ignores. Does nothing where there is one beside nvcc, on PATH or in that folder.
# x86-64 only. It reads what nvcc of this version and older ones compiled.
set -euo pipefail
cd "$(dirname "$0")/.."

version=13.2.86
wheel=nvidia_cuda_cuobjdump-$version-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
sha256=d332c2ffe78e703ca0a3894be927f83124244e2acf0d792b8c12b4362d44d837
target=third_party/cuobjdump

case ${1:-} in
  -h | --help) sed -n '4,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
if command -v cuobjdump > /dev/null; then
  echo "cuobjdump is on PATH"
  exit 0
fi
if nvcc=$(command -v nvcc) && [[ -x $(dirname "$(readlink -f "$nvcc")")/cuobjdump ]]; then
  echo "cuobjdump is beside nvcc"
  exit 0
fi
if [[ -f $target/sha256 && $(< "$target/sha256") == "$sha256" ]]; then
  echo "cuobjdump $version is in $target"
  exit 0
fi
if [[ $(uname -m) != x86_64 ]]; then
  echo "fetch_cuobjdump.sh: the package is for x86-64, this machine is $(uname -m)" >&2
  exit 1
fi
command -v python3 > /dev/null || { echo "fetch_cuobjdump.sh: python3 is needed (Debian: python3)" >&2; exit 1; }

mkdir -p third_party
work=$(mktemp -d third_party/cuobjdump.XXXXXX)
trap 'rm -rf "$work"' EXIT
file=${1:-$work/$wheel}
if (($# == 0)); then
  if ! python3 -m pip --version > /dev/null 2>&1; then
    echo "fetch_cuobjdump.sh: pip is needed (Debian: python3-pip), or the wheel as an argument:" >&2
    echo "  https://pypi.org/project/nvidia-cuda-cuobjdump/$version/#files, $wheel" >&2
    exit 1
  fi
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$work" \
    --platform manylinux2014_x86_64 "nvidia-cuda-cuobjdump==$version"
fi
if [[ ! -f $file ]]; then
  echo "fetch_cuobjdump.sh: $file: no such file" >&2
  exit 1
fi
if ! echo "$sha256  $file" | sha256sum --check --status; then
  echo "fetch_cuobjdump.sh: ${file##*/}: expected SHA-256 $sha256, got $(sha256sum "$file" | cut -d' ' -f1)" >&2
  exit 1
fi

mkdir "$work/ready"
python3 - "$file" "$work/ready" << 'EOF'
import pathlib, sys, zipfile

archive = zipfile.ZipFile(sys.argv[1])
for name in archive.namelist():
    if name.endswith(("/bin/cuobjdump", "/License.txt")):
        (pathlib.Path(sys.argv[2]) / pathlib.PurePath(name).name).write_bytes(archive.read(name))
EOF
chmod +x "$work/ready/cuobjdump"
"$work/ready/cuobjdump" --version > /dev/null
echo "$sha256" > "$work/ready/sha256"
rm -rf "$target"
mv "$work/ready" "$target"
echo "cuobjdump $version unpacked to $target"
