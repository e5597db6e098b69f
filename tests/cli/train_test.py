#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a training run leaves: the same bytes each time, also when it is cut and resumed.

FOVEA_TEST_DEVICE is trained on, the reference where it is not set.
"""
import json
import os
import pty
import subprocess

import command

DEVICE = os.environ.get("FOVEA_TEST_DEVICE", "reference")
TRAIN = ["train", "mlp", "--data", "synthetic:1x12x12:4", "--batch", 100, "--device", DEVICE]  # 2,048 images


class TrainTest(command.CommandTest):
    def setUp(self):
        super().setUp()
        if DEVICE not in self.devices():
            self.skipTest(f"no device {DEVICE}")


class Runs(TrainTest):
    def test_the_same_command_twice_gives_the_same_bytes(self):
        for run in ["a", "b"]:
            self.good(*TRAIN, "--epochs", 1, "--out", run)
        self.assertEqual(self.files_in("a"), self.files_in("b"))
        self.good(*TRAIN, "--epochs", 1, "--out", "c", "--seed", 2)
        self.assertNotEqual(self.files_in("a"), self.files_in("c"))

    def test_any_number_of_threads_gives_the_same_bytes(self):
        on_reference = [*TRAIN[:-1], "reference"]  # other devices may split a sum between threads
        for threads in [1, 3]:
            self.good(*on_reference, "--max-steps", 5, "--out", f"t{threads}", "--threads", threads)
        self.assertEqual(self.files_in("t1"), self.files_in("t3"))

    def test_a_resumed_run_equals_the_uninterrupted_one(self):
        whole = self.json(*TRAIN, "--epochs", 4, "--out", "whole")
        steps = whole["steps"]
        self.assertEqual(steps, 84)
        for cut in [0, 1, 20, 21, 25, 42, 83, steps]:  # in an epoch, at its end, after the end
            run = f"cut{cut}"
            self.good(*TRAIN, "--epochs", 4, "--out", run, "--max-steps", cut)
            named = run if cut % 2 else f"{run}/last.safetensors"  # the directory or the file in it
            resumed = self.json(*TRAIN, "--epochs", 4, "--resume", named)
            self.assertEqual(resumed["checkpoint"], f"{run}/last.safetensors")
            self.assertEqual(resumed["test_accuracy"], whole["test_accuracy"])
            self.assertEqual(self.files_in(run), self.files_in("whole"), f"cut after {cut} steps")

    def test_a_run_goes_on_where_it_was_made(self):
        train = ["train", "mlp", "--data", "synthetic:1x6x6:3", "--batch", 16, "--epochs", 1]
        cut = [*train, "--out", "cut", "--overwrite", "--max-steps", 2]
        for device in [DEVICE, "reference"]:
            self.assertEqual(self.json(*train, "--out", "whole", "--overwrite", "--device", device)["device"], device)
            self.good(*cut, "--device", device)
            resumed = self.good(*train, "--resume", "cut")
            self.assertNotIn("note:", resumed.out + resumed.err)
            self.assertEqual(self.files_in("cut"), self.files_in("whole"))
        self.good(*cut, "--device", "reference")
        elsewhere = self.good(*train, "--resume", "cut", "--device", "emu")
        self.assertIn("note: the steps before were made on reference; on emu:native the run ends in other bits",
                      elsewhere.out + elsewhere.err)
        self.assertNotEqual(self.files_in("cut"), self.files_in("whole"))

    def test_a_run_keeps_its_layouts(self):
        train = [*TRAIN, "--epochs", 1]
        whole = self.json(*train, "--no-layouts", "--out", "whole")
        self.assertEqual(whole["passes"], {"layouts": False, "fuse": True, "copies": True})
        # Fusion and copies change no bit and may come and go.
        self.good(*train, "--no-layouts", "--no-fuse", "--no-copies", "--max-steps", 7, "--out", "cut")
        resumed = self.good(*train, "--resume", "cut")
        self.assertIn("passes: layouts off, fusion on, copies on", resumed.out)
        self.assertEqual(self.files_in("cut"), self.files_in("whole"))
        self.assertNotIn("passes:", self.good(*train, "--max-steps", 7, "--out", "with").out)
        self.refused(*train, "--resume", "with", "--no-layouts",
                     says="cannot resume: layouts was true in the checkpoint and is false now")

    def test_running_statistics_are_resumed_evaluated_and_folded(self):
        self.write("norm.toml", command.net_file(4, "batch_norm"))
        train = [*TRAIN, "--epochs", 1]
        train[1] = "norm.toml"
        whole = self.json(*train, "--out", "whole")
        self.good(*train, "--out", "cut", "--max-steps", 7)
        self.good(*train, "--resume", "cut")
        self.assertEqual(self.files_in("cut"), self.files_in("whole"))
        evaluate = ["eval", "whole/last.safetensors", "--data", TRAIN[3], "--device", DEVICE]
        plain, folded = self.json(*evaluate), self.json(*evaluate, "--fold")
        self.assertEqual(plain["accuracy"], whole["test_accuracy"])
        self.assertAlmostEqual(folded["loss"], plain["loss"], delta=1e-5)
        self.assertIn("1 batch normalisation", self.good(*evaluate, "--fold").out)

    def test_the_loss_of_a_net_file_is_trained_kept_and_evaluated(self):
        net = 'input = [1, 12, 12]\n[[layer]]\nname = "fc"\ntype = "linear"\nout_features = 4\n'
        losses = {"default": "", "hinge": '[loss]\ntype = "hinge_loss"\nsquared = true\n',
                  "targets": '[loss]\ntype = "mean_squared_error"\noff = -1\n'}
        arguments = ["train", "net.toml", *TRAIN[2:], "--epochs", 1, "--lr", 0.01]
        results = {}
        for name, loss in losses.items():
            self.write("net.toml", net + loss)
            whole = self.json(*arguments, "--out", name)
            self.good(*arguments, "--out", f"{name}-cut", "--max-steps", 5)
            self.good(*arguments, "--resume", f"{name}-cut")
            self.assertEqual(self.files_in(f"{name}-cut"), self.files_in(name))
            evaluated = self.json("eval", f"{name}/last.safetensors", *TRAIN[2:4], "--device", DEVICE)
            self.assertEqual(evaluated["loss"], whole["test_loss"])
            results[name] = whole["test_loss"]
        self.assertEqual(len(set(results.values())), 3)
        self.refused(*arguments, "--resume", "hinge", says="hinge/last.safetensors")  # the file says targets now

    def test_resuming_into_another_directory_leaves_the_first_alone(self):
        self.good(*TRAIN, "--epochs", 1, "--out", "first", "--seed", 7, "--lr", 0.01)
        before = self.files_in("first")
        # The options of the first run hold without being given again.
        self.assertEqual(self.json(*TRAIN, "--epochs", 2, "--resume", "first", "--out", "second")["seed"], 7)
        self.assertEqual(self.files_in("first"), before)
        self.good(*TRAIN, "--epochs", 2, "--out", "whole", "--seed", 7, "--lr", 0.01)
        self.assertEqual(self.files_in("second"), self.files_in("whole"))

    def test_metrics_beyond_the_checkpoint_are_dropped_and_missing_ones_refused(self):
        self.good(*TRAIN, "--epochs", 1, "--out", "whole")
        self.good(*TRAIN, "--epochs", 1, "--out", "cut", "--max-steps", 4)
        metrics = self.directory / "cut" / "metrics.jsonl"
        kept = metrics.read_text()
        metrics.write_text(kept + '{"step": 5}\n{"st')
        self.good(*TRAIN, "--epochs", 1, "--resume", "cut")
        self.assertEqual(self.files_in("cut"), self.files_in("whole"))
        metrics.write_text("".join(kept.splitlines(keepends=True)[:-1]))
        self.refused(*TRAIN, "--epochs", 2, "--resume", "cut", says="cut/metrics.jsonl: expected a line for each")

    def test_directories_are_numbered(self):
        few = [*TRAIN, "--max-steps", 1, "--json"]
        self.assertEqual(self.good(*few).object()["checkpoint"], "runs/mlp-1/last.safetensors")
        self.assertEqual(self.good(*few).object()["checkpoint"], "runs/mlp-2/last.safetensors")
        (self.directory / "runs" / "mlp-1").rename(self.directory / "moved")
        self.assertEqual(self.good(*few).object()["checkpoint"], "runs/mlp-1/last.safetensors")
        self.write("nets/own.toml", 'input = [1, 12, 12]\n[[layer]]\nname = "fc"\ntype = "linear"\nout_features = 4\n')
        few[1] = "nets/own.toml"
        self.assertEqual(self.good(*few).object()["checkpoint"], "runs/own-1/last.safetensors")

    def test_a_run_is_replaced_only_when_asked(self):
        self.good(*TRAIN, "--epochs", 1, "--validation", 0.25, "--save-every", 3, "--keep", 9, "--out", "run")
        before = self.files_in("run")
        again = [*TRAIN, "--max-steps", 2, "--out"]
        for out in ["run", "./run/"]:
            self.refused(*again, out, says=f"--out: {out} holds a run; --resume {out} goes on with it, --overwrite")
        self.good(*TRAIN, "--max-steps", 1, "--out", "other")
        self.refused(*again, "run", "--resume", "other", says="--out: run holds a run")
        self.assertEqual(self.files_in("run"), before)
        self.write("run/notes.txt", "mine")
        self.assertIn("replaces the run in run", self.good(*again, "run", "--overwrite").out)
        self.assertEqual(sorted(self.files_in("run")), ["last.safetensors", "metrics.jsonl", "notes.txt"])

    def test_test_data_may_come_from_elsewhere(self):
        other = self.json(*TRAIN, "--max-steps", 1, "--test-data", "synthetic:1x12x12:3")
        own = self.json(*TRAIN, "--max-steps", 1)
        self.assertNotEqual(other["test_loss"], own["test_loss"])

    def test_divergence_fails_with_exit_code_1(self):
        result = self.run_fovea(*TRAIN, "--lr", "1e30", "--json")
        self.assertEqual(result.code, 1, result.err)
        self.assertIn("diverged", result.object()["error"])

    def test_another_device_follows_the_reference(self):
        other = "emu" if DEVICE == "reference" else DEVICE
        arguments = ["train", "lenet5", "--data", "synthetic:1x28x28:10", "--batch", 8, "--max-steps", 20]
        losses = {}
        for run, device in [("reference", "reference"), ("other", other), ("again", other)]:
            result = self.json(*arguments, "--device", device, "--out", run)
            self.assertEqual(result["device"], device)
            lines = (self.directory / run / "metrics.jsonl").read_text().splitlines()
            losses[run] = [json.loads(line)["loss"] for line in lines]
            self.assertEqual(len(losses[run]), 20)
        for a, b in zip(losses["reference"], losses["other"]):
            self.assertLess(abs(a - b), 1e-4 * abs(a))
        self.assertEqual(self.files_in("other"), self.files_in("again"))


class Precision(TrainTest):
    # A convolution, which a whole LeNet-5 would take too long for on the reference in 16 bits.
    SMALL = ("input = [1, 28, 28]\n"
             '[[layer]]\nname = "conv"\ntype = "conv2d"\nout_channels = 4\nkernel = 5\nstride = 3\n'
             '[[layer]]\nname = "relu"\ntype = "relu"\n'
             '[[layer]]\nname = "fc"\ntype = "linear"\nout_features = 10\n')
    DIGITS = ["train", "small.toml", "--data", "digits#per-class=20", "--batch", 32, "--device", DEVICE]

    def setUp(self):
        super().setUp()
        self.write("small.toml", self.SMALL)

    def has(self, precision):
        """Whether DEVICE's own engine computes in it."""
        devices = {d["name"]: d for d in self.json("devices")["devices"]}
        return precision in devices[DEVICE]["engines"][0]["precisions"]

    def metrics(self, run):
        return [json.loads(line) for line in (self.directory / run / "metrics.jsonl").read_text().splitlines()]

    def test_16_bits_are_trained_in_told_and_resumed(self):
        wide = self.json(*self.DIGITS, "--max-steps", 5, "--out", "fp32")
        self.assertNotIn("precision", wide)
        self.assertNotIn("fp32", self.good(*self.DIGITS, "--max-steps", 0).out)
        for precision in ["bf16", "fp16"]:
            if not self.has(precision):
                continue
            train = [*self.DIGITS, "--precision", precision]
            whole = self.json(*train, "--max-steps", 5, "--out", precision)
            self.assertEqual(whole["precision"], precision)
            self.good(*train, "--max-steps", 2, "--out", "cut", "--overwrite")
            # The checkpoint's precision holds without being given again.
            resumed = self.good(*self.DIGITS, "--max-steps", 5, "--resume", "cut")
            self.assertIn(f", {precision}; batch 32", resumed.out)
            self.assertEqual(self.files_in("cut"), self.files_in(precision))
            self.refused(*self.DIGITS, "--resume", "cut", "--precision", "fp32",
                         says=f'precision was "{precision}" in the checkpoint and is "fp32" now')

            lines = self.metrics(precision)
            self.assertNotEqual([line["loss"] for line in lines], [line["loss"] for line in self.metrics("fp32")])
            scaled = precision == "fp16"
            self.assertEqual([(line.get("loss_scale"), line.get("skipped")) for line in lines],
                             [(65536 if scaled else None, False if scaled else None)] * 5)
            told = (whole.get("loss_scale"), whole.get("skipped_steps"))
            self.assertEqual(told, (65536, 0) if scaled else (None, None))

            evaluate = ["eval", f"{precision}/last.safetensors", *self.DIGITS[2:4], "--device", DEVICE]
            stored, in_fp32 = self.json(*evaluate, "--precision", precision), self.json(*evaluate)
            self.assertEqual((stored["loss"], stored["accuracy"]), (whole["test_loss"], whole["test_accuracy"]))
            self.assertNotEqual(in_fp32["loss"], stored["loss"])
            self.assertAlmostEqual(in_fp32["loss"], stored["loss"], delta=0.05)

    def test_fp32x3_is_an_engine_of_emu(self):
        work = ["train", "mlp", "--data", "synthetic:1x6x6:3", "--batch", 16, "--epochs", 1]
        train = [*work, "--device", "emu", "--precision", "fp32x3"]
        whole = self.json(*train, "--out", "whole", "--max-steps", 3)
        self.assertEqual((whole["device"], whole["engine"], whole["precision"]), ("emu", "native-fp32x3", "fp32x3"))
        self.good(*train, "--out", "cut", "--max-steps", 1)
        self.good(*work, "--max-steps", 3, "--resume", "cut")  # neither is given again
        self.assertEqual(self.files_in("cut"), self.files_in("whole"))

    def test_a_recipe_says_it(self):
        if not self.has("bf16"):
            return
        few = [*TRAIN, "--max-steps", 2, "--out"]
        self.good(*few, "given", "--precision", "bf16")
        recipe = self.write("recipe.toml", 'precision = "bf16"\n')
        self.good(*few, "recipe", "--recipe", recipe)
        self.assertEqual(self.files_in("recipe"), self.files_in("given"))
        recipe = self.write("recipe.toml", 'precision = "bf61"\n')
        self.refused(*few, "bad", "--recipe", recipe, says=["recipe.toml:1:", "--precision", "'bf61'", "'bf16'"])

    def test_what_a_device_lacks_is_refused(self):
        self.refused(*TRAIN, "--precision", "fp8",
                     says="--precision: expected fp32 or tf32 or fp32x3 or bf16 or fp16, got 'fp8'")
        for device in {"reference", "emu", "cpu"} & set(self.devices()):
            on_device = [*TRAIN[:-1], device]
            self.refused(*on_device, "--precision", "tf32",
                         says="--precision tf32: expected device cuda with its engine library-tf32, which alone has "
                              f"it, got {device}")
        for device in {"reference", "cpu"} & set(self.devices()):
            self.refused(*TRAIN[:-1], device, "--precision", "fp32x3",
                         says="--precision fp32x3: expected device cuda or emu with its engine native-fp32x3, which "
                              f"alone has it, got {device}")
        if "cpu" in self.devices():
            for precision, dtype in [("bf16", "bf16"), ("fp16", "f16")]:
                self.refused(*TRAIN[:-1], "cpu", "--precision", precision,
                             says="engine 'onednn' of device cpu:onednn computes linear in float32 only, not in "
                                  f"{dtype}; the devices reference, emu and cuda")
            self.good(*TRAIN[:-1], "cpu:reference", "--max-steps", 1, "--precision", "bf16")

    def test_a_failed_step_is_replayed(self):
        if not self.has("fp16"):
            return
        result = self.run_fovea(*TRAIN, "--precision", "fp16", "--inject", "fc1", "--out", "run")
        self.assertEqual(result.code, 1, result.err)
        self.assertIn("first in layer 'fc1': output", result.err)
        replayed = self.run_fovea("replay", "run/replay.safetensors", "--device", DEVICE, "--json")
        self.assertEqual((replayed.code, replayed.object()["layer"]), (1, "fc1"))

    def test_memory(self):
        memory = [self.json("summary", "lenet5", "--memory", "--precision", precision)["memory"]["total"]
                  for precision in ["fp32", "bf16", "fp16"]]
        self.assertLess(memory[1], memory[0])
        self.assertEqual(memory[1], memory[2])
        self.refused("summary", "lenet5", "--precision", "bf16",
                     says="--precision: expected --memory or --plan beside it")


class Progress(TrainTest):
    def on_a_terminal(self, **env):
        """What a terminal would show."""
        main, terminal = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", **env}
        process = subprocess.Popen([command.FOVEA, *map(str, TRAIN), "--epochs", "8", "--out", "run"],
                                   cwd=self.directory, stdout=terminal, stderr=terminal, stdin=subprocess.DEVNULL,
                                   env=environment)
        os.close(terminal)
        text = b""
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            text += part
        os.close(main)
        self.assertEqual(process.wait(), 0, text)
        return text.decode()

    def test_a_terminal_gets_a_bar(self):
        environment = {k: "" for k in ["NO_COLOR"]}
        text = self.on_a_terminal(**environment)
        self.assertIn("\r\x1b[K", text)
        self.assertIn("\x1b[32m", text)
        self.assertIn("ETA 0:", text)
        self.assertEqual(text.count("\nepoch ") + text.count("\x1b[Kepoch "), text.count("epoch "))

    def test_no_color(self):
        text = self.on_a_terminal(NO_COLOR="1")
        self.assertIn("\r\x1b[K", text)
        self.assertNotIn("\x1b[32m", text)

    def test_a_dumb_terminal_and_a_file_get_lines(self):
        text = self.on_a_terminal(TERM="dumb")
        self.assertNotIn("\x1b", text)
        text = self.good(*TRAIN, "--epochs", 2).out
        self.assertNotIn("\x1b", text)
        self.assertNotIn("\r", text)
        lines = [line for line in text.splitlines() if line.startswith("epoch ")]
        self.assertEqual([line.split()[1] for line in lines], ["1/2", "2/2"])
        self.assertRegex(lines[0], r"^epoch 1/2  loss \d+\.\d{4}  accuracy \d+\.\d %  [\d,]+ images/s$")


if __name__ == "__main__":
    command.main()
