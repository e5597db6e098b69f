#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what Fovea needs from the system's packages: setup.sh [demo|test|docs]
#   demo  what building and running needs, oneDNN for the cpu device included
#   test  demo, and what scripts/test.sh needs (the default); with nvcc on PATH also the headers of the library engine,
#         and cuobjdump where the toolkit came without
#   docs  demo, and what scripts/docs.sh needs
# Does nothing, quickly, when all is there. Without the rights to install, prints the exact command and exits 1.
set -euo pipefail

mode=${1:-test}
demo_packages=(g++ cmake ninja-build libcli11-dev nlohmann-json3-dev libtomlplusplus-dev libfmt-dev zlib1g-dev
  libpng-dev libjpeg-dev)
test_packages=(ccache libgtest-dev python3 binutils clang-14 libclang-rt-14-dev libomp-14-dev lld-14 clang-format-14)
docs_packages=(doxygen)

packages=("${demo_packages[@]}")
case $mode in
  demo) ;;
  test) packages+=("${test_packages[@]}") ;;
  docs) packages+=("${docs_packages[@]}") ;;
  -h | --help) sed -n '4,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "setup.sh: expected demo, test or docs, got '$mode'" >&2; exit 2 ;;
esac

# What Debian does not have new enough comes from PyPI: oneDNN for the cpu device and, where there is a CUDA Toolkit,
# the headers of the library engine and cuobjdump. Without them, or without pip to fetch them, those parts are left out.
scripts=$(dirname "$0")
with_onednn=0 with_cuda=0 optional_packages=()
if [[ $mode != docs && $(uname -m) == x86_64 ]]; then with_onednn=1; fi
if [[ $mode == test ]] && command -v nvcc > /dev/null; then with_cuda=1; fi
if ((with_cuda)) || { ((with_onednn)) && [[ ! -f $scripts/../third_party/onednn/sha256 ]]; }; then
  python3 -m pip --version > /dev/null 2>&1 || optional_packages=(python3-pip)
fi
fetch() {
  if ((with_onednn)); then
    "$scripts/fetch_onednn.sh" || echo "setup.sh: no oneDNN: the cpu device is left out" >&2
  elif [[ $mode != docs ]]; then
    echo "setup.sh: not x86-64: the cpu device is left out" >&2
  fi
  if ((with_cuda)); then
    "$scripts/fetch_cudnn_frontend.sh" || echo "setup.sh: no headers of cudnn-frontend: no library engine" >&2
    "$scripts/fetch_cuobjdump.sh" || echo "setup.sh: no cuobjdump: the budgets of kernels are not checked" >&2
  fi
}

if ! command -v apt-get > /dev/null || ! command -v dpkg-query > /dev/null; then
  # Another distribution: its packages have other names, so look for the tools themselves.
  missing=()
  for tool in g++ cmake ninja; do command -v "$tool" > /dev/null || missing+=("$tool"); done
  if ((${#missing[@]})); then
    echo "setup.sh: this is not Debian or Ubuntu, and these tools are missing: ${missing[*]}" >&2
    echo "Install what Debian calls: ${packages[*]}" >&2
    exit 1
  fi
  echo "setup.sh: not Debian or Ubuntu; CMake will name any library that is missing (Debian: ${packages[*]})"
  fetch
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${Status}' "$package" 2> /dev/null || true)
  [[ $status == "install ok installed" ]] || missing+=("$package")
done
if ((${#missing[@]} == 0 && ${#optional_packages[@]} == 0)); then
  echo "setup.sh: all packages for '$mode' are installed"
  fetch
  exit 0
fi

as_root=()
if ((EUID != 0)); then
  if command -v sudo > /dev/null && { sudo -n true 2> /dev/null || [[ -t 0 ]]; }; then
    as_root=(sudo)
  elif ((${#missing[@]} == 0)); then
    fetch
    exit 0
  else
    echo "setup.sh: missing packages, and no rights to install them. Run as root:" >&2
    echo "  apt-get update && apt-get install --no-install-recommends ${missing[*]} ${optional_packages[*]}" >&2
    exit 1
  fi
fi
missing+=("${optional_packages[@]}")
echo "setup.sh: installing ${missing[*]}"
install=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o Acquire::Retries=3)
"${as_root[@]}" "${install[@]}" update
"${as_root[@]}" "${install[@]}" install -y --no-install-recommends "${missing[@]}" > /dev/null
fetch
echo "setup.sh: done"
