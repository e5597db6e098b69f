#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/peers/compare.py with peers whose speed is known: compare_test.py FOVEA.

A script that speaks the protocol of bench/peers/measuring.py stands in for the interpreter with torch and jax.
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
import json, os, sys, time
script, net = os.path.basename(sys.argv[1]), sys.argv[2]
if script == "parity.py":
    agrees = not os.environ.get("STAND_IN_DIFFERS")
    options = dict(zip(sys.argv[4::2], sys.argv[5::2]))
    framework = "jax" if options["--variant"] == "jax" else "pytorch"
    print(json.dumps(dict(net=sys.argv[3], framework=framework, layers_agree=True, losses_agree=agrees, losses=[1.0],
                          worst_relative_difference=0.0, tolerance=options["--precision"] == "fp32" and 1e-4 or 1e-2)))
    sys.exit(0 if agrees else 1)
batch, mode, variant = int(sys.argv[3]), sys.argv[4], sys.argv[5]
assert (script == "jax_bench.py") == (variant == "jax"), sys.argv
def note(what):
    if os.environ.get("STAND_IN_LOG"):
        with open(os.environ["STAND_IN_LOG"], "a") as log:
            print(what, net, variant, os.getpid(), file=log)
note("started")
if variant == "compiled":
    sys.exit("no compiler")
if variant == "jax" and not os.environ.get("STAND_IN_JAX"):
    print(json.dumps(dict(error="jax is not installed")), flush=True)
    sys.exit(1)
if variant == "graphed":
    time.sleep(60)
speed = dict(eager=100.0, compiled=0.0, default=50.0, jax=150.0).get(variant, 200.0)
if variant == "eager-channels_last":
    speed = 300.0
versions = dict(jax="8.8") if variant == "jax" else dict(torch="9.9", onednn="3.3")
print(json.dumps(dict(**versions, imported_bytes=2**30)), flush=True)
for line in sys.stdin:
    assert float(line) == 0.01, line
    note("measured")
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

    def test_variants_of_cuda_in_another_precision(self):
        """All that a GPU's comparison does, on a processor: variants, precision, JAX, the report."""
        options = ["--rounds", 1, "--nets", "lenet5:2", "--modes", "train", "--precision", "bf16", "--variants",
                   "max-autotune", "default", "jax"]
        ran = self.compare(*options, STAND_IN_JAX="1")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        raw = json.loads((self.directory / "out" / "peers-reference-bf16.json").read_text())
        self.assertEqual(raw["precision"], "bf16")
        case, = raw["cases"]
        ours = case["fovea"][0]["images_per_second"]
        for variant, speed in [("max-autotune", 200), ("default", 50), ("jax", 150)]:
            self.assertAlmostEqual(case["comparison"]["variants"][variant]["ratio"], ours / speed)
        self.assertGreater(case["comparison"]["of_roofline"], 0)
        self.assertIn("PyTorch 9.9 (oneDNN 3.3), JAX 8.8", ran.stdout)
        self.assertIn("beside PyTorch, bf16", ran.stdout)
        self.assertIn("- lenet5 in jax: layers and the losses of 1 training steps agree", ran.stdout)
        self.assertIn("of 0.01 allowed", ran.stdout)

    def test_absent_jax_is_said(self):
        ran = self.compare("--rounds", 1, "--nets", "lenet5:1", "--modes", "infer", "--variants", "eager", "jax")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("| lenet5 | 1 | infer | jax | jax is not installed |", ran.stdout)

    def test_budget(self):
        """A peer that does not get warm in time, and nets for which no time is left, are listed."""
        self.assertIn("above 0", self.compare("--budget", 0).stderr)
        ran = self.compare("--no-parity", "--rounds", 1, "--nets", "lenet5:1", "alexnet-cifar:1", "--modes", "infer",
                           "--variants", "eager", "graphed", "--budget", 8)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        raw = json.loads((self.directory / "out" / "peers-reference.json").read_text())
        self.assertRegex(raw["cases"][0]["peers"]["graphed"]["error"], "not warm after the [0-9]+ s|the time was up")
        self.assertEqual(raw["not_run"], [{"net": "alexnet-cifar", "batch": 1, "mode": "infer"}])
        self.assertIn("Not run, for want of time: alexnet-cifar 1 infer.", ran.stdout)

    def test_together(self):
        """All peers are started before the first is measured; those of cases that are not run are ended."""
        log = self.directory / "log"
        options = ["--no-parity", "--rounds", 1, "--modes", "infer", "--variants", "eager", "default", "--nets",
                   "lenet5:1", "alexnet-cifar:1"]
        ran = self.compare(*options, "--together", STAND_IN_LOG=str(log))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        first = [line.split()[0] for line in log.read_text().splitlines()].index("measured")
        self.assertEqual(first, 2 * 2)
        log.unlink()
        self.assertEqual(self.compare(*options, STAND_IN_LOG=str(log)).returncode, 0)
        self.assertEqual([line.split()[0] for line in log.read_text().splitlines()].index("measured"), 2)
        log.unlink()
        ran = self.compare(*options[:6], "eager", "graphed", *options[8:], "--together", "--budget", 10,
                           STAND_IN_LOG=str(log))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        case = json.loads((self.directory / "out" / "peers-reference.json").read_text())["cases"][0]
        self.assertRegex(case["peers"]["graphed"]["error"], "not warm after the [0-9]+ s")  # it takes a minute
        for line in log.read_text().splitlines():
            self.assertFalse(pathlib.Path("/proc", line.split()[3]).exists(), line)

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

    def test_bars_of_cuda(self):
        case = {"net": "alexnet", "batch": 256, "mode": "train", "peers": {}, "fovea": [
            {"images_per_second": 300, "peak_bytes": 70, "of_roofline": 0.5}]}
        for variant, speed in [("max-autotune", 214), ("default", 101), ("graphed", 250)]:
            case["peers"][variant] = {"rounds": [{"images_per_second": speed, "peak_bytes": 100}], "imported_bytes": 0}
        result = report.compare(case, "cuda", "bf16")
        self.assertEqual((result["fastest"], result["bar"], result["reached"]), ("graphed", None, None))
        self.assertEqual([result["variants"][v]["reached"] for v in case["peers"]], [True, False, None])
        self.assertEqual((result["memory_reached"], result["roofline_reached"]), (True, True))
        case["fovea"][0].update(peak_bytes=71, of_roofline=0.49)
        worse = report.compare(case, "cuda", "bf16")
        self.assertEqual((worse["memory_reached"], worse["roofline_reached"]), (False, False))
        self.assertEqual(report.compare(case, "cuda", "fp32")["variants"]["default"]["bar"], None)
        case.update(net="lenet5", batch=64)
        self.assertEqual(report.compare(case, "cuda", "fp32")["variants"]["default"]["bar"], 15)

    def test_nothing_to_compare(self):
        case = self.case([1], [])
        case["peers"] = {"eager": {"error": "no torch"}}
        self.assertIsNone(report.compare(case))
        self.assertIsNone(report.compare(self.case([1], [1], peak_ours=None))["memory_ratio"])


if __name__ == "__main__":
    FOVEA = sys.argv.pop(1)
    unittest.main()
