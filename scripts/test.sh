#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds and tests everything this machine can: test.sh [--long] [--no-setup] [--only NAME]
#   (default)   what continuous integration runs, under 30 minutes on two cores
#   --long      the rest too, up to three hours: the tests labelled `long`, every test under both sanitizers, and the
#               portable build
#   --no-setup  do not install missing packages
#   --only NAME one part of it: release, nocuda, asan, tsan or portable
# With nvcc on PATH the cuda device is compiled as well, and the build without CUDA is checked.
# The last line is "N passed, N failed, N skipped"; the exit status is 0 only when nothing failed.
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD

long=0 setup=1 only=
while (($#)); do
  case $1 in
    --long) long=1 ;;
    --no-setup) setup=0 ;;
    --only)
      only=${2-}
      case $only in
        release | nocuda | asan | tsan | portable) shift ;;
        *) echo "test.sh: --only: expected release, nocuda, asan, tsan or portable, got '$only'" >&2; exit 2 ;;
      esac
      [[ $only != portable ]] || long=1
      ;;
    -h | --help) sed -n '4,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "test.sh: unknown argument '$1'" >&2; exit 2 ;;
  esac
  shift
done
# part NAME: whether it is asked for.
part() { [[ -z $only || $only == "$1" ]]; }

jobs=$(nproc)
logs=$root/build/test-logs
rm -rf "$logs"
mkdir -p "$logs"
# Precompiled headers are told by their contents; what a file includes is known from its compilation (CCACHE_DEPEND),
# or each would be preprocessed once more.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_DEPEND=1
# Tests run side by side: threads of one that wait must not take the cores from another.
export OMP_WAIT_POLICY=passive
started=$SECONDS
broken_steps=()

# step NAME COMMAND...: runs it into a log, prints one line with its time, and on failure the end of the log.
step() {
  local name=$1 begin=$SECONDS
  shift
  printf '%-28s ' "$name"
  if "$@" > "$logs/$name.log" 2>&1; then
    printf 'ok      %5d s\n' $((SECONDS - begin))
    return 0
  fi
  printf 'FAILED  %5d s   (%s)\n' $((SECONDS - begin)) "build/test-logs/$name.log"
  tail -n 40 "$logs/$name.log" | sed 's/^/    /'
  broken_steps+=("$name")
  return 1
}

# configuration NAME CMAKE_ARGUMENTS...: configures and builds build/test-NAME; only `targets` when that is not empty.
targets=()
configuration() {
  local name=$1
  shift
  step "$name-configure" cmake -S "$root" -B "build/test-$name" -G Ninja -DFOVEA_WARNINGS_AS_ERRORS=ON "$@" &&
    step "$name-build" cmake --build "build/test-$name" -j "$jobs" ${targets[@]+--target "${targets[@]}"}
}

# tests NAME CTEST_ARGUMENTS...: runs tests of build/test-NAME; their results go to a JUnit file for the summary.
run=0
tests() {
  local name=$1
  shift
  run=$((run + 1))
  step "$name-tests-$run" ctest --test-dir "build/test-$name" -j "$jobs" --output-on-failure --no-tests=error \
    --output-junit "$logs/$name-tests-$run.xml" "$@"
}

if ((setup)); then scripts/setup.sh test || exit 1; fi

# CI compiles as everybody does, but kernels for Hopper only, whose registers are recorded (tests/budget); --long for
# all architectures, and file by file, as preset dev does.
release=(-DCMAKE_BUILD_TYPE=Release -DFOVEA_BUILD_BENCH=ON)
if ! part release; then
  :
elif ((long)); then
  if configuration release "${release[@]}" -DFOVEA_UNITY=OFF; then
    tests release -E '^mutation\.kernels$'  # mutation.kernels.all has those too
  fi
elif configuration release "${release[@]}" -DCMAKE_CUDA_ARCHITECTURES=90a-real; then
  tests release -LE long
fi

# Without CUDA. What does not see it is compiled alike with and without it, so ccache has most of it. In CI the commands
# alone, but for those tests that take long and do not ask which devices there are.
if [[ $only == nocuda ]] && ! command -v nvcc > /dev/null; then
  echo "nocuda: without nvcc on PATH this is what --only release does"
  broken_steps+=(nocuda)
elif part nocuda && command -v nvcc > /dev/null; then
  ((long)) || targets=(fovea_cli)
  if configuration nocuda -DCMAKE_BUILD_TYPE=Release -DFOVEA_CUDA=OFF; then
    unasked='augment_on.*|bench_conv|compare_models.*|op|op_goldens|optimizer|profile.*|recipe|run|train.*'
    ((long)) && unasked=none
    tests nocuda -L cli -LE long -E "^cli\.($unasked)$"
  fi
fi

# Under AddressSanitizer with UBSan and under ThreadSanitizer: kernels, emulator and loader, and only the targets that
# takes; with --long everything that does not merely read files or drive other builds. ThreadSanitizer makes a thread of
# every fiber, so CI gives it none of the operations whose threads share nothing. One of the three orders of a block's
# threads is enough: what is out of bounds is so in every order, and ThreadSanitizer judges by what has to happen before
# what. In CI cases are small, f16 is left out, whose kernels are those of bf16, and under ThreadSanitizer what asks for
# the digits of tf32; the reference takes part as the truth of the others, the cpu device has its plain layout only, and
# clang compiles both, in half the time of g++, without optimising what does not compute; with --long it is g++ that
# compiles for AddressSanitizer.
orders='^ops\..*_(forward|reverse)(_nhwc(16)?)?$'
twins='<fovea::f16_t>$'
digits='Tf32(RoundsAreExact|\.InputsAreRounded)$'
if ((long)); then
  targets=()
  address=(-LE 'long|lint|package|mutation')
  thread=("${address[@]}" -E "$orders")
  cases=
  level=-O1
else
  targets=(emulator_tests)
  address=(-L 'emu|ops|threads' -LE 'long|cuda' -E "$orders|$twins|^ops\..*\.(reference|cpu_n.*)$")
  thread=(-L 'emu|threads' -LE 'long|cuda|alone' -E
    "$orders|$twins|$digits|^TrainingMemory\.|^ops\.goldens\.|\.emu_direct_")
  cases=small
  level=-O0
fi
clang=${FOVEA_CLANG:-$(command -v clang++-14 || command -v clang++ || true)}
by_clang=("-DCMAKE_CXX_COMPILER=$clang")
asan=asan-clang by_address=("${by_clang[@]}")
((long)) && asan=asan by_address=()
# Without clang's OpenMP the cpu device would silently be left out.
[[ ! -d third_party/onednn ]] || by_address+=(-DFOVEA_CPU=ON)
sanitized=(-DCMAKE_BUILD_TYPE=RelWithDebInfo "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=$level -g1" -DFOVEA_CUDA=OFF
  -DFOVEA_WARNINGS_AS_ERRORS=OFF)
# no_clang NAME: whether a part cannot be compiled, which it says.
no_clang() {
  [[ -z $clang ]] || return 1
  echo "$1: no clang++ found (scripts/setup.sh test installs it)"
  broken_steps+=("$1")
}
if ! part asan || { ((!long)) && no_clang asan; }; then
  :
elif configuration $asan "${sanitized[@]}" -DFOVEA_SANITIZE=address ${by_address[@]+"${by_address[@]}"}; then
  FOVEA_TEST_CASES=$cases tests $asan "${address[@]}"
fi
if ! part tsan || no_clang tsan; then
  :
elif configuration tsan "${sanitized[@]}" -DFOVEA_SANITIZE=thread "${by_clang[@]}"; then
  FOVEA_TEST_CASES=$cases tests tsan "${thread[@]}"
fi

# Binaries for other distributions: everything but libc, libm and libstdc++ linked in.
if ((long)) && part portable &&
  step portable-configure cmake -S "$root" -B build/test-portable -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DFOVEA_CUDA=OFF -DFOVEA_STATIC_RUNTIME=ON -DFOVEA_BUILD_TESTS=OFF -DFOVEA_BUILD_EXAMPLES=OFF &&
  step portable-build cmake --build build/test-portable -j "$jobs"; then
  step portable-check scripts/check_portable.sh build/test-portable/cli/fovea && ran_portable=1
fi

echo "total time $(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s"
if [[ $only == portable && ${ran_portable-} ]]; then  # no test of ctest's
  echo "1 passed, 0 failed, 0 skipped"
  exit 0
fi
python3 scripts/test_summary.py "$logs" "${broken_steps[@]}"
