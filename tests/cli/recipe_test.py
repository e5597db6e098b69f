#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recipes: a TOML file gives what the command line leaves out, and a fault in it is one clear message."""
import json
import os
import pathlib
import re
import shutil

import command

RECIPES = pathlib.Path(__file__).parents[2] / "recipes"
LONG = os.environ.get("FOVEA_TEST_RECIPES") == "long"
RECIPE = """
net = "mlp"
data = "synthetic:1x12x12:4"
epochs = 2
batch = 100
lr = 0.5
momentum = 0
weight-decay = 1e-3
nesterov = false
seed = 7
"""
SAME = ["mlp", "--data", "synthetic:1x12x12:4", "--epochs", 2, "--batch", 100, "--lr", 0.5, "--momentum", 0,
        "--weight-decay", 0.001, "--seed", 7]
ON_REFERENCE = ["--device", "reference"]


class Recipes(command.CommandTest):
    def checkpoint(self, run, *arguments):
        self.good("train", *arguments, *ON_REFERENCE, "--out", run)
        return (self.directory / run / "last.safetensors").read_bytes()

    def test_a_recipe_stands_for_its_options(self):
        self.write("r.toml", RECIPE)
        self.assertEqual(self.checkpoint("a", "--recipe", "r.toml"), self.checkpoint("b", *SAME))

    def test_the_command_line_goes_first_wherever_it_stands(self):
        self.write("r.toml", RECIPE)
        few = ["--epochs", 1, "--lr", 0.1, "--momentum", 0.5, "--nesterov"]
        plain = ["softmax", "--data", "synthetic:1x12x12:4", "--batch", 100, "--weight-decay", 0.001, "--seed", 7]
        wanted = self.checkpoint("wanted", *plain, *few)
        self.assertEqual(self.checkpoint("before", "softmax", *few, "--recipe", "r.toml"), wanted)
        self.assertEqual(self.checkpoint("after", "--recipe", "r.toml", *few, "softmax"), wanted)

    def test_flags_can_be_set_and_unset(self):
        faster = RECIPE.replace("nesterov = false", "nesterov = true").replace("momentum = 0", "momentum = 0.5")
        self.write("r.toml", faster)
        with_it = self.checkpoint("with", "--recipe", "r.toml")
        without = self.checkpoint("without", "--recipe", "r.toml", "--nesterov=false")
        self.assertNotEqual(with_it, without)
        plain = [0.5 if before == "--momentum" else o for before, o in zip(["", *SAME], SAME)]
        self.assertEqual(without, self.checkpoint("plain", *plain))
        self.assertEqual(with_it, self.checkpoint("flag", *plain, "--nesterov"))

    def test_a_cut_run_is_resumed_with_its_recipe(self):
        self.write("r.toml", RECIPE)
        whole = self.checkpoint("whole", "--recipe", "r.toml")
        self.good("train", "--recipe", "r.toml", *ON_REFERENCE, "--out", "cut", "--max-steps", 5)
        self.good("train", "--recipe", "r.toml", *ON_REFERENCE, "--resume", "cut")
        self.assertEqual((self.directory / "cut" / "last.safetensors").read_bytes(), whole)

    def test_mixing_in_a_recipe(self):
        self.write("r.toml", RECIPE + 'augment = "flip,mixup:0.4,cutmix:1"\n')
        whole = self.checkpoint("whole", "--recipe", "r.toml")
        self.assertEqual(whole, self.checkpoint("same", *SAME, "--augment", "flip,mixup:0.4,cutmix:1"))
        self.assertNotEqual(whole, self.checkpoint("without", "--recipe", "r.toml", "--augment", "flip"))
        self.good("train", "--recipe", "r.toml", *ON_REFERENCE, "--out", "cut", "--max-steps", 5)
        self.refused("train", "--recipe", "r.toml", *ON_REFERENCE, "--resume", "cut", "--augment", "mixup:0.4",
                     says='augment was "flip,mixup:0.4,cutmix:1" in the checkpoint and is "mixup:0.4" now')
        self.good("train", "--recipe", "r.toml", *ON_REFERENCE, "--resume", "cut")
        self.assertEqual((self.directory / "cut" / "last.safetensors").read_bytes(), whole)
        self.write("svm.toml", "input = [1, 12, 12]\n[[layer]]\nname = \"fc\"\ntype = \"linear\"\nout_features = 4\n"
                   "[loss]\ntype = \"hinge_loss\"\n")
        self.refused("train", "svm.toml", "--data", "synthetic:1x12x12:4", *ON_REFERENCE, "--augment", "mixup:1",
                     "--out", "none", says="has the loss hinge_loss, which takes one label for each sample")
        self.assertFalse((self.directory / "none").exists())

    def refused_recipe(self, text, *says):
        self.write("r.toml", text)
        return self.refused("train", "--recipe", "r.toml", "--data", command.DATA, *ON_REFERENCE, says=says)

    def test_unknown_keys(self):
        self.refused_recipe('net = "mlp"\nepoch = 3\n', "r.toml:2:1: unknown key 'epoch' (did you mean 'epochs'?)")
        # Where a run happens and what it leaves is the command line's business; NET is called net.
        for key in ["device", "out", "resume", "max-steps", "recipe", "json", "threads", "NET", "weight_decay", "x"]:
            self.refused_recipe(f'net = "mlp"\n{key} = "1"\n', f"r.toml:2:1: unknown key '{key}'")
        self.refused_recipe('net = "mlp"\n[train]\nlr = 1\n', "r.toml:2:2: unknown key 'train'")

    def test_values_of_another_type(self):
        for line, says in [('net = 5', "expected a string, got 5"),
                           ('data = ["digits"]', "expected a string, got an array of 1"),
                           ('epochs = "3"', 'expected a whole number, got the string "3"'),
                           ('epochs = 3.0', "expected a whole number, got the real number 3"),
                           ('batch = [64]', "expected a whole number, got an array of 1"),
                           ('seed = true', "expected a whole number, got true"),
                           ('lr = "0.1"', 'expected a number, got the string "0.1"'),
                           ('lr = { x = 1 }', "expected a number, got a table"),
                           ('momentum = 1979-05-27', "expected a number, got "),
                           ('nesterov = 1', "expected true or false, got 1"),
                           ('nesterov = "yes"', 'expected true or false, got the string "yes"')]:
            key = line.split(" ")[0]
            self.refused_recipe(f"{line}\n", f"r.toml:1:{len(key) + 4}: key '{key}': {says}")

    def test_values_out_of_range(self):
        for line, says in [("epochs = 0", "--epochs: expected a whole number from 1 to 2147483647, got '0'"),
                           ("batch = -1", "--batch: expected a whole number from 1"),
                           ("seed = -1", "--seed: expected a whole number from 0"),
                           ("lr = -0.1", "--lr: expected a number of at least 0, got '-0.1'"),
                           ("lr = nan", "--lr: expected a number of at least 0"),
                           ("momentum = 1", "--momentum: expected a number of at least 0 and below 1, got '1'"),
                           ("weight-decay = inf", "--weight-decay: expected a number of at least 0"),
                           ('net = ""', "NET: expected a value, got ''")]:
            key = line.split(" ")[0]
            self.refused_recipe(f'{line}\n', f"r.toml:1:{len(key) + 4}: {says}")

    def test_every_fault_is_named_at_once(self):
        message = self.refused_recipe('lr = true\nnet = 1\nwheight-decay = 1\n')
        self.assertEqual([line.split(": ")[0] for line in message.splitlines()],
                         ["r.toml:1:6", "r.toml:2:7", "r.toml:3:1"])

    def test_what_is_no_recipe(self):
        self.refused_recipe("net = \n", "r.toml:1:7: syntax error")
        self.refused_recipe('net = "mlp"\nnet = "mlp"\n', "r.toml:2:", "syntax error")
        self.refused_recipe(b"net = \"\xff\"\n", "r.toml:1:", "syntax error")
        self.refused_recipe("#" * ((1 << 20) + 1), "r.toml: not a recipe: expected at most 1048576 bytes")
        self.refused("train", "--recipe", "nowhere.toml", says="nowhere.toml: cannot open: No such file or directory")
        self.refused("train", "--recipe", ".", says=".: expected a file, got a directory")
        self.refused("train", "--recipe", "", says="--recipe: expected a file, got ''")
        self.refused("train", "--recipe", says="--recipe: expected a value, got none")
        self.write("r.toml", RECIPE)
        self.refused("train", "--recipe", "r.toml", "--recipe", "r.toml", says="--recipe: given more than once")
        self.refused("eval", "--recipe", "r.toml", says="unknown option '--recipe'")

    def test_what_neither_gives_is_missing(self):
        self.write("r.toml", 'net = "mlp"\n')
        self.refused("train", "--recipe", "r.toml", says="--data is required")
        self.write("r.toml", 'data = "digits"\n')
        self.refused("train", "--recipe", "r.toml", says="NET is required")


class Shipped(command.CommandTest):
    """Each recipe on made-up images like those it is for, in small batches. The nets for photographs, whose
    checkpoints of up to 2 GB take longer than all else here, train where FOVEA_TEST_RECIPES is long, the others
    elsewhere."""
    DATA = {"mnist": "synthetic:1x28x28:10", "cifar10": "synthetic:3x32x32:10", "folder": "synthetic:3x64x64:6"}
    # The filters and pools of 2012 leave nothing of 64x64.
    DATA_OF_NET = {"alexnet-2012": "synthetic:3x80x80:6"}

    def recipes(self):
        """(path, its text, its values, the data set it is for) of each."""
        found = []
        for path in sorted(RECIPES.glob("*.toml")):
            text = path.read_text()
            # Flat, and its values are JSON's too.
            values = {key: json.loads(value) for key, value in re.findall(r"(?m)^([a-z-]+) = (.+)$", text)}
            data = re.search(r"--recipe recipes/(\S+) --data (\S+)$", text, re.MULTILINE)
            self.assertIsNotNone(data, path.name)
            self.assertEqual(data[1], path.name)
            found.append((path, text, values, data[2]))
        self.assertTrue(found)
        return found

    def test_each_says_what_came_of_it(self):
        for path, text, values, _ in self.recipes():
            with self.subTest(path.name):
                self.assertRegex(text, r"(?m)^# (Result: .*\d\d\.\d+ %|not yet run)")
                self.assertGreaterEqual(values["batch"], 1)

    def test_each_trains_and_resumes(self):
        device = "cpu" if "cpu" in self.devices() else "reference"
        for path, _, values, data in self.recipes():
            kind = data.split(":")[0]
            if (kind == "folder") != LONG:
                continue
            with self.subTest(path.name):
                spec = self.DATA_OF_NET.get(values["net"], self.DATA.get(kind, data))
                train = ["train", "--recipe", path, "--data", spec, "--batch", 4, "--device", device]
                run = self.directory / path.stem
                result = self.json(*train, "--max-steps", 5, "--out", run / "whole")
                self.assertEqual((result["net"], result["steps"]), (values["net"], 5))
                self.assertEqual((result["epochs"], result["seed"]), (values["epochs"], values["seed"]))
                self.json(*train, "--max-steps", 3, "--out", run / "cut")
                self.json(*train, "--max-steps", 5, "--resume", run / "cut")
                self.assertEqual(self.files_in(run / "cut"), self.files_in(run / "whole"))
                shutil.rmtree(run)

    def test_there_is_one_for_each_built_in_net(self):
        nets = [values["net"] for _, _, values, _ in self.recipes()]
        unknown = self.run_fovea("summary", "no-such-net").err
        built_in = re.search(r"expected (.*) or a \.toml file", unknown)[1].split(", ")
        self.assertGreater(len(built_in), 20)
        self.assertEqual(sorted(nets), sorted(built_in))


if __name__ == "__main__":
    command.main()
