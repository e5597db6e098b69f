#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/ncu_layer.sh without a GPU: the command it prints follows the plan, its refusals say why, and a stand-in for
Nsight Compute is called as printed."""
import os
import pathlib
import shlex
import subprocess
import sys

import command

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "ncu_layer.py"


class NcuLayer(command.CommandTest):
    def script(self, *arguments, path=os.environ["PATH"]):
        return subprocess.run([sys.executable, "-B", SCRIPT, *map(str, arguments), "--fovea", command.FOVEA,
                               "--plan-on", "emu"], cwd=self.directory, env={**os.environ, "PATH": str(path)},
                              capture_output=True, text=True)

    def printed(self, *arguments):
        """The words of both commands."""
        ran = self.script(*arguments, "--print")
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        measure, show = ran.stdout.splitlines()
        return shlex.split(measure), shlex.split(show)

    def test_a_layer_with_its_relu(self):
        measure, show = self.printed("lenet5", "conv2", "forward", "--batch", 8)
        self.assertEqual(measure, ["ncu", "--nvtx", "--nvtx-include", r"conv2\+relu2 forward/", "--set", "full",
                                   "--launch-skip", "2", "--launch-count", "1", "--force-overwrite", "--export",
                                   "lenet5-conv2-forward", command.FOVEA, "profile", "lenet5", "--device", "cuda",
                                   "--batch", "8", "--steps", "3"])
        self.assertEqual(show, ["ncu", "--import", "lenet5-conv2-forward.ncu-rep", "--page", "details"])

    def test_launches_are_those_of_the_plan(self):
        plan = self.json("summary", "lenet5", "--plan", "--device", "emu", "--batch", 64)
        step = next(step for step in plan["steps"] if step["range"] == "conv2 backward")
        self.assertGreater(step["launches"], 1)
        measure, _ = self.printed("lenet5", "conv2", "backward")
        self.assertEqual(measure[measure.index("--launch-count") + 1], str(step["launches"]))
        self.assertEqual(measure[measure.index("--launch-skip") + 1], str(2 * step["launches"]))

    def test_names_and_options(self):
        measure, show = self.printed("alexnet-cifar", "features-3", "forward", "--precision", "bf16",
                                     "--engine", "native", "--out", "a b")
        self.assertEqual(measure[3], r"features-3\+features-4 forward/")
        self.assertEqual(measure[-8:], ["--batch", "64", "--precision", "bf16", "--engine", "native", "--steps", "3"])
        self.assertEqual(show[2], "a b.ncu-rep")

    def test_refusals(self):
        for arguments, says in [
                (("lenet5", "relu2", "forward"), "it is part of 'conv2+relu2 forward', ask for conv2"),
                (("lenet5", "conv9", "backward"), "no layer 'conv9' in the plan backward, there are: loss, fc3, fc2"),
                (("lenet6", "conv1", "forward"), "lenet6"),
                (("lenet5", "conv1", "forward", "--precision", "fp8"), "fp8")]:
            ran = self.script(*arguments, "--print")
            self.assertEqual((ran.returncode, ran.stdout), (2, ""), ran.stderr)
            self.assertTrue(ran.stderr.startswith("ncu_layer.sh: "), ran.stderr)
            self.assertIn(says, ran.stderr)
        self.assertEqual(self.script("lenet5", "conv1", "sideways").returncode, 2)
        ran = self.script("lenet5", "conv1", "forward", path=self.directory)
        self.assertEqual(ran.returncode, 2)
        self.assertIn("ncu is not on PATH", ran.stderr)

    def test_what_is_printed_is_run(self):
        stand_in = self.write("ncu", "#!/bin/sh\nfor word; do echo \"$word\" >> words; done\nexit $FOVEA_TEST_STATUS\n")
        stand_in.chmod(0o755)
        path = f"{self.directory}:{os.environ['PATH']}"
        for status, calls in [(0, 2), (3, 1)]:  # nothing to show when measuring failed
            (self.directory / "words").unlink(missing_ok=True)
            os.environ["FOVEA_TEST_STATUS"] = str(status)
            ran = self.script("lenet5", "conv2", "backward", path=path)
            self.assertEqual(ran.returncode, status, ran.stderr)
            words = [word for line in self.printed("lenet5", "conv2", "backward")[:calls] for word in line[1:]]
            self.assertEqual((self.directory / "words").read_text().splitlines(), words)


if __name__ == "__main__":
    command.main()
