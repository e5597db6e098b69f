#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# From a fresh clone to a trained LeNet-5: installs missing packages, builds the fovea command, trains on the built-in
# digits. Builds the cuda device only when it can be used: nvcc on PATH and a GPU that nvidia-smi sees, for that GPU.
# Trains on the fastest device there is: cuda, cpu (where oneDNN could be fetched), reference.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/demo
epochs=3 rate=0.02

scripts/setup.sh demo

cuda=(-DFOVEA_CUDA=OFF)
if command -v nvcc > /dev/null && command -v nvidia-smi > /dev/null; then
  capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2> /dev/null | head -n 1 | tr -d '. ' || true)
  if [[ $capability =~ ^[0-9]+$ ]]; then cuda=(-DFOVEA_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES="$capability-real"); fi
fi

echo "demo.sh: building (${cuda[0]#-D})"
mkdir -p build
run() {
  if ! "$@" > build/demo.log 2>&1; then
    tail -n 40 build/demo.log >&2
    echo "demo.sh: failed: $*" >&2
    exit 1
  fi
}
run cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Release -DFOVEA_BUILD_TESTS=OFF -DFOVEA_BUILD_EXAMPLES=OFF \
  "${cuda[@]}"
run cmake --build $build --target fovea_cli
fovea=$build/cli/fovea
value() { sed -n "s/.*\"$2\": *\"\{0,1\}\([^,\"}]*\)\"\{0,1\}.*/\1/p" <<< "$1"; }
device=$(value "$($fovea devices --json --quiet)" auto)
echo "demo.sh: built in $SECONDS s; training LeNet-5 on device $device: 20,000 generated digits, $epochs epochs"

begin=$SECONDS
result=$($fovea train lenet5 --data digits --epochs $epochs --lr $rate --seed 1 --device "$device" --json)
checkpoint=$(value "$result" checkpoint)
accuracy=$(LC_ALL=C awk -v fraction="$(value "$result" test_accuracy)" 'BEGIN { printf "%.1f", 100 * fraction }')
echo "demo.sh: trained in $((SECONDS - begin)) s on $device"

echo
echo "The weights are in $checkpoint. What to try next:"
try() { printf '  %-74s %s\n' "$1" "$2"; }
try "$fovea summary lenet5" "what the net is made of"
try "$fovea compare lenet5 --devices reference,emu" "GPU kernels against the textbook, layer by layer"
if [[ $device != reference ]]; then
  try "$fovea compare lenet5 --devices reference,$device" "what trained it against the textbook, likewise"
fi
try "$fovea bench lenet5" "how fast this machine is"
try "$fovea predict $checkpoint IMAGE.png" "what a picture of yours shows"
try "$fovea train --help" "other nets, data and devices"
try "scripts/test.sh" "every test that this machine can run"
echo "Read docs/architecture.md, then CONTRIBUTING.md to add a layer or a backend."
echo "test accuracy: $accuracy %"
