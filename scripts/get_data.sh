#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Fetches a data set and verifies it: get_data.sh mnist [--from DIR|URL] [--to DIR]
#   --from   where the files lie: a directory, or an http(s) or file URL they are under (default: the public copy that
#            PyTorch's torchvision downloads from)
#   --to     where to put them (default: data/mnist in the repository, which git ignores)
# A file appears under its name only when its SHA-256 is right; files that are there already and right are kept.
set -euo pipefail

name=get_data.sh
fail() { echo "$name: $*" >&2; exit 1; }
usage() { sed -n '4,8s/^# \{0,1\}//p' "$0"; }
misuse() { echo "$name: $*" >&2; usage >&2; exit 2; }

root=$(cd "$(dirname "$0")/.." && pwd)
from=https://ossci-datasets.s3.amazonaws.com/mnist
to=$root/data/mnist
set_name=
while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --from | --to)
      [[ $# -ge 2 && -n $2 ]] || misuse "$1 needs a value"
      if [[ $1 == --from ]]; then from=$2; else to=$2; fi
      shift 2 ;;
    -*) misuse "unknown option '$1'" ;;
    *)
      [[ -z $set_name ]] || misuse "one data set at a time, got '$set_name' and '$1'"
      set_name=$1
      shift ;;
  esac
done
[[ -n $set_name ]] || misuse "which data set? expected: mnist"
[[ $set_name == mnist ]] || misuse "unknown data set '$set_name'; expected: mnist"

files=(
  "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609  train-images-idx3-ubyte.gz"
  "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c  train-labels-idx1-ubyte.gz"
  "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6  t10k-images-idx3-ubyte.gz"
  "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6  t10k-labels-idx1-ubyte.gz"
)

command -v sha256sum > /dev/null || fail "sha256sum is needed to verify the files (package coreutils)"
sum_of() { sha256sum < "$1" | cut -d ' ' -f 1; }

fetch() {  # FILE DESTINATION
  if [[ $from == *://* ]]; then
    if command -v curl > /dev/null; then
      curl --fail --silent --show-error --location --retry 3 --connect-timeout 30 --output "$2" "${from%/}/$1" ||
        fail "cannot download ${from%/}/$1; give another place with --from DIR|URL"
    elif command -v wget > /dev/null; then
      wget --quiet --tries 3 --output-document "$2" "${from%/}/$1" ||
        fail "cannot download ${from%/}/$1; give another place with --from DIR|URL"
    else
      fail "curl or wget is needed to download; or fetch the files yourself and use --from DIR"
    fi
  else
    [[ -d $from ]] || fail "--from $from: no such directory"
    [[ -f $from/$1 ]] || fail "--from $from: it has no $1"
    cp -- "$from/$1" "$2" || fail "cannot copy $from/$1"
  fi
}

mkdir -p -- "$to" || fail "cannot make the directory $to"
work=$(mktemp -d -- "$to/.get_data.XXXXXX") || fail "cannot write into $to"
trap 'rm -rf -- "$work"' EXIT

for entry in "${files[@]}"; do
  expected=${entry%% *} file=${entry##* }
  if [[ -f $to/$file && $(sum_of "$to/$file") == "$expected" ]]; then
    echo "$name: $file is there"
    continue
  fi
  fetch "$file" "$work/$file"
  got=$(sum_of "$work/$file")
  [[ $got == "$expected" ]] ||
    fail "$file from $from is damaged or another file: its SHA-256 is $got, expected $expected"
  chmod a+r "$work/$file"
  mv -f -- "$work/$file" "$to/$file" || fail "cannot write $to/$file"
  echo "$name: $file fetched and verified"
done
echo "$name: mnist is in $to; use it as --data mnist:$to"
