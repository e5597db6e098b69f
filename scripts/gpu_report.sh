#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What a GPU says about Fovea: gpu_report.sh --help
exec python3 -B "$(dirname "$0")/gpu_report.py" "$@"
