#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Fails when a binary needs more from the system than libc, libm and libstdc++: check_portable.sh BINARY...
set -euo pipefail
status=0
for binary in "$@"; do
  needed=$(readelf -d "$binary" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
  extra=$(grep -vE '^(libc|libm|libstdc\+\+|libgcc_s|libpthread|libdl|librt|ld-linux.*)\.so' <<< "$needed" || true)
  if readelf -d "$binary" | grep -E '\((RPATH|RUNPATH)\)'; then
    echo "$binary: has a library search path of its own" >&2
    status=1
  fi
  if [[ -n $extra ]]; then
    echo "$binary: needs $(tr '\n' ' ' <<< "$extra")" >&2
    status=1
  else
    echo "$binary: needs only $(tr '\n' ' ' <<< "$needed")"
  fi
done
exit $status
