#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the tree against rules.py: lint.py ROOT"""
import pathlib
import sys

import rules
import tree


def main(root):
    files = tree.read(root)
    if not any(path.startswith("core/") for path in files):
        print(f"lint: no sources under {root}")
        return 1
    found = 0
    for rule in rules.RULES:
        for path, line, message in rule(files):
            print(f"{path}:{line}: {message} [{rule.__name__}]")
            found += 1
    print(f"lint: {len(files)} files, {len(rules.RULES)} rules, {found} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
