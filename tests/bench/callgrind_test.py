#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No more instructions than the baseline's, and more are seen: callgrind_test.py FOVEA. Exit 77 (skipped) where the
baseline is of another compiler."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
SKIP = 77


def callgrind(*options):
    return subprocess.run([BENCH / "callgrind.sh", "--fovea", FOVEA, *options], capture_output=True, text=True)


class Planted(unittest.TestCase):
    """Faults in the baseline stand for faults in the program."""

    def with_baseline(self, change):
        baseline = json.loads((BENCH / "baselines" / "callgrind-reference.json").read_text())
        change(baseline)
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(baseline, file)
            file.flush()
            return callgrind("--baseline", file.name)

    def test_a_step_of_three_percent_more_instructions_is_seen(self):
        for name in ["lenet5:8 infer", "lenet5:8 train"]:
            def lower(baseline, name=name):
                baseline["instructions_per_step"][name] = round(baseline["instructions_per_step"][name] / 1.03)
            ran = self.with_baseline(lower)
            self.assertEqual(ran.returncode, 1, ran.stderr)
            self.assertIn(f"{name}: ", ran.stdout)
            self.assertEqual(ran.stdout.count("more than 2 % above it"), 1)

    def test_a_missing_count_and_another_compiler(self):
        ran = self.with_baseline(lambda baseline: baseline["instructions_per_step"].update({"other:1 train": 1}))
        self.assertEqual(ran.returncode, 1)
        ran = self.with_baseline(lambda baseline: baseline.update(compiler="another"))
        self.assertEqual(ran.returncode, SKIP)
        self.assertIn("the baseline is of 'another'", ran.stdout)

    def test_bad_usage(self):
        self.assertEqual(callgrind("--baselin", "x").returncode, 2)
        self.assertEqual(callgrind("--baseline", "/nowhere/baseline.json").returncode, 2)
        self.assertEqual(callgrind("--device", "nowhere").returncode, 2)


if __name__ == "__main__":
    FOVEA = sys.argv.pop(1)
    committed = callgrind()
    print(committed.stdout + committed.stderr)
    if committed.returncode != 0:
        sys.exit(committed.returncode)
    unittest.main()
