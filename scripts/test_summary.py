#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Adds up ctest's JUnit files: test_summary.py DIR [BROKEN_STEP...]

Prints what failed and why tests were skipped; the last line is "N passed, N failed, N skipped". Exits 1 when a test
failed, a step (configure, build, check) broke, or no test ran at all. A test run that broke without a failed test in
its file (ctest itself gave up) counts as one failure.
"""
import collections
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree


def skip_reason(case):
    """The first line that the test printed after its "Skipped" marker, or ctest's own reason."""
    lines = [line.strip() for line in (case.findtext("system-out") or "").splitlines()]
    for i, line in enumerate(lines):
        if line.endswith("Skipped") and i + 1 < len(lines):
            return lines[i + 1]
    return case.find("skipped").get("message", "no reason given")


def read(path):
    """(passed, failed names, skip reasons) of one file. A test that could not start is a failure, not a skip."""
    passed, failed, skipped = 0, [], []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        skip = case.find("skipped")
        if skip is not None and "SKIP" in skip.get("message", ""):
            skipped.append(skip_reason(case))
        elif case.get("status") == "run" and case.find("failure") is None:
            passed += 1
        else:
            failed.append(case.get("name"))
    return passed, failed, skipped


def main(directory, broken_steps):
    passed, failures, reasons = 0, [], collections.Counter()
    blamed = set()
    for path in sorted(pathlib.Path(directory).glob("*.xml")):
        file_passed, file_failed, file_skipped = read(path)
        print(f"{path.stem}: {file_passed} passed, {len(file_failed)} failed, {len(file_skipped)} skipped")
        passed += file_passed
        failures += [f"{path.stem}: {name}" for name in file_failed]
        reasons.update(file_skipped)
        if file_failed:
            blamed.add(path.stem)
    failures += [f"{name}: the step itself failed" for name in broken_steps if name not in blamed]
    if passed + len(failures) + sum(reasons.values()) == 0 or (passed == 0 and not failures):
        failures.append("no test passed: nothing was proved")
    for reason, count in reasons.most_common():
        print(f"skipped {count}: {re.sub(r'^.*?: Skipped', '', reason)}")
    for failure in failures:
        print(f"FAILED {failure}")
    print(f"{passed} passed, {len(failures)} failed, {sum(reasons.values())} skipped")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
