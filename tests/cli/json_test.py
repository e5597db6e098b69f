#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""--json prints exactly one object, with the keys of docs/cli.md; --quiet and plain text beside it."""
import json
import math

import command

ON_REFERENCE = ["--device", "reference"]


class Devices(command.CommandTest):
    def test_lists_every_device(self):
        result = self.json("devices")
        devices = {d["name"]: d for d in result["devices"]}
        self.assertEqual(set(devices), {"reference", "cpu", "emu", "cuda"})
        self.assertTrue(devices["reference"]["available"])
        self.assertTrue(devices["emu"]["available"])
        for device in devices.values():
            self.assertEqual(set(device), {"name", "available", "detail", "engines"})
            self.assertTrue(device["detail"])
            for engine in device["engines"]:
                self.assertEqual(set(engine), {"name", "available", "detail", "precisions"})
                known = {"fp32", "tf32", "fp32x3", "bf16", "fp16"}
                self.assertTrue(engine["precisions"] and set(engine["precisions"]) <= known, engine)
        self.assertIn("native", [e["name"] for e in devices["emu"]["engines"]])
        fastest = next(name for name in ["cuda", "cpu", "reference"] if devices[name]["available"])
        self.assertEqual(result["auto"].split(":")[0], fastest)

    def test_text_names_every_device(self):
        text = self.good("devices").out
        for name in ["reference", "cpu", "emu", "cuda"]:
            self.assertIn(f"\n{name} ", "\n" + text)


class Summary(command.CommandTest):
    def test_keys_and_numbers(self):
        s = self.json("summary", "lenet5", "--batch", 3)
        self.assertEqual((s["net"], s["input_shape"], s["batch"]), ("lenet5", [1, 28, 28], 3))
        self.assertEqual((s["parameters"], s["macs"]), (61706, 416520))
        self.assertIsNone(s["written"])
        self.assertIsNone(s["memory"])
        self.assertEqual(sum(layer["parameters"] for layer in s["layers"]), 61706)
        self.assertEqual(sum(layer["macs"] for layer in s["layers"]), 416520)
        self.assertGreater(s["planned_bytes"], s["planned_inference_bytes"])
        self.assertGreater(s["planned_inference_bytes"], 61706 * 4)
        conv2 = next(layer for layer in s["layers"] if layer["name"] == "conv2")
        self.assertEqual(conv2, {"name": "conv2", "type": "conv2d", "inputs": ["pool1"],
                                 "output_shape": [3, 16, 10, 10], "parameters": 2416, "macs": 240000,
                                 "receptive_field": [14, 14], "whole_input": False,
                                 "activation_bytes": 3 * 16 * 10 * 10 * 4})

    def test_memory(self):
        m = self.json("summary", "lenet5", "--batch", 3, "--memory")["memory"]
        self.assertEqual(set(m), {"layers", "parts", "total", "free"})
        self.assertEqual(sum(m["parts"].values()), m["total"])
        self.assertEqual([m["parts"][part] >= 61706 * 4 for part in ("weights", "gradients", "optimizer's momentum")],
                         [True] * 3)
        conv2 = next(layer for layer in m["layers"] if layer["name"] == "conv2")
        self.assertEqual(conv2, {"name": "conv2", "parameter_bytes": 2416 * 4, "activation_bytes": 3 * 1600 * 4,
                                 "gradient_bytes": 2416 * 4 + 3 * 1600 * 4, "workspace_bytes": 0})
        self.assertGreater(m["free"], 0)
        text = self.good("summary", "lenet5", "--memory").out
        for part in ["parameters  activations  gradients  workspace", "steps of 64 images", "  total ",
                     "free on reference: "]:
            self.assertIn(part, text)

    def test_text(self):
        text = self.good("summary", "lenet5").out
        for part in ["conv1", "61,706", "416,520", "14x14", "planned memory on reference"]:
            self.assertIn(part, text)

    def test_departures_of_the_paper_are_listed(self):
        text = self.good("summary", "lenet5-1998").out
        self.assertEqual(text.count("\n  - "), 6)
        self.assertIn("the paper connects 60 of the 96 pairs", text)

    def test_write_gives_a_net_file(self):
        s = self.json("summary", "fcn-small", "--write", "fcn.toml")
        self.assertEqual(s["written"], "fcn.toml")
        again = self.json("summary", "fcn.toml", "--write", "again.toml")
        self.assertEqual(again["layers"], s["layers"])
        self.assertEqual((self.directory / "again.toml").read_text(), (self.directory / "fcn.toml").read_text())

    def test_net_file(self):
        net = self.write("nets/own.toml", 'name = "own"\ninput = [2, 4, 4]\n[[layer]]\nname = "fc"\ntype = "linear"\n'
                         "out_features = 3\n")
        self.assertEqual(self.json("summary", net)["parameters"], 2 * 4 * 4 * 3 + 3)


class TrainEvalPredict(command.CommandTest):
    def test_keys(self):
        t = self.json("train", "mlp", "--data", command.DATA, "--max-steps", 3, "--out", "run", "--seed", 5,
                      *ON_REFERENCE)
        self.assertEqual(set(t), {"train_loss", "test_accuracy", "test_top5_accuracy", "test_loss", "best_epoch",
                                  "validation_accuracy", "images_per_second", "train_seconds", "checkpoint",
                                  "metrics", "device", "engine", "seed", "net", "epochs", "steps", "batch",
                                  "micro_batch", "planned_bytes", "captured", "passes"})
        self.assertFalse(t["captured"])
        self.assertEqual(t["passes"], {"layouts": True, "fuse": True, "copies": True})
        self.assertEqual((t["seed"], t["steps"], t["batch"], t["net"]), (5, 3, 64, "mlp"))
        self.assertEqual((t["device"], t["engine"]), ("reference", "reference"))
        self.assertAlmostEqual(t["images_per_second"] * t["train_seconds"] / (3 * 64), 1)
        self.assertTrue(math.isfinite(t["train_loss"]))
        self.assertEqual(t["checkpoint"], "run/last.safetensors")
        lines = [json.loads(line) for line in (self.directory / t["metrics"]).read_text().splitlines()]
        self.assertEqual([line["step"] for line in lines], [1, 2, 3])
        self.assertEqual(set(lines[0]), {"step", "epoch", "loss", "accuracy", "learning_rate"})
        self.assertEqual(self.files(), ["run", "run/last.safetensors", "run/metrics.jsonl"])

        e = self.json("eval", t["checkpoint"], "--data", command.DATA, *ON_REFERENCE)
        self.assertEqual((e["accuracy"], e["loss"]), (t["test_accuracy"], t["test_loss"]))
        self.assertEqual(e["split"], "test")
        on_train = self.json("eval", t["checkpoint"], "--data", command.DATA, "--split", "train", "--batch", 100)
        self.assertGreater(on_train["images"], e["images"])

        self.write("a.pgm", command.pgm([0] * 784, 28, 28))
        self.write("b.pgm", command.pgm([i % 256 for i in range(40 * 30)], 40, 30))  # is resized
        p = self.json("predict", t["checkpoint"], "a.pgm", "b.pgm", "--top", 2)
        self.assertEqual([entry["image"] for entry in p["predictions"]], ["a.pgm", "b.pgm"])
        for entry in p["predictions"]:
            first, second = entry["classes"]
            self.assertGreaterEqual(first["probability"], second["probability"])
            self.assertLessEqual(first["probability"] + second["probability"], 1 + 1e-9)
            self.assertEqual(set(first), {"class", "index", "probability"})
        everything = self.json("predict", t["checkpoint"], "a.pgm", "--top", 99)["predictions"][0]["classes"]
        self.assertEqual(sorted(c["index"] for c in everything), list(range(10)))
        self.assertAlmostEqual(sum(c["probability"] for c in everything), 1, places=6)

    def test_captured_steps_leave_the_same_bytes(self):
        files = []
        for run, options in [("told", ["--no-graph"]), ("captured", [])]:
            t = self.json("train", "softmax", "--data", command.DATA, "--max-steps", 4, "--batch", 8, "--device", "emu",
                          "--out", run, *options)
            self.assertEqual(t["captured"], run == "captured")
            files.append([(self.directory / t[key]).read_bytes() for key in ("checkpoint", "metrics")])
        self.assertEqual(files[0], files[1])
        said = self.good("train", "softmax", "--data", command.DATA, "--max-steps", 1, "--batch", 8, "--micro-batch", 4,
                         "--device", "emu", "--out", "pieces")
        self.assertIn("steps are not captured and replayed: a step is computed in pieces", said.out)

    def test_passes_leave_the_same_losses(self):
        self.write("net.toml", command.net_file(4, "batch_norm"))
        data = "synthetic:1x12x12:4"
        losses, checkpoints = set(), {}
        for options in [(), ("--no-fuse",), ("--no-layouts",), ("--no-fuse", "--no-layouts")]:
            t = self.json("train", "net.toml", "--data", data, "--max-steps", 3, "--batch", 4, "--device", "emu",
                          "--out", "run", "--overwrite", *options)
            passes = {"layouts": "--no-layouts" not in options, "fuse": "--no-fuse" not in options, "copies": True}
            self.assertEqual(t["passes"], passes)
            e = self.json("eval", t["checkpoint"], "--data", data, "--device", "emu", *options)
            self.assertEqual((e["loss"], e["passes"]), (t["test_loss"], passes))
            losses.add((t["test_loss"], (self.directory / t["metrics"]).read_bytes()))
            checkpoints[options] = (self.directory / t["checkpoint"]).read_bytes()
        self.assertEqual(len(losses), 1)
        self.assertEqual(checkpoints["--no-fuse",], checkpoints[()])
        self.assertNotEqual(checkpoints["--no-layouts",], checkpoints[()])  # it says so

    def test_text_goes_to_stderr_beside_json_and_stdout_without(self):
        arguments = ["train", "mlp", "--data", command.DATA, "--max-steps", 1, *ON_REFERENCE]
        machine = self.good(*arguments, "--json")
        machine.object()
        self.assertIn("test accuracy: ", machine.err)
        people = self.good(*arguments)
        self.assertEqual(people.err, "")
        self.assertRegex(people.out, r"\ntest accuracy: \d+\.\d %\n$")

    def test_quiet(self):
        arguments = ["train", "mlp", "--data", command.DATA, "--max-steps", 1, *ON_REFERENCE, "--quiet"]
        quiet = self.good(*arguments)
        self.assertRegex(quiet.out, r"^test accuracy: \d+\.\d %\n$")
        self.assertEqual(quiet.err, "")
        both = self.good(*arguments, "--json")
        both.object()
        self.assertEqual(both.err, "")

    def test_options_may_stand_before_the_command(self):
        self.assertEqual(self.good("--json", "--quiet", "summary", "mlp").object()["net"], "mlp")


class CompareAndGradcheck(command.CommandTest):
    def test_compare(self):
        for mode in ["isolated", "chained"]:
            c = self.json("compare", "mlp", "--devices", "reference,emu", "--batch", 2, "--mode", mode)
            self.assertEqual(set(c), {"ok", "worst_ratio", "first_divergent", "net", "devices", "mode", "precision",
                                      "layouts", "undecided", "decisions", "executed", "layers"})
            self.assertEqual((c["precision"], c["layouts"]), ("fp32", True))
            self.assertTrue(c["ok"])
            self.assertLessEqual(c["worst_ratio"], 1)
            self.assertIsNone(c["first_divergent"])
            self.assertEqual(c["devices"], ["reference", "emu:native"])
            self.assertGreater(min(c["executed"]), 0)
            names = [layer["layer"] for layer in c["layers"]]
            self.assertEqual([n for n in names if n in ("fc1", "relu1", "fc2")], ["fc1", "relu1", "fc2"])
            self.assertEqual(max(layer["worst_ratio"] for layer in c["layers"]), c["worst_ratio"])
            for layer in c["layers"]:
                self.assertTrue(layer["tensors"])
                for tensor in layer["tensors"]:
                    self.assertEqual(set(tensor), {"tensor", "direction", "shape", "max_abs", "max_rel", "worst_index",
                                                   "worst_ratio", "ok"})

    def test_compare_without_layouts(self):
        operations = {}
        for options in [(), ("--no-layouts",)]:
            c = self.json("compare", "lenet5", "--devices", "reference,emu", "--batch", 2, "--precision", "bf16",
                          *options)
            self.assertEqual((c["ok"], c["layouts"]), (True, not options))
            operations[options] = c["executed"][1]
        self.assertLess(operations["--no-layouts",], operations[()])  # nothing is converted
        text = self.good("compare", "lenet5", "--devices", "reference,emu", "--batch", 2, "--no-layouts").out
        self.assertIn("isolated, fp32, without layouts", text)

    def test_built_in_nets_agree_in_both_modes(self):
        for net in ["lenet5", "lenet5-1998", "mlp", "softmax"]:
            for mode in ["isolated", "chained"]:
                c = self.json("compare", net, "--devices", "reference,emu", "--mode", mode)
                self.assertTrue(c["ok"], f"{net}, {mode}")
                self.assertLessEqual(c["worst_ratio"], 1)
                self.assertEqual((c["mode"], c["first_divergent"]), (mode, None))

    def test_an_injected_fault_is_found_and_named(self):
        for net in ["lenet5", "lenet5-1998", "mlp"]:
            layers = [layer["name"] for layer in self.json("summary", net)["layers"]]
            self.assertGreaterEqual(len(layers), 3)
            for layer, mode in [(layer, mode) for layer in layers for mode in ["isolated", "chained"]]:
                result = self.run_fovea("compare", net, "--devices", "reference,emu", "--batch", 2, "--mode", mode,
                                        "--inject", layer, "--json")
                self.assertEqual(result.code, 1, f"{net}, {layer}, {mode}: {result.err}")
                c = result.object()
                self.assertFalse(c["ok"])
                self.assertEqual(c["first_divergent"], layer)
                self.assertIn(f"differ first in layer '{layer}'", result.err)

    def test_compare_on_trained_weights(self):
        checkpoint = self.trained()
        c = self.json("compare", "mlp", "--devices", "reference,emu", "--batch", 2, "--weights", checkpoint,
                      "--data", command.DATA)
        self.assertTrue(c["ok"])

    def test_gradcheck(self):
        g = self.json("gradcheck", "mlp", "--samples", 5)
        self.assertTrue(g["ok"])
        self.assertLessEqual(g["worst_error"], 1)
        names = [t["tensor"] for t in g["tensors"]]
        for name in ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]:
            self.assertIn(name, names)
        for tensor in g["tensors"]:
            self.assertEqual(set(tensor), {"tensor", "ok", "worst_error", "worst_index", "checked", "skipped"})


class Knn(command.CommandTest):
    def test_keys(self):
        result = self.json("knn", "--data", command.DATA, "--k", 3, "--norm", "l1", "--train", 60, "--test", 40,
                           *ON_REFERENCE)
        self.assertEqual(set(result), {"accuracy", "k", "norm", "train_images", "test_images", "device", "engine",
                                       "images_per_second"})
        self.assertEqual((result["k"], result["norm"], result["train_images"], result["test_images"]),
                         (3, "l1", 60, 40))
        self.assertEqual((result["device"], result["engine"]), ("reference", "reference"))
        self.assertGreater(result["images_per_second"], 0)
        self.assertEqual(round(result["accuracy"] * 40, 6) % 1, 0)
        self.assertEqual(self.files(), [])

    def test_finds_digits_without_training(self):
        few = self.json("knn", "--data", "digits", "--train", 400, "--test", 100, *ON_REFERENCE)
        self.assertEqual((few["k"], few["norm"]), (5, "l2"))
        self.assertGreater(few["accuracy"], 0.5)

    def test_emu_agrees_with_the_reference(self):
        both = [self.json("knn", "--data", "digits", "--train", 100, "--test", 30, "--device", device)["accuracy"]
                for device in ["reference", "emu"]]
        self.assertEqual(both[0], both[1])

    def test_text(self):
        text = self.good("knn", "--data", "synthetic:1x4x4:3", "--train", 100, "--test", 7, *ON_REFERENCE).out
        self.assertIn("7 test images against 100 training images of synthetic:1x4x4:3, k = 5, l2 on reference", text)
        self.assertRegex(text, r"\ntest accuracy: \d+\.\d %\n$")


if __name__ == "__main__":
    command.main()
