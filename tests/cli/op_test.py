#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fovea op: results worked by hand, every type on its example, and what happens to malformed input."""
import json
import math
import os
import random as random_numbers
import struct

import command
import tensor_file
from tensor_file import f32, i32

LINEAR = {"x": f32([1, 3], [1, 2, 3]), "weight": f32([2, 3], [1, 0, -1, 2, 1, 0]), "bias": f32([2], [10, 20]),
          "dy": f32([1, 2], [1, -2])}
LOSS = {"logits": f32([2, 2], [0, 0, 0, 0]), "labels": i32([2], [1, 0])}
TWO = ["--params", '{"out_features": 2}']


class OpTest(command.CommandTest):
    def arguments(self, name, tensors, *more, device="reference"):
        self.write("in.safetensors", tensors if isinstance(tensors, bytes) else tensor_file.pack(tensors))
        return ["op", name, "--in", "in.safetensors", "--out", "out.safetensors", "--device", device, *more]

    def op(self, name, tensors, *more, **options):
        self.good(*self.arguments(name, tensors, *more, **options))
        return tensor_file.unpack((self.directory / "out.safetensors").read_bytes())

    def op_refused(self, name, tensors, *more, says, **options):
        arguments = self.arguments(name, tensors, *more, **options)
        (self.directory / "out.safetensors").unlink(missing_ok=True)
        self.refused(*arguments, says=says)  # and leaves no file


class Results(OpTest):
    def test_linear_by_hand_on_every_device(self):
        for device in [*self.devices(), "emu:native"]:
            out = self.op("linear", LINEAR, *TWO, "--backward", device=device)
            self.assertEqual(out, {"y": f32([1, 2], [8, 24]), "dx": f32([1, 3], [-3, -2, -1]),
                                   "dweight": f32([2, 3], [1, 2, 3, -2, -4, -6]), "dbias": f32([2], [1, -2])}, device)

    def test_forward_alone_and_inference_give_no_gradients(self):
        for more in [[], ["--inference"]]:
            self.assertEqual(self.op("linear", LINEAR, *TWO, *more), {"y": f32([1, 2], [8, 24])})

    def test_a_loss_needs_no_upstream_gradient(self):
        for device in self.devices():
            out = self.op("softmax_cross_entropy", LOSS, "--backward", device=device)
            self.assertAlmostEqual(out["y"][2][0], 0.6931472, places=6)
            self.assertEqual(out["dlogits"], f32([2, 2], [0.25, -0.25, -0.25, 0.25]))
            self.assertNotIn("dlabels", out)

    def test_labels_of_64_bits(self):
        wide = {**LOSS, "labels": ("I64", [2], [1, 0])}
        self.assertEqual(self.op("softmax_cross_entropy", wide), self.op("softmax_cross_entropy", LOSS))
        for label in [2**31, -2**31 - 1, 2**63 - 1]:
            self.op_refused("softmax_cross_entropy", {**LOSS, "labels": ("I64", [2], [0, label])},
                            says=f"in.safetensors: softmax_cross_entropy: tensor 'labels': element 1: expected a "
                                 f"number of 32 bits, got {label}")

    def test_losses_against_targets_need_elements_in_each_sample(self):
        row = f32([4], [0, 1, 0, 1])
        for loss in ["mean_squared_error", "binary_cross_entropy"]:
            self.op_refused(loss, {"x": row, "target": row},
                            says=f"{loss}: expected x [N, D, ...] and a target of its shape, got [4] and [4]")

    def test_float64_on_the_reference(self):
        out = self.op("linear", LINEAR, *TWO, "--backward", "--dtype", "f64")
        self.assertEqual(out["dx"], ("F64", [1, 3], [-3, -2, -1]))
        self.op_refused("linear", LINEAR, *TWO, "--dtype", "f64", device="emu",
                        says="dtype: expected f32, or f64 on the reference, got f64 on emu:native")
        self.op_refused("linear", LINEAR, *TWO, "--dtype", "f16", says="--dtype: expected f32 or f64, got 'f16'")

    def test_random_numbers_follow_from_seed_step_and_layer(self):
        masks = []
        for more in [[], ["--seed", 1, "--step", 0, "--layer", 0], ["--seed", 2], ["--step", 1], ["--layer", 1]]:
            ones = {"x": f32([1, 64], [1] * 64)}
            outs = [self.op("dropout", ones, *more, device=device) for device in self.devices()]
            for out in outs[1:]:
                self.assertEqual(out, outs[0])
            masks.append(tuple(outs[0]["y"][2]))
        self.assertEqual(masks[0], masks[1])
        self.assertEqual(len(set(masks)), 4)

    def test_the_same_command_gives_the_same_bytes(self):
        contents = []
        for _ in range(2):
            self.op("linear", LINEAR, *TWO, "--backward")
            contents.append((self.directory / "out.safetensors").read_bytes())
        self.assertEqual(*contents)

    def test_json(self):
        result = self.json(*self.arguments("linear", LINEAR, *TWO, "--backward", "--seed", 7, device="emu"))
        self.assertEqual(result["tensors"][-1], {"name": "y", "dtype": "f32", "shape": [1, 2]})
        self.assertGreater(result.pop("executed"), 0)
        self.assertEqual([t["name"] for t in result.pop("tensors")], ["dbias", "dweight", "dx", "y"])
        self.assertEqual(result, {"op": "linear", "device": "emu", "engine": "native", "phase": "training",
                                  "dtype": "f32", "backward": True, "seed": 7, "out": "out.safetensors"})

    def test_a_file_in_the_way_is_replaced_and_kept_when_refused(self):
        self.write("out.safetensors", "old")
        self.refused(*self.arguments("linear", {**LINEAR, "weight": f32([1], [1])}, *TWO),
                     says="linear: tensor 'weight'")
        self.assertEqual((self.directory / "out.safetensors").read_bytes(), b"old")
        self.op("linear", LINEAR, *TWO)
        self.assertNotEqual((self.directory / "out.safetensors").read_bytes(), b"old")


class EveryType(OpTest):
    def test_the_example_runs_on_every_device_and_devices_agree(self):
        ops = self.json("op", "--list")["ops"]
        self.assertGreater(len(ops), 9)
        for op in ops:
            params = ["--params", json.dumps(op["example_params"])]
            written = self.json("op", op["name"], *params, "--example", "in.safetensors")
            tensors = (self.directory / "in.safetensors").read_bytes()
            named = op["inputs"] + op["parameters"] + op["state"]
            self.assertLessEqual({t["name"] for t in named}, {t["name"] for t in written["tensors"]})
            results = []
            for device in self.devices():
                backward = ["--backward"] if op["gradient"] else []
                out = self.op(op["name"], tensors, *params, *backward, device=device)
                expected = {"y"} | {t["name"] for t in op["saved"] + op["state"]}
                if op["gradient"]:
                    expected |= {"d" + t["name"] for t in op["parameters"]}
                    expected |= {"d" + t["name"] for t in op["inputs"] if t["differentiable"]}
                self.assertEqual(set(out), expected, op["name"])
                self.assertEqual(out["y"][1], op["output"]["shape"])
                results.append(out)
            for name, (dtype, shape, values) in results[0].items():
                self.assertEqual(results[1][name][:2], (dtype, shape))
                # Slips only: the bounds that count are tested by tests/ops.
                for a, b in zip(values, results[1][name][2]):
                    self.assertLess(abs(a - b), 1e-4 * max(1, abs(a)), f"{op['name']}: {name}")
            self.op(op["name"], tensors, *params, "--inference")

    def test_list_keys(self):
        ops = {op["name"]: op for op in self.json("op", "--list")["ops"]}
        for op in ops.values():
            self.assertEqual(set(op), {"name", "kind", "summary", "op", "options", "inputs", "any_number", "parameters",
                                       "state", "saved", "output", "gradient", "example_params"})
            self.assertTrue(op["summary"], op["name"])
        self.assertEqual(ops["softmax_cross_entropy"]["kind"], "loss")
        conv = ops["conv2d"]
        self.assertEqual(conv["kind"], "layer")
        self.assertEqual([o["name"] for o in conv["options"]],
                         ["out_channels", "kernel", "stride", "padding", "dilation", "groups", "bias"])
        self.assertEqual(conv["options"][0], {"name": "out_channels", "type": "int", "required": True, "default": None,
                                              "expected": "a whole number from 1 to 2147483647"})
        self.assertEqual((conv["options"][3]["type"], conv["options"][3]["default"]), ("padding", 0))
        self.assertEqual([p["name"] for p in conv["parameters"]], ["weight", "bias"])

    def test_list_text(self):
        text = self.good("op", "--list").out
        self.assertIn("options: out_channels, kernel, stride=1,", text)

    def test_examples_follow_from_the_seed(self):
        contents = []
        for seed in [1, 1, 2]:
            self.good("op", "linear", *TWO, "--example", "in.safetensors", "--seed", seed)
            contents.append((self.directory / "in.safetensors").read_bytes())
        self.assertEqual(contents[0], contents[1])
        self.assertNotEqual(contents[0], contents[2])


class BadParams(OpTest):
    def test_not_an_object(self):
        for text in ["{", "{}x", "[]", "3", "null", "{'a': 1}", "{\"out_features\": NaN}", "\xff"]:
            self.op_refused("linear", LINEAR, "--params", text, says="params: ")

    def test_faults_of_options(self):
        cases = {
            "{}": "params: linear: missing key 'out_features': expected a whole number from 1 to 2147483647",
            '{"out_features": 0}': "params: linear: key 'out_features': expected a whole number from 1",
            '{"out_features": 1e999}': "params: the number 1e999 is too large",
            '{"out_features": null}': "params: key 'out_features': expected a value, got null",
            '{"out_features": 2, "out_features": 2}': "params: key 'out_features': given more than once",
            '{"out_feature": 2}': "params: linear: unknown key 'out_feature' (did you mean 'out_features'?)",
            '{"out_features": ' + "[" * 100000: "params: key 'out_features': nested more than 8 deep",
        }
        for params, says in cases.items():
            self.op_refused("linear", LINEAR, "--params", params, says=says)

    def test_unknown_type(self):
        self.op_refused("liner", LINEAR, says="got 'liner' (did you mean 'linear'?)")

    def test_options_that_do_not_fit_the_example(self):
        self.refused("op", "conv2d", "--params", '{"out_channels": 1, "kernel": 99}', "--example", "e.safetensors",
                     says="conv2d: kernel: 99x99 with dilation 1x1 is larger than the padded input 5x5; the example's "
                          "inputs are [2, 4, 5, 5]")


class BadTensors(OpTest):
    def test_shapes_and_dtypes(self):
        at = "in.safetensors: linear: tensor "
        cases = [
            ("weight", f32([3, 2], [0] * 6), at + "'weight': expected f32 [2, 3], got f32 [3, 2]"),
            ("bias", i32([2], [0, 0]), at + "'bias': expected f32 [2], got i32 [2]"),
            ("x", ("F64", [1, 3], [0] * 3), at + "'x': expected f32, got f64 [1, 3]"),
            ("x", f32([0, 3], []), at + "'x': expected extents of at least 1, got [0, 3]"),
            ("x", f32([2, 3, 2], [0] * 12), at + "'weight': expected f32 [2, 6], got f32 [2, 3]"),
            ("dy", f32([2], [0, 0]), at + "'dy': expected f32 [1, 2], got f32 [2]"),
            ("X", f32([1], [0]), "linear: unknown tensor 'X' (did you mean 'x'?): expected x, weight, bias, dy"),
        ]
        for name, tensor, says in cases:
            self.op_refused("linear", {**LINEAR, name: tensor}, *TWO, "--backward", says=says)

    def test_missing(self):
        for name in LINEAR:
            rest = {key: value for key, value in LINEAR.items() if key != name}
            self.op_refused("linear", rest, *TWO, "--backward", says=f"linear: missing tensor '{name}': expected f32")
        self.op_refused("linear", {}, *TWO, says="linear: missing tensor 'x'")

    def test_a_scalar_where_rows_are_expected(self):
        self.op_refused("conv2d", {"x": f32([], [1])}, "--params", '{"out_channels": 1, "kernel": 1}',
                        says="conv2d: expected an input [N, C, H, W], got []")

    def test_labels_out_of_range_on_the_host(self):
        self.op_refused("softmax_cross_entropy", {**LOSS, "labels": i32([2], [0, 2])}, says="softmax_cross_entropy: ")


class Random(OpTest):
    """Options and shapes drawn at random, of modest size: a result or one clear message, never a crash."""

    def value(self, random, kind):
        extent = random.choice([-1, 0, 1, 1, 2, 2, 3, 5, 20, 2**31, 2**63, 1.5, "x", None, [], True])
        shapes = {"size": 2, "padding": random.choice([2, 4]), "reals": 3, "ints": 2}
        if kind in shapes and random.random() < 0.6:
            return [random.choice([0, 1, 2, 3, 20, -1, 2**31]) for _ in range(shapes[kind])]
        if kind == "bool":
            return random.random() < 0.5
        return random.choice([0, 0.5, -1, 1e300]) if kind == "real" else extent

    def test_every_type(self):
        codes = {0: 0, 2: 0}
        for op in self.json("op", "--list")["ops"]:
            for number in range(6):
                random = random_numbers.Random(f"{op['name']} {number}")
                params = dict(op["example_params"])
                for option in op["options"]:
                    if random.random() < 0.3:
                        params[option["name"]] = self.value(random, option["type"])
                tensors = {}
                for tensor in op["inputs"] + op["parameters"] + op["state"]:
                    shape = list(tensor["shape"])
                    if random.random() < 0.3:
                        shape = [random.choice([0, 1, 2, 3, 7]) for _ in range(random.randrange(7))]
                    count = math.prod(shape)
                    labels = tensor["dtype"] == "i32" and random.random() < 0.9
                    tensors[tensor["name"]] = (i32 if labels else f32)(shape, [random.randrange(3)] * count)
                for device in self.devices():
                    result = self.run_fovea(*self.arguments(op["name"], tensors, "--params", json.dumps(params),
                                                            device=device))
                    self.assertIn(result.code, codes, f"{op['name']} {params}: {result.err}")
                    self.assertNotIn("terminate called", result.err)
                    codes[result.code] += 1
        self.assertGreater(min(codes.values()), 50)


class BadFiles(OpTest):
    def test_files_that_cannot_be_read(self):
        rest = ["--out", "out.safetensors", "--device", "reference"]
        self.refused("op", "relu", "--in", "none.safetensors", *rest, says="none.safetensors: ")
        (self.directory / "folder").mkdir()
        self.refused("op", "relu", "--in", "folder", *rest, says="folder: ")
        sound = tensor_file.pack({"x": f32([1], [1])})
        for content in [b"", b"text", sound[:-1], sound + b"x", struct.pack("<Q", 2**62) + sound[8:],
                        sound.replace(b"F32", b"F99")]:
            self.op_refused("relu", content, says="in.safetensors: ")

    def test_output_that_cannot_be_made(self):
        self.write("in.safetensors", tensor_file.pack({"x": f32([1], [1])}))
        (self.directory / "folder").mkdir()
        for path in ["none/out.safetensors", "folder", "in.safetensors/out"]:
            self.refused("op", "relu", "--in", "in.safetensors", "--out", path, "--device", "reference", says=path)
            self.refused("op", "relu", "--example", path, says=path)
        self.assertEqual(os.listdir(self.directory / "folder"), [])


class Usage(OpTest):
    def test_what_is_required(self):
        self.refused("op", says="NAME is required; 'fovea op --list' lists them")
        self.refused("op", "relu", says="--in is required")
        self.refused("op", "relu", "--in", "x", says="--out is required")

    def test_what_excludes_each_other(self):
        self.op_refused("linear", LINEAR, *TWO, "--backward", "--inference",
                        says="--backward: not together with --inference")
        self.refused("op", "relu", "--list", says="NAME: not together with --list")
        for more in [["--in", "x"], ["--out", "x"], ["--backward"], ["--inference"]]:
            self.refused("op", "relu", "--example", "e", *more, says=f"{more[0]}: not together with --example")

    def test_devices_and_seeds(self):
        self.op_refused("relu", LOSS, device="emux", says="emux")
        self.op_refused("relu", LOSS, device="emu:natif", says="natif")
        self.op_refused("relu", LOSS, "--seed", "-1", says="--seed: expected a whole number from 0")


if __name__ == "__main__":
    command.main()
