#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fovea train: optimizers, schedules, clipping, averages and groups of parameters by option and by recipe."""
import json

import command

DATA = "synthetic:1x12x12:4"
TRAIN = ["train", "mlp", "--data", DATA, "--batch", 100, "--epochs", 2, "--device", "reference"]
RECIPE = """
net = "mlp"
data = "synthetic:1x12x12:4"
epochs = 2
batch = 100
optimizer = "adamw"
lr = 0.002
beta2 = 0.99
weight-decay = 0.1
schedule = "multi-step"
milestones = "1"
gamma = 0.5
warmup = 3
clip-norm = 1
accumulate = 2
ema = 0.9
no-decay-on-biases = true
freeze = ["fc1.bias"]
lr-mult = ["fc2.*=2", "*.bias=0.5"]
"""
SAME = ["--optimizer", "adamw", "--lr", 0.002, "--beta2", 0.99, "--weight-decay", 0.1, "--schedule", "multi-step",
        "--milestones", "1", "--gamma", 0.5, "--warmup", 3, "--clip-norm", 1, "--accumulate", 2, "--ema", 0.9,
        "--no-decay-on-biases", "--freeze", "fc1.bias", "--lr-mult", "fc2.*=2", "--lr-mult", "*.bias=0.5"]


class Optimizers(command.CommandTest):
    def files_of(self, run):
        return [(self.directory / run / name).read_bytes() for name in ("last.safetensors", "metrics.jsonl")]

    def rates(self, run):
        text = (self.directory / run / "metrics.jsonl").read_text("utf-8")
        return [json.loads(line)["learning_rate"] for line in text.splitlines()]

    def test_a_recipe_stands_for_its_options(self):
        self.write("r.toml", RECIPE)
        self.good(*TRAIN, *SAME, "--out", "options")
        self.good("train", "--recipe", "r.toml", "--device", "reference", "--out", "recipe")
        self.assertEqual(self.files_of("recipe"), self.files_of("options"))
        # The command line's list replaces the recipe's.
        self.good("train", "--recipe", "r.toml", "--freeze", "fc1.*", "--device", "reference", "--out", "other")
        self.assertNotEqual(self.files_of("other"), self.files_of("options"))

    def test_a_cut_run_goes_on_by_its_checkpoint_alone(self):
        self.good(*TRAIN, *SAME, "--out", "whole")
        self.good(*TRAIN, *SAME, "--out", "cut", "--max-steps", 7)
        self.good(*TRAIN, "--resume", "cut")
        self.assertEqual(self.files_of("cut"), self.files_of("whole"))

    def test_every_optimizer_and_schedule_trains(self):
        for optimizer in ("sgd", "rmsprop", "adagrad", "adam", "adamw"):
            said = self.good(*TRAIN, "--optimizer", optimizer, "--max-steps", 2, "--out", optimizer).out
            self.assertIn(f"{optimizer}, learning rate 0.0", said)
        for schedule, options in [("constant", []), ("step", ["--step-size", 1]), ("multi-step", ["--milestones", 1]),
                                  ("exponential", ["--gamma", 0.5]), ("polynomial", ["--power", 2]), ("cosine", []),
                                  ("one-cycle", ["--max-lr", 0.2]), ("plateau", ["--patience", 0])]:
            self.good(*TRAIN, "--lr", 0.01, "--schedule", schedule, *options, "--out", schedule)
            self.assertEqual(len(set(self.rates(schedule))) > 1, schedule not in ("constant", "plateau"), schedule)

    def test_weights_start_as_asked(self):
        init = ["--init", "kaiming_normal:mode=fan_out,bias=0.5"]
        self.good(*TRAIN, *init, "--out", "whole")
        self.good(*TRAIN, *init, "--out", "cut", "--max-steps", 3)
        self.good(*TRAIN, "--resume", "cut")
        self.assertEqual(self.files_of("cut"), self.files_of("whole"))
        self.good(*TRAIN, "--out", "plain")
        self.assertNotEqual(self.files_of("plain"), self.files_of("whole"))
        self.refused(*TRAIN, "--resume", "cut", "--init", "xavier_uniform", says="init was")
        # Nothing is drawn: every class has the same score, and the first loss is that of four equal chances.
        self.good(*TRAIN, "--init", "constant:value=0", "--max-steps", 1, "--out", "zero")
        first = json.loads((self.directory / "zero" / "metrics.jsonl").read_text().splitlines()[0])
        self.assertAlmostEqual(first["loss"], 1.3862944, places=6)
        self.refused(*TRAIN, "--init", "normal", says="init: std: expected a number, normal needs one")
        self.refused(*TRAIN, "--init", "xavier", says="init: expected one of xavier_uniform")
        self.refused(*TRAIN, "--init", "dirac", says="init: dirac: expected the filters of a convolution")

    def test_evaluation_takes_the_average(self):
        result = self.json(*TRAIN, "--ema", 0.9, "--out", "run")
        evaluated = self.json("eval", "run/last.safetensors", "--data", DATA, "--device", "reference")
        self.assertEqual(evaluated["loss"], result["test_loss"])
        plain = self.json(*TRAIN, "--out", "plain")
        self.assertNotEqual(plain["test_loss"], result["test_loss"])

    def test_bad_options(self):
        for options, says in [
                (["--optimizer", "adm"], "--optimizer: expected sgd or rmsprop or adagrad or adam or adamw, got 'adm' "
                                         "(did you mean 'adam'?)"),
                (["--beta1", 0.9], "--beta1: expected --optimizer adam or adamw, which alone has it, got sgd"),
                (["--optimizer", "adam", "--momentum", 0.9],
                 "--momentum: expected --optimizer sgd or rmsprop, which alone has it, got adam"),
                (["--optimizer", "adam", "--nesterov"], "--nesterov: expected --optimizer sgd"),
                (["--optimizer", "adam", "--epsilon", 0], "epsilon: expected a number above 0, got 0"),
                (["--schedule", "step"], "--step-size: expected a value, --schedule step needs one"),
                (["--schedule", "multi-step"], "--milestones: expected a value"),
                (["--schedule", "exponential"], "--gamma: expected a value"),
                (["--gamma", 0.5], "--gamma: expected --schedule step or multi-step or exponential or plateau, which "
                                   "alone has it, got constant"),
                (["--schedule", "multi-step", "--milestones", "3,2"],
                 "--milestones: expected epochs, each later than the one before, got 2 after 3"),
                (["--schedule", "multi-step", "--milestones", "3,"], "--milestones: expected a whole number from 1"),
                (["--schedule", "cosine", "--warmup-epochs", 2],
                 "warmup: expected fewer steps than the training's"),
                (["--ema", 1], "--ema: expected a number of at least 0 and below 1, got '1'"),
                (["--accumulate", 0], "--accumulate: expected a whole number from 1"),
                (["--clip-norm", -1], "--clip-norm: expected a number of at least 0, got '-1'"),
                (["--lr-mult", "fc1.*"], "--lr-mult: expected PATTERN=X, got 'fc1.*'"),
                (["--lr-mult", "fc1.*=fast"], "--lr-mult: expected a number of at least 0, got 'fast'"),
                (["--decay-mult", "conv*=0"],
                 "decay_mult: expected a pattern that matches a parameter, 'conv*' matches none of fc1.weight"),
                (["--freeze", "fc3.*"], "freeze: expected a pattern that matches a parameter, 'fc3.*' matches none of"),
                (["--freeze", "*"], "freeze: expected a parameter that is left to train, all are frozen"),
                (["--freeze", ""], "--freeze: expected a value, got ''")]:
            with self.subTest(options=options):
                self.refused(*TRAIN, *options, says=says)

    def test_bad_recipes(self):
        for line, says in [('freeze = "fc1.*"', "key 'freeze': expected a list of strings, got the string"),
                           ("freeze = [1]", "key 'freeze': expected a list of strings, got an array of 1"),
                           ('lr-mult = ["fc1.*"]', "--lr-mult: expected PATTERN=X, got 'fc1.*'"),
                           ('optimizer = 5', "key 'optimizer': expected a string, got 5"),
                           ('optimizer = "adagard"', "--optimizer: expected sgd or"),
                           ('momentom = 0.9', "unknown key 'momentom' (did you mean 'momentum'?)")]:
            with self.subTest(line=line):
                self.write("r.toml", f'net = "mlp"\n{line}\n')
                self.refused("train", "--recipe", "r.toml", "--data", DATA, "--device", "reference", says=says)

    def test_other_options_on_resume(self):
        self.good(*TRAIN, *SAME, "--out", "run", "--max-steps", 2)
        for options, says in [(["--optimizer", "adam"], 'optimizer was "adamw" in the checkpoint and is "adam" now'),
                              (["--beta2", 0.9], "beta2 was 0.99 in the checkpoint and is 0.9 now"),
                              (["--ema", 0.5], "ema was 0.9 in the checkpoint and is 0.5 now"),
                              (["--freeze", "fc2.bias"], 'freeze was ["fc1.bias"] in the checkpoint'),
                              (["--milestones", "1,2"], "milestones was [1] in the checkpoint and is [1,2] now"),
                              (["--accumulate", 1], "accumulate was 2 in the checkpoint and is 1 now")]:
            with self.subTest(options=options):
                self.refused(*TRAIN, "--resume", "run", *options, says=["cannot resume", says])


if __name__ == "__main__":
    command.main()
