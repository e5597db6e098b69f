#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/peers/compare.py with a PyTorch whose speed is known: compare_test.py FOVEA.

A script that speaks pytorch_bench.py's protocol stands in for the interpreter with torch.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PEERS = pathlib.Path(__file__).resolve().parents[2] / "bench" / "peers"
sys.path.insert(0, str(PEERS))
import report  # noqa: E402 (the folder must be known first)

STAND_IN = """#!{python}
import json, os, sys
script, net = os.path.basename(sys.argv[1]), sys.argv[2]
if script == "parity.py":
    agrees = not os.environ.get("STAND_IN_DIFFERS")
    print(json.dumps(dict(net=sys.argv[3], layers_agree=True, losses_agree=agrees, losses=[1.0],
                          worst_relative_difference=0.0)))
    sys.exit(0 if agrees else 1)
batch, mode, variant = int(sys.argv[3]), sys.argv[4], sys.argv[5]
if variant == "compiled":
    sys.exit("no compiler")
speed = dict(zip(["eager", "eager-channels_last", "compiled-channels_last"], [100.0, 300.0, 200.0]))[variant]
print(json.dumps(dict(torch="9.9", onednn="3.3", imported_bytes=2**30)), flush=True)
for line in sys.stdin:
    assert float(line) == 0.01, line
    print(json.dumps(dict(milliseconds=1e3 * batch / speed, images_per_second=speed, peak_bytes=2**31)), flush=True)
    speed *= 2
"""


class Compare(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="fovea-compare-test-")
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)
        self.python = self.directory / "python"
        self.python.write_text(STAND_IN.format(python=sys.executable))
        self.python.chmod(0o755)

    def compare(self, *options, **environment):
        command = [sys.executable, "-B", PEERS / "compare.py", "--python", self.python, "--fovea", FOVEA, "--device",
                   "reference", "--threads", 1, "--seconds", 0.01, "--out", self.directory / "out", *options]
        return subprocess.run([str(word) for word in command], capture_output=True, text=True, env=environment)

    def test_measures_in_turn_and_reports(self):
        ran = self.compare("--rounds", 3, "--nets", "lenet5:2")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        raw = json.loads((self.directory / "out" / "peers-reference.json").read_text())
        self.assertEqual((raw["device"], raw["rounds"], raw["threads"], raw["seconds"]), ("reference", 3, 1, 0.01))
        self.assertGreater(raw["ceilings"]["flops_per_second"], 1e6)
        self.assertEqual([(c["net"], c["batch"], c["mode"]) for c in raw["cases"]],
                         [("lenet5", 2, "train"), ("lenet5", 2, "infer")])
        for case in raw["cases"]:
            ours = [run["images_per_second"] for run in case["fovea"]]
            self.assertEqual(len(ours), 3)
            self.assertEqual(case["peers"]["compiled"], {"error": "ended with exit code 1"})
            self.assertEqual([run["images_per_second"] for run in case["peers"]["eager"]["rounds"]], [100, 200, 400])
            result = case["comparison"]
            self.assertEqual(result["fastest"], "eager-channels_last")  # 300, 600, 1200
            self.assertAlmostEqual(result["ratio"], sorted(ours)[1] / 600)
            by_round = [ours[0] / 300, ours[1] / 600, ours[2] / 1200]
            self.assertAlmostEqual(result["ratio_min"], min(by_round))
            self.assertAlmostEqual(result["ratio_max"], max(by_round))
            peak = max(run["peak_bytes"] for run in case["fovea"])
            self.assertAlmostEqual(result["memory_ratio"], peak / 2**31)
            self.assertAlmostEqual(result["memory_ratio_beyond_import"], peak / 2**30)
        table = (self.directory / "out" / "peers-reference.md").read_text()
        self.assertEqual(table, ran.stdout)
        self.assertIn("| lenet5 | 2 | train | compiled | ended with exit code 1 |", table)
        self.assertIn("layers and the losses of 1 training steps agree", table)
        self.assertNotIn(str(self.directory), table + json.dumps(raw))

    def test_losses_that_differ_fail(self):
        ran = self.compare("--rounds", 1, "--nets", "lenet5:1", "--modes", "infer", STAND_IN_DIFFERS="1")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("DIFFER", ran.stdout)

    def test_failures_have_a_message(self):
        for options, says in [(["--device", "nowhere"], "device 'nowhere': expected one of"),
                              (["--nets", "lenet"], "expected NET"),
                              (["--nets", "lenet5:0"], "expected NET"), (["--seconds", "nan"], "above 0"),
                              (["--rounds", "0"], "above 0"), (["--fovea", "/nowhere/fovea"], "/nowhere/fovea"),
                              (["--python", "/nowhere/python"], "/nowhere/python")]:
            ran = self.compare("--no-parity", "--rounds", 1, *options)
            self.assertNotEqual(ran.returncode, 0, options)
            self.assertIn(says, ran.stderr)
            self.assertNotIn("Traceback", ran.stderr)


class Report(unittest.TestCase):
    def case(self, ours, theirs, peak_ours=60, peak_theirs=100):
        rounds = [{"images_per_second": speed, "peak_bytes": peak_theirs} for speed in theirs]
        return {"net": "lenet5", "batch": 64, "mode": "train",
                "fovea": [{"images_per_second": speed, "peak_bytes": peak_ours} for speed in ours],
                "peers": {"eager": {"rounds": rounds, "imported_bytes": 40}}}

    def test_bars(self):
        reached = report.compare(self.case([200, 100, 300], [100, 100, 100]))
        self.assertEqual((reached["ratio"], reached["reached"], reached["memory_reached"]), (2, True, True))
        missed = report.compare(self.case([199, 100, 300], [100, 100, 100], peak_ours=61))
        self.assertEqual((missed["reached"], missed["memory_reached"]), (False, False))

    def test_nothing_to_compare(self):
        case = self.case([1], [])
        case["peers"] = {"eager": {"error": "no torch"}}
        self.assertIsNone(report.compare(case))
        self.assertIsNone(report.compare(self.case([1], [1], peak_ours=None))["memory_ratio"])


if __name__ == "__main__":
    FOVEA = sys.argv.pop(1)
    unittest.main()
