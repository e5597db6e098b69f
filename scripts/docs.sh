#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Writes the API reference of the public headers to build/docs/html/index.html. A Doxygen warning is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v doxygen > /dev/null || { echo "docs.sh: doxygen is missing: scripts/setup.sh docs installs it" >&2; exit 1; }
mkdir -p build/docs
rm -rf build/docs/html
doxygen docs/Doxyfile
echo "docs.sh: build/docs/html/index.html"
