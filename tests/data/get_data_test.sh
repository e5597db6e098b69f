#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Tests scripts/get_data.sh (the one argument): what it refuses, and, with FOVEA_DATA set, that it fetches and verifies.
set -uo pipefail
script=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# expect STATUS TEXT COMMAND...: the command ends with the status and says the text.
expect() {
  local status=$1 text=$2 output got
  shift 2
  output=$("$@" 2>&1)
  got=$?
  if [[ $got -ne $status || $output != *"$text"* ]]; then
    echo "FAILED: $*: expected status $status and '$text', got $got and: $output"
    failures=$((failures + 1))
  fi
}
check() {
  if ! "$@"; then
    echo "FAILED: $*"
    failures=$((failures + 1))
  fi
}
count() { find "$1" -mindepth 1 | wc -l; }

mkdir "$work/from" "$work/to"
expect 2 "which data set?" "$script"
expect 2 "unknown data set 'minst'" "$script" minst
expect 2 "unknown option '--form'" "$script" mnist --form x
expect 2 "--from needs a value" "$script" mnist --from
expect 2 "one data set at a time" "$script" mnist mnist
expect 0 "--from DIR|URL" "$script" --help
expect 1 "no such directory" "$script" mnist --from "$work/none" --to "$work/to"
expect 1 "it has no train-images-idx3-ubyte.gz" "$script" mnist --from "$work/from" --to "$work/to"
echo "something else" > "$work/from/train-images-idx3-ubyte.gz"
expect 1 "damaged or another file: its SHA-256 is" "$script" mnist --from "$work/from" --to "$work/to"
expect 1 "damaged or another file: its SHA-256 is" "$script" mnist --from "file://$work/from" --to "$work/to"
expect 1 "cannot download file://$work/none/train-images-idx3-ubyte.gz" \
  "$script" mnist --from "file://$work/none" --to "$work/to"
touch "$work/file"
expect 1 "cannot make the directory" "$script" mnist --from "$work/from" --to "$work/file/to"
check test "$(count "$work/to")" -eq 0

if [[ -n ${FOVEA_DATA:-} ]]; then
  echo "damaged" > "$work/to/t10k-labels-idx1-ubyte.gz"
  expect 0 "t10k-labels-idx1-ubyte.gz fetched and verified" \
    "$script" mnist --from "$FOVEA_DATA/mnist" --to "$work/to"
  expect 0 "train-images-idx3-ubyte.gz is there" "$script" mnist --from "$work/none" --to "$work/to"
  check cmp -s "$FOVEA_DATA/mnist/t10k-labels-idx1-ubyte.gz" "$work/to/t10k-labels-idx1-ubyte.gz"
  check test "$(count "$work/to")" -eq 4
else
  echo "fetching was not tried: FOVEA_DATA not set"
fi
[[ $failures -eq 0 ]] && echo "all checks passed"
exit $((failures > 0))
