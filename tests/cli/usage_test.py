#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Help, versions, and what happens to a command line with a mistake."""
import re

import command

COMMANDS = ["devices", "summary", "train", "eval", "predict", "compare", "gradcheck", "op", "knn", "bench", "profile",
            "data"]


class Help(command.CommandTest):
    def test_lists_every_command_and_explains_exit_codes(self):
        text = self.good("--help").out
        for name in COMMANDS:
            self.assertIn(f"  {name} ", text)
        self.assertIn("Exit codes: 0 done; 1 a check failed; 2 bad usage or input.", text)

    def test_every_command_has_examples_that_name_it(self):
        for name in COMMANDS:
            text = self.good(name, "--help").out
            self.assertIn("Examples:", text, name)
            self.assertIn(f"  fovea {name}", text.split("Examples:")[1], name)
            self.assertIn("--json", text, name)

    def test_every_option_is_documented(self):
        documents = (command.pathlib.Path(__file__).parents[2] / "docs" / "cli.md").read_text()
        for name in COMMANDS:
            for option in re.findall(r"--[a-z-]+", self.good(name, "--help").out.split("Examples:")[0]):
                self.assertIn(option, documents, f"{option} of {name}")

    def test_version(self):
        self.assertRegex(self.good("--version").out, r"^fovea \d+\.\d+\.\d+\n$")


class Usage(command.CommandTest):
    def test_no_command(self):
        self.refused(says="no command given: expected one of devices, ")

    def test_unknown_command(self):
        self.refused("trian", "lenet5", says="unknown command 'trian' (did you mean 'train'?)")

    def test_unknown_option(self):
        self.refused("train", "mlp", "--data", command.DATA, "--epoch", 3,
                     says="unknown option '--epoch' (did you mean '--epochs'?)")

    def test_missing_arguments(self):
        self.refused("summary", says="NET is required")
        self.refused("train", "mlp", says="--data is required")
        self.refused("summary", "mlp", "--batch", says="--batch: expected a value, got none")

    def test_too_many_arguments(self):
        self.refused("summary", "mlp", "lenet5", says="unexpected argument 'lenet5'")

    def test_twice_the_same_option(self):
        self.refused("summary", "mlp", "--batch", 1, "--batch", 2, says="--batch: given more than once")

    def test_choices(self):
        self.refused("compare", "mlp", "--devices", "reference,reference", "--mode", "chain",
                     says="--mode: expected isolated or chained, got 'chain' (did you mean 'chained'?)")

    def test_numbers_are_read_whole(self):
        for text in ["", "x", "1x", "1.5", " 1", "1e3", "0x10", "+1", "9999999999999999999999"]:
            self.refused("summary", "mlp", "--batch", text,
                         says="--batch: expected a whole number from 1 to 2147483647")
        for text in ["", "x", "0.1x", "nan", "-nan", "inf", "1e999", "1e39", "-0.1", "0,1"]:
            self.refused("train", "mlp", "--data", command.DATA, "--lr", text,
                         says="--lr: expected a number of at least 0")

    def test_ranges(self):
        data = ["--data", command.DATA]
        self.refused("train", "mlp", *data, "--momentum", "1",
                     says="--momentum: expected a number of at least 0 and below 1")
        self.refused("train", "mlp", *data, "--weight-decay", "-1e-9", says="--weight-decay")
        self.refused("train", "mlp", *data, "--epochs", "0", says="--epochs: expected a whole number from 1")
        self.refused("train", "mlp", *data, "--seed", "-1", says="--seed: expected a whole number from 0")
        self.refused("train", "mlp", *data, "--max-steps", "-2", says="--max-steps")
        self.refused("summary", "mlp", "--threads", "0", says="--threads: expected a whole number from 1 to 1024")
        self.refused("summary", "mlp", "--threads", "1025", says="--threads")

    def test_two_devices(self):
        for text in ["reference", "reference,", ",reference", "reference,emu,emu"]:
            self.refused("compare", "mlp", "--devices", text,
                         says=f"--devices: expected two, as in 'reference,emu', got '{text}'")

    def test_devices_that_do_not_exist(self):
        self.refused("summary", "mlp", "--device", "referense", says="did you mean 'reference'?")
        self.refused("summary", "mlp", "--device", "emu", "--engine", "nativ", says="'nativ'")
        self.refused("summary", "mlp", "--device", "emu:native", "--engine", "native",
                     says="--engine: expected none beside --device emu:native")


if __name__ == "__main__":
    command.main()
