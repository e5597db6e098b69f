#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# One layer and direction under Nsight Compute: ncu_layer.sh --help
exec python3 -B "$(dirname "$0")/ncu_layer.py" "$@"
