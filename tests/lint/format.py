#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-format has nothing to change: format.py ROOT [--fix]. Exit 77 (skipped) without clang-format 14.

Other versions break lines differently, so only the version that .clang-format was written for is asked.
"""
import pathlib
import shutil
import subprocess
import sys

import tree

SKIP = 77


def clang_format():
    for name in ("clang-format-14", "clang-format"):
        if shutil.which(name):
            version = subprocess.run([name, "--version"], capture_output=True, text=True).stdout
            if " 14." in version:
                return name
    return None


def unformatted(tool, root, sources):
    """The sources that clang-format would change. (Arguments in one go: one process start for the whole tree.)"""
    ran = subprocess.run([tool, "--dry-run", "--style=file", *sources], cwd=root, capture_output=True, text=True)
    lines = [line for line in ran.stderr.splitlines() if "[-Wclang-format-violations]" in line]
    return sorted({line.split(":")[0] for line in lines}), ran.returncode


def main(root, fix):
    tool = clang_format()
    if tool is None:
        print("Skipped\nclang-format 14 is not installed")
        return SKIP
    sources = [path for path in tree.paths(root) if path.endswith((".h", ".cuh", ".cpp", ".cu"))]
    if fix:
        return subprocess.run([tool, "-i", "--style=file", *sources], cwd=root).returncode
    wrong, status = unformatted(tool, root, sources)
    for path in wrong:
        print(f"{path}: not as clang-format writes it (python3 tests/lint/format.py . --fix)")
    print(f"format: {len(sources)} files, {len(wrong)} to change")
    return 1 if wrong or status or not sources else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), "--fix" in sys.argv[2:]))
