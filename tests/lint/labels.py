#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every ctest test carries a known label and a time limit: labels.py CTEST BUILD_DIR"""
import json
import subprocess
import sys

# Areas, and what scripts/test.sh selects by. docs/testing.md explains them.
KNOWN = {"core", "compare", "library", "reference", "data", "net", "cli", "emu", "ops", "cpu", "cuda", "lint", "example", "package", "mutation",
         "threads", "alone", "long", "bench", "budget"}


def problems(tests):
    """Messages about `tests`, the list in ctest's JSON listing."""
    for test in tests:
        properties = {entry["name"]: entry["value"] for entry in test.get("properties", [])}
        labels = set(properties.get("LABELS", []))
        if not labels - {"long", "threads", "alone"}:
            yield f"{test['name']}: has no area label"
        if labels - KNOWN:
            yield f"{test['name']}: unknown label {', '.join(sorted(labels - KNOWN))}"
        if "TIMEOUT" not in properties:
            yield f"{test['name']}: has no time limit"
        if test["name"].endswith("_NOT_BUILT"):
            yield f"{test['name']}: its executable was not built"


def main(ctest, build):
    listing = subprocess.run([ctest, "--test-dir", build, "--show-only=json-v1"], check=True, capture_output=True,
                             text=True).stdout
    tests = json.loads(listing)["tests"]
    found = list(problems(tests))
    for message in found:
        print(message)
    print(f"labels: {len(tests)} tests, {len(found)} problems")
    return 1 if found or not tests else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
