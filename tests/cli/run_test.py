#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fovea train around its steps: saves, validation, early and requested stops, kills, transfer, non-finite values."""
import json
import os
import random
import signal
import subprocess
import time

import command

KILLS = int(os.environ.get("FOVEA_TEST_KILLS", "12"))
DATA = "synthetic:1x12x12:4"  # 2,048 images
TRAIN = ["train", "mlp", "--data", DATA, "--batch", 100, "--device", "reference"]
# Everything that has a memory.
NET = command.net_file(2, "batch_norm", "dropout")
WHOLE = ["train", "net.toml", "--data", DATA, "--batch", 64, "--device", "reference", "--epochs", 3,
         "--optimizer", "adam", "--schedule", "cosine", "--ema", 0.9,
         "--augment", "crop:1,noise:0.1,cutout:3,mixup:0.4,cutmix:1",
         "--loader-threads", 2, "--validation", 200, "--save-every", 7, "--keep", 2]


class Runs(command.CommandTest):
    def start(self, *arguments):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FOVEA_")}
        return subprocess.Popen([command.FOVEA, *map(str, arguments)], cwd=self.directory, env=environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def wait_for(self, path, process):
        for _ in range(6000):
            if path.exists() or process.poll() is not None:
                return
            time.sleep(0.01)

    def test_saves_between_epochs_and_keeps_the_newest(self):
        self.good(*TRAIN, "--epochs", 1, "--max-steps", 20, "--save-every", 6, "--keep", 2, "--out", "run")
        self.assertEqual(sorted(self.files_in("run")), ["last.safetensors", "metrics.jsonl",
                                                        "step-00000012.safetensors", "step-00000018.safetensors"])
        # A kept save is that of a run of so many steps.
        self.good(*TRAIN, "--epochs", 1, "--max-steps", 12, "--out", "short")
        self.assertEqual(self.files_in("run")["step-00000012.safetensors"], self.files_in("short")["last.safetensors"])
        self.good("eval", "run/step-00000018.safetensors", "--data", DATA, "--device", "reference")

    def test_signals_end_a_run_that_can_be_resumed(self):
        self.good(*TRAIN, "--epochs", 40, "--out", "whole")
        for name in ["SIGINT", "SIGTERM", "SIGUSR1"]:
            process = self.start(*TRAIN, "--epochs", 40, "--out", name, "--json")
            self.wait_for(self.directory / name / "last.safetensors", process)
            process.send_signal(getattr(signal, name))
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, err)
            result = json.loads(out)
            self.assertEqual(result["stopped_by"], name)
            self.assertLess(result["steps"], 840)
            self.good(*TRAIN, "--epochs", 40, "--resume", name)
            self.assertEqual(self.files_in(name), self.files_in("whole"))

    def test_validation_finds_the_best_epoch(self):
        result = self.json(*TRAIN, "--epochs", 4, "--validation", 0.25, "--out", "run")
        lines = [json.loads(line) for line in (self.directory / "run/validation.jsonl").read_text().splitlines()]
        self.assertEqual([line["epoch"] for line in lines], [1, 2, 3, 4])
        accuracies = [line["accuracy"] for line in lines]
        self.assertEqual(result["best_epoch"], accuracies.index(max(accuracies)) + 1)
        self.assertEqual(result["validation_accuracy"], max(accuracies))
        # The test accuracy is the best epoch's, and 512 images are not trained on.
        best = self.json("eval", "run/best.safetensors", "--data", DATA, "--device", "reference")
        self.assertEqual(result["test_accuracy"], best["accuracy"])
        self.assertEqual(result["steps"], 4 * 16)
        self.refused(*TRAIN, "--validation", 2048, "--out", "none",
                     says="expected 1 to 2047 of the 2048 training images")
        self.refused(*TRAIN, "--validation", 1.5, "--out", "none", says="--validation: expected a fraction below 1")

    def test_a_run_that_goes_on_elsewhere_takes_its_validations_along(self):
        train = [*TRAIN, "--validation", 0.25]
        self.good(*train, "--epochs", 4, "--out", "whole")
        self.good(*train, "--epochs", 4, "--max-steps", 40, "--out", "first")
        self.good(*train, "--epochs", 4, "--resume", "first", "--out", "second")
        self.assertEqual(self.files_in("second"), self.files_in("whole"))

    def test_stops_when_validation_no_longer_gets_better(self):
        # A rate of 0 changes nothing: no epoch is better than the first.
        train = [*TRAIN, "--epochs", 9, "--lr", 0, "--validation", 0.25, "--early-stop", 2]
        result = self.json(*train, "--out", "run")
        self.assertEqual((result["steps"], result["best_epoch"]), (3 * 16, 1))
        again = self.json(*train, "--resume", "run")
        self.assertEqual(again["steps"], 3 * 16)

    def test_killed_runs_end_in_the_same_bytes(self):
        self.write("net.toml", NET)
        began = time.monotonic()
        self.good(*WHOLE, "--out", "whole")
        duration = time.monotonic() - began
        whole, instants = self.files_in("whole"), random.Random(KILLS)
        kills = runs = 0
        while kills < KILLS:
            runs += 1
            run, goes_on = f"run{runs}", []
            while True:
                process = self.start(*WHOLE, "--out", run, *goes_on)
                if kills < KILLS:
                    time.sleep(instants.uniform(0, duration))
                    process.kill()  # does nothing when the process has ended
                out, err = process.communicate(timeout=120)
                if process.returncode != -signal.SIGKILL:
                    self.assertEqual(process.returncode, 0, err)
                    break
                kills += 1
                if (self.directory / run / "last.safetensors").exists():
                    self.good("eval", f"{run}/last.safetensors", "--data", DATA, "--device", "reference")
                    goes_on = ["--resume", run]
            # A killed write may leave its temporary file.
            self.assertEqual({n: b for n, b in self.files_in(run).items() if ".tmp-" not in n}, whole)

    def test_transfer(self):
        self.trained("old")
        start = ["train", "mlp", "--max-steps", 0, "--device", "reference", "--init-from", "old/last.safetensors"]
        result = self.good(*start, "--data", "synthetic:1x28x28:3", "--out", "new")
        self.assertIn("old/last.safetensors: 2 tensors loaded, 2 skipped, 2 of the net new", result.out)
        self.assertIn("skipped: fc2.weight [10, 128]: the net has [3, 128]", result.out)
        self.assertIn("new: fc2.bias", result.out)
        # A new head in spite of fitting shapes.
        result = self.good(*start, "--data", command.DATA, "--new-head", 10, "--out", "head")
        self.assertIn("skipped: fc2.weight [10, 128]: the head is new", result.out)
        # Nothing that fits is an error.
        self.refused("train", "lenet5", *start[2:], "--data", command.DATA, "--out", "none",
                     says=["none of its tensors fits net 'lenet5'", "fc1.weight [128, 784]"])
        self.refused(*start, "--data", command.DATA, "--resume", "old",
                     says="--init-from starts a training and --resume goes on")

    def test_a_nan_is_found_and_repeated(self):
        self.nan_is_found([])

    def test_a_nan_of_mixed_samples_is_found_and_repeated(self):
        self.nan_is_found(["--augment", "cutmix:1"])

    def nan_is_found(self, more):
        train = ["train", "lenet5", "--data", command.DATA, "--batch", 32, "--device", "reference", *more]
        failed = self.run_fovea(*train, "--out", "run", "--inject", "conv2")
        self.assertEqual(failed.code, 1)
        self.assertIn("the loss is nan at step 1", failed.err)
        self.assertIn("first in layer 'conv2': output: 1 value is not finite; sample ", failed.err)
        sample = int(failed.err.split("; sample ")[1].split("\n")[0])
        for device in ["reference", "emu"]:
            replayed = self.run_fovea("replay", "run/replay.safetensors", "--device", device, "--json")
            self.assertEqual(replayed.code, 1)
            found = replayed.object()
            self.assertEqual((found["layer"], found["tensor"], found["samples"], found["values"]),
                             ("conv2", "output", [sample], 1))
        self.refused("replay", "run/nothing.safetensors", says="cannot open")
        self.refused("replay", "run/last.safetensors", says="this is no fovea replay")
        self.refused(*train, "--out", "none", "--inject", "conv", says="conv1")

    def test_weights_too_large_are_found(self):
        failed = self.run_fovea(*TRAIN, "--lr", 1e30, "--epochs", 1, "--out", "run")
        self.assertEqual(failed.code, 1)
        self.assertIn("first in layer '", failed.err)
        self.assertEqual(self.run_fovea("replay", "run/replay.safetensors").code, 1)

    def test_eval_counts_by_class(self):
        self.trained()
        result = self.json("eval", "run/last.safetensors", "--data", command.DATA, "--device", "reference")
        table, images = result["confusion"], result["images"]
        self.assertEqual(sum(map(sum, table)), images)
        self.assertAlmostEqual(sum(table[i][i] for i in range(10)) / images, result["accuracy"])
        self.assertAlmostEqual(table[3][3] / sum(table[3]), result["class_accuracy"]["3"])
        self.assertLessEqual(result["accuracy"], result["top5_accuracy"])
        text = self.good("eval", "run/last.safetensors", "--data", command.DATA, "--device", "reference", "--confusion")
        self.assertIn("most often taken for", text.out)


if __name__ == "__main__":
    command.main()
