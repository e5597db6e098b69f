#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/speedruns/speedrun.py with a fovea and a PyTorch whose times and accuracies are known."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SPEEDRUN = pathlib.Path(__file__).resolve().parents[2] / "bench" / "speedruns" / "speedrun.py"
FOVEA = """#!{python}
import json, os, sys
if sys.argv[1] == "--version":
    sys.exit(print("fovea 9"))
given = dict(zip(sys.argv[2::2], sys.argv[3::2]))
assert sys.argv[1] == "train" and os.path.exists(given["--recipe"]), sys.argv
seed = int(given["--seed"])
print(json.dumps(dict(train_seconds=float(os.environ["OURS"]) * seed, test_accuracy=float(os.environ["ACCURACY"]))))
"""
PYTHON = """#!{python}
import json, os, sys
if os.environ.get("NO_TORCH"):
    sys.exit("ModuleNotFoundError: No module named 'torch'")
assert os.path.basename(sys.argv[1]) == "airbench.py" and sys.argv[3] == "--seeds", sys.argv
print(json.dumps(dict(train_seconds=4 * int(sys.argv[4]), test_accuracy=0.81, torch="9.9")))
"""


class Speedrun(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="fovea-speedrun-test-")
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)
        for name, text in (("fovea", FOVEA), ("python", PYTHON)):
            (self.directory / name).write_text(text.format(python=sys.executable))
            (self.directory / name).chmod(0o755)

    def speedrun(self, name, ours, accuracy, *options, **environment):
        command = [sys.executable, "-B", SPEEDRUN, name, "--data", self.directory, "--fovea", self.directory / "fovea",
                   "--python", self.directory / "python", "--device", "cpu", "--out", self.directory, *options]
        return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                              env={**os.environ, "OURS": str(ours), "ACCURACY": str(accuracy), **environment})

    def test_cifar10_beside_airbench(self):
        ran = self.speedrun("cifar10", 2.8, 0.81)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        raw = json.loads((self.directory / "speedrun-cifar10.json").read_text())
        self.assertEqual([run["seed"] for run in raw["airbench"]], [1, 2, 3, 4, 5])
        verdict = raw["verdict"]
        self.assertAlmostEqual(verdict["ratio"], 0.7)  # medians: 3 * 2.8 and 3 * 4
        self.assertEqual((verdict["target"], verdict["target_reached"]), (0.81, True))
        self.assertTrue(self.verdict(2.79, 0.81)["bar_reached"])
        self.assertFalse(self.verdict(2.81, 0.81)["bar_reached"])
        # Fast is nothing without the accuracy.
        ran = self.speedrun("cifar10", 1, 0.809)
        self.assertEqual(ran.returncode, 1)
        self.assertIn("Target 81.00 %: missed", ran.stdout)
        self.assertIn("Bar: at most 0.7 of airbench94's time: missed.", ran.stdout)

    def verdict(self, *given):
        self.speedrun("cifar10", *given)
        return json.loads((self.directory / "speedrun-cifar10.json").read_text())["verdict"]

    def test_without_torch(self):
        ran = self.speedrun("cifar10", 1, 0.9, NO_TORCH="1")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("airbench94 was not run: ModuleNotFoundError: No module named 'torch'.", ran.stdout)
        self.assertIn("Bar: at most 0.7 of airbench94's time, not measured.", ran.stdout)

    def test_mnist(self):
        self.assertIn("Bar: less than 0.1 s: ok.", self.speedrun("mnist", 0.03, 0.99).stdout)
        self.assertIn("Bar: less than 0.1 s: missed.", self.speedrun("mnist", 0.04, 0.99).stdout)
        self.assertIn("Bar: less than 0.1 s: missed.", self.speedrun("mnist", 0.03, 0.98).stdout)

    def test_too_few_seeds(self):
        self.assertIn("--seeds: expected at least 5, got 4", self.speedrun("mnist", 1, 1, "--seeds", 4).stderr)


if __name__ == "__main__":
    unittest.main()
