#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Instructions per step, counted by callgrind: a regression check that needs no quiet machine.
#
#   bench/callgrind.sh [--fovea FILE] [--device NAME] [--baseline FILE] [--update]
#
# Runs `fovea bench` with 1 and with 3 steps after the same warm-up; half of the difference is one step, without the
# start of the program. One thread. The counts are held against bench/baselines/callgrind-DEVICE.json and may exceed
# them by the percentage that the file names. --update writes the file instead.
#
# Exit codes: 0 within the baseline, 1 more instructions, 2 bad usage or a failed run, 77 nothing to compare: no
# valgrind, or a binary without the baseline's compiler.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
fovea=$root/build/release/cli/fovea
device=reference
baseline=
update=no
while [ $# -gt 0 ]; do
  case $1 in
    --fovea) fovea=${2:?--fovea: expected a file}; shift ;;
    --device) device=${2:?--device: expected a name}; shift ;;
    --baseline) baseline=${2:?--baseline: expected a file}; shift ;;
    --update) update=yes ;;
    -h | --help) sed -n '4,16s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "callgrind.sh: unknown option '$1'" >&2; exit 2 ;;
  esac
  shift
done
baseline=${baseline:-$root/bench/baselines/callgrind-$device.json}

for tool in valgrind readelf python3; do
  if ! command -v "$tool" > /dev/null; then
    echo "callgrind.sh: skipped, $tool is not installed"
    exit 77
  fi
done
[ -x "$fovea" ] || { echo "callgrind.sh: $fovea is no program; build it, or give --fovea" >&2; exit 2; }

# Instructions of a whole run: instructions MODE STEPS
instructions() {
  local log
  if ! log=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$fovea" bench lenet5:8 --mode "$1" \
      --repeats "$2" --min-seconds 0 --no-ceilings --threads 1 --device "$device" 2>&1); then
    echo "$log" >&2
    return 2
  fi
  sed -n 's/.*Collected : \([0-9]*\).*/\1/p' <<< "$log"
}

counts=()
for mode in infer train; do
  one=$(instructions "$mode" 1) || exit 2
  three=$(instructions "$mode" 3) || exit 2
  counts+=("lenet5:8 $mode=$(((three - one) / 2))")
done

# Other compilers emit other instructions. A binary names all of its compilers, that of CUDA's runtime library too.
compilers=$(readelf -p .comment "$fovea" | sed -n 's/^ *\[ *[0-9a-f]*\] *//p' | sort -u | paste -sd ';')

python3 - "$baseline" "$update" "$compilers" "${counts[@]}" <<'END'
import json
import sys

path, update, compilers, *pairs = sys.argv[1:]
counts = {name: int(count) for name, count in (pair.split("=") for pair in pairs)}
if update == "yes":
    if ";" in compilers:
        print(f"callgrind.sh: --update: expected a build with FOVEA_CUDA=OFF, of one compiler, got '{compilers}'",
              file=sys.stderr)
        sys.exit(2)
    with open(path, "w") as file:
        json.dump({"compiler": compilers, "tolerance_percent": 2, "instructions_per_step": counts}, file, indent=1)
        file.write("\n")
    print(f"wrote {path}")
    sys.exit(0)
try:
    with open(path) as file:
        baseline = json.load(file)
except OSError as error:
    print(f"callgrind.sh: no baseline: {error}; --update writes one", file=sys.stderr)
    sys.exit(2)
if baseline["compiler"] not in compilers.split(";"):
    print(f"callgrind.sh: skipped, the baseline is of '{baseline['compiler']}', the program of '{compilers}'")
    sys.exit(77)
tolerance = baseline["tolerance_percent"]
expected = baseline["instructions_per_step"]
worse = [name for name in expected if name not in counts]
for name, count in counts.items():
    change = 100 * (count / expected[name] - 1) if name in expected else float("inf")
    if change > tolerance:
        worse.append(name)
    print(f"{name}: {count:,} instructions per step, {change:+.2f} % of the baseline"
          + (f", more than {tolerance} % above it" if change > tolerance else ""))
sys.exit(1 if worse else 0)
END
