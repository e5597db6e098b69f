# SPDX-License-Identifier: Apache-2.0
"""scripts/gpu_report.sh without a GPU: its refusal, and its report on made-up programs that pass, fail and hang."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "gpu_report.py"

FOVEA = """#!/bin/sh
case $1 in
  devices) echo '{"devices": []}' ;;
  compare) echo '{"ok": true, "worst_ratio": 0.25, "first_divergent": ""}' ;;
  bench) echo '{"results": [{"mode": "train", "milliseconds": 1, "images_per_second": 3000},' \
              '{"mode": "infer", "milliseconds": 0.5, "images_per_second": 6000}]}' ;;
  train) echo '{"train_loss": 0.1, "test_accuracy": 0.98, "images_per_second": 1000}' ;;
esac
"""
GTEST = """#!/bin/sh
if [ "$1" = --gtest_list_tests ]; then echo "Suite."; echo "  emu/a"; exit 0; fi
for argument; do case $argument in --gtest_output=json:*) file=${argument#--gtest_output=json:} ;; esac; done
cat > "$file" << 'END'
%s
END
exit %d
"""
PASSES = {"name": "emu/a", "status": "RUN", "result": "COMPLETED"}
FAILS = {"name": "emu/b", "status": "RUN", "result": "COMPLETED", "failures": [{"failure": "no"}]}
SKIPS = {"name": "c", "status": "RUN", "result": "SKIPPED"}


class GpuReport(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.build = pathlib.Path(self.folder.name)
        self.program("cli/fovea", FOVEA)

    def tearDown(self):
        self.folder.cleanup()

    def program(self, path, text):
        (self.build / path).parent.mkdir(parents=True, exist_ok=True)
        (self.build / path).write_text(text)
        (self.build / path).chmod(0o755)

    def gtest(self, name, cases, status):
        suite = {"testsuites": [{"name": "Suite", "testsuite": cases}]}
        self.program(f"tests/{name}/{name}_tests", GTEST % (json.dumps(suite), status))

    def report(self, *arguments):
        ran = subprocess.run([SCRIPT, "--device", "emu", "--build", self.build, "--out", self.build / "out", *arguments],
                             capture_output=True, text=True)
        data = json.loads((self.build / "out" / "gpu.json").read_text())
        return ran.returncode, data, (self.build / "out" / "gpu.md").read_text()

    def test_no_gpu(self):
        with tempfile.TemporaryDirectory() as empty:
            os.symlink("/usr/bin/env", pathlib.Path(empty) / "env")
            python = subprocess.run(["python3", "-c", "import sys; print(sys.executable)"], capture_output=True,
                                    text=True).stdout.strip()
            ran = subprocess.run([python, SCRIPT], capture_output=True, text=True, env={"PATH": empty})
        self.assertEqual(ran.returncode, 2)
        self.assertEqual(ran.stderr, "gpu_report: no usable GPU: nvidia-smi is not installed\n")

    def test_all_well(self):
        self.gtest("ops", [PASSES, SKIPS], 0)
        status, data, text = self.report()
        self.assertEqual(status, 0, text)
        self.assertTrue(data["complete"])
        self.assertIn("1 passed (1 on emu), 0 failed, 1 skipped", text)
        self.assertIn("98.00 %", text)
        self.assertIn("train 3,000 images/s, infer 6,000 images/s", text)
        self.assertIn("racecheck", text)

    def peers(self, ends):
        """In place of bench/peers/compare.py: leaves two cases, one without a peer, and a third that was not run."""
        self.program("compare.py", f"""import json, pathlib, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert 0 < float(given["--budget"]) <= 0.6 * 3000, given
name = "peers-" + given["--device"].replace(":", "-") + ("-bf16" if given["--precision"] == "bf16" else "")
case = dict(net="lenet5", batch=64, mode="train", comparison=dict(ratio=3.25, fastest="graphed"))
raw = dict(cases=[case, {{**case, "comparison": None}}], not_run=[dict(net="vgg16")])
pathlib.Path(given["--out"], name + ".json").write_text(json.dumps(raw))
sys.exit({ends})
""")
        return "--peers", self.build / "compare.py"

    def test_peers(self):
        self.gtest("ops", [PASSES], 0)
        status, data, text = self.report("--only", "bench", *self.peers("0"))
        self.assertEqual(status, 0, text)
        details = {e["name"]: e["detail"] for e in data["entries"] if e["name"].startswith("peers")}
        told = "lenet5 64 train 3.25 x graphed; 1 not run for want of time"
        self.assertEqual(details, {"peers emu:native bf16": told, "peers emu:library fp32": told})
        self.assertEqual(self.report("--only", "bench", *self.peers("'no torch'"))[0], 1)

    def test_only(self):
        self.gtest("ops", [PASSES], 0)
        self.assertEqual({e["section"] for e in self.report("--only", "bench")[1]["entries"]}, {"devices", "bench"})

    def test_failure_is_red(self):
        self.gtest("ops", [PASSES, FAILS], 1)
        status, data, text = self.report("--only", "tests")
        self.assertEqual(status, 1)
        self.assertIn("Suite.emu/b", text)

    def test_nothing_passed_is_red(self):
        self.gtest("ops", [SKIPS], 0)
        self.assertEqual(self.report("--only", "tests")[0], 1)

    def test_programs_of_other_devices_are_left_out(self):
        self.gtest("ops", [PASSES], 0)
        self.program("tests/core/tensor_test", "#!/bin/sh\necho Tensor.\nexit 1\n")
        self.assertEqual(self.report("--only", "tests")[0], 0)

    def test_no_test_programs_is_red(self):
        self.assertEqual(self.report("--only", "tests")[0], 1)

    def test_time_is_up(self):
        self.program("tests/ops/ops_tests", "#!/bin/sh\n[ $1 = --gtest_list_tests ] && echo emu || exec sleep 60\n")
        status, data, text = self.report("--only", "tests", "--budget", "3", "--jobs", "1")
        self.assertEqual(status, 1)
        self.assertIn("the time was up", text)


if __name__ == "__main__":
    unittest.main()
