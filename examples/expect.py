# SPDX-License-Identifier: Apache-2.0
"""Runs a program and compares what it prints with a file: expect.py EXPECTED PROGRAM [ARGUMENT...]

A line that starts with "~ " is a regular expression for its line; every other line must match exactly.
"""
import itertools
import re
import subprocess
import sys


def differences(expected, printed):
    for number, (want, got) in enumerate(itertools.zip_longest(expected, printed), 1):
        fits = want is not None and got is not None and (
            re.fullmatch(want[2:], got) if want.startswith("~ ") else want == got)
        if not fits:
            yield f"line {number}: expected {want!r}, got {got!r}"


def main(expected_file, command):
    ran = subprocess.run(command, capture_output=True, text=True)
    print(ran.stdout + ran.stderr, end="")
    with open(expected_file, encoding="utf-8") as file:
        found = list(differences(file.read().splitlines(), ran.stdout.splitlines()))
    for difference in found:
        print(difference)
    if ran.returncode:
        print(f"exit status {ran.returncode}")
    return 1 if found or ran.returncode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
